"""Visitors and agents talk over real sockets."""

from __future__ import annotations

from tests.serving import Served


async def test_a_visitor_and_an_agent_talk(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("lin") as agent:
        said = await visitor.says("我的订单到哪了?")
        assert said.seq == 2 and not said.dup
        await visitor.asks("request_human")
        offer = await agent.hears("queue.offered")
        assert offer.conv == visitor.conversation and offer.reason == "request"
        await agent.follow(offer.conv)
        await agent.accepts(offer.entry)
        await agent.says(offer.conv, "您好,我来帮您查。")
        transcript = await visitor.sees(visitor.conversation, "您好,我来帮您查。")
        assert transcript.texts == ["我的订单到哪了?", "您好,我来帮您查。"]
        assert [row.seq for row in transcript.rows] == list(range(1, len(transcript.rows) + 1))
