"""Visitors and agents talk over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from handoff import protocol
from handoff.client import Refused
from handoff.domain import Role
from handoff.protocol import ConversationChanged, QueueChanged, QueueEnded
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
        seen = await agent.sees(offer.conv, "您好,我来帮您查。")
        assert [row.id for row in seen.rows] == [row.id for row in transcript.rows]


async def test_a_private_note_is_an_empty_shell_to_the_visitor(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("lin") as agent:
        await visitor.asks("request_human")
        offer = await agent.hears("queue.offered")
        await agent.accepts(offer.entry)
        seen = await agent.follow(offer.conv)
        ack = await agent.notes(offer.conv, "客户上周也投诉过")
        assert ack.seq is not None
        await visitor.reaches(visitor.conversation, ack.seq)
        shell = visitor.transcript.rows[-1]
        assert (shell.kind, shell.body, shell.who, shell.cid) == ("private", {}, None, None)
        await agent.reaches(offer.conv, ack.seq)
        assert seen.rows[-1].body["text"] == "客户上周也投诉过"
        page = await visitor.http.get(
            f"/api/v1/widget/conversations/{visitor.conversation}/messages", headers=visitor.bearer
        )
        assert "投诉" not in page.text


async def test_waiting_visitors_hear_their_position_and_the_desk_its_queue(server: Served) -> None:
    async with server.agent("lin", Role.SUPERVISOR, online=False) as watcher, server.visitor() as first:
        await first.asks("request_human")
        place = await first.hears("queue.position")
        assert (place.position, place.size) == (1, 1)
        assert (await watcher.hears(QueueChanged)).waiting == 1
        async with server.visitor() as second:
            await second.asks("request_human")
            assert (await second.hears("queue.position")).position == 2
            await second.cut()
            mark = len(second.frames)
            assert (await second.hears("queue.position", since=mark)).position == 2
            await first.asks("stay_with_bot")
            moved = await second.hears(lambda f: isinstance(f, protocol.QueuePosition) and f.position == 1)
            assert moved.size == 1

        def back(frame: protocol.Frame) -> bool:
            return (
                isinstance(frame, ConversationChanged)
                and (frame.conv, frame.status) == (first.conversation, "with_bot")
                and frame.version > 2
            )

        assert (await watcher.hears(back)).agent is None


async def test_fifty_agents_press_accept_and_one_gets_it(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("a0") as first, server.agent("a1") as second:
        await visitor.asks("request_human")
        heard = [asyncio.create_task(agent.hears("queue.offered")) for agent in (first, second)]
        done, rest = await asyncio.wait(heard, return_when=asyncio.FIRST_COMPLETED)
        offer = done.pop().result()
        for task in rest:
            task.cancel()
        agents = [first, second]
        presses = await asyncio.gather(
            *(agents[n % 2].act("accept", entry=offer.entry, cid=f"press{n}") for n in range(50)),
            return_exceptions=True,
        )
        winners = {n % 2 for n, press in enumerate(presses) if not isinstance(press, BaseException)}
        assert len(winners) == 1
        losers = [press for press in presses if isinstance(press, BaseException)]
        assert losers and all(
            isinstance(press, Refused) and press.code in {"taken", "offered_elsewhere"} for press in losers
        )
        rows = (await visitor.reaches(visitor.conversation, visitor.transcript.next - 1)).rows
        assert sum(row.body.get("event") == "assigned" for row in rows) <= 1


async def test_a_declined_offer_goes_to_the_next_agent(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("a0") as first, server.agent("a1") as second:
        await visitor.asks("request_human")
        waiting = [asyncio.create_task(agent.hears("queue.offered")) for agent in (first, second)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        offer = done.pop().result()
        asked, other = (first, second) if waiting[0].done() else (second, first)
        await asked.act("decline", entry=offer.entry)
        assert (await asked.hears(QueueEnded)).why == "declined"
        again = await other.hears("queue.offered")
        assert again.entry == offer.entry
        await other.accepts(again.entry)
        assert await visitor.hears(
            lambda f: isinstance(f, protocol.Msg) and f.body.get("event") == "assigned"
        )


async def test_typing_and_reading_are_relayed(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("lin") as agent:
        await visitor.says("在吗")
        await visitor.asks("request_human")
        offer = await agent.hears("queue.offered")
        await agent.accepts(offer.entry)
        await agent.follow(offer.conv)
        await visitor.typing(visitor.conversation, preview="我想退")
        heard = await agent.hears("typing")
        assert (heard.preview, heard.who) == ("我想退", "visitor")
        await agent.typing(offer.conv)
        assert (await visitor.hears("typing")).name == "lin"
        await agent.read(offer.conv, 2)
        assert (await visitor.hears("read")).seq == 2


async def test_transfer_return_resolve_and_rate(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("lin") as lin:
        await visitor.asks("request_human")
        offer = await lin.hears("queue.offered")
        await lin.accepts(offer.entry)
        async with server.agent("wang") as wang:
            await lin.act("transfer", offer.conv, agent=wang.user, note="客户要退货")
            passed = await wang.hears("queue.offered")
            assert passed.conv == offer.conv and passed.reason == "transfer"
            await wang.accepts(passed.entry)
            assert (await wang.follow(offer.conv)).conversation == offer.conv
            judged = await wang.act("judge", escalation=passed.escalation, judgement="right")
            assert judged.data == {"judgement": "right"}
            resolved = await wang.act("resolve", offer.conv)
            assert resolved.data["status"] == "resolved"
        rated = await visitor.asks("rate", score=5, comment="谢谢")
        assert rated.data["status"] == "resolved"
        back = await visitor.says("还有一个问题")
        await visitor.reaches(visitor.conversation, back.seq or 0)
        events = [row.body["event"] for row in visitor.transcript.rows if row.kind == "event"]
        assert events[-3:] == ["resolved", "rated", "reopened"]


async def test_nobody_at_the_desk_means_leaving_a_message(server: Served) -> None:
    async with server.visitor() as visitor:
        asked = await visitor.asks("request_human", reason="我要找人")
        assert asked.data["nobody_available"] is True
        left = await visitor.asks("leave_message", contact="13800000000", text="请回电")
        assert left.data["status"] == "with_bot"
        async with server.agent("lin", Role.SUPERVISOR) as agent:
            listed = await agent.gets("left-messages")
            assert [item["contact"] for item in listed["left_messages"]] == ["13800000000"]


async def test_an_editor_hears_nothing_of_chats(server: Served) -> None:
    async with (
        server.agent("edi", Role.EDITOR) as editor,
        server.agent("lin") as agent,
        server.visitor() as visitor,
    ):
        await visitor.says("秘密")
        await visitor.asks("request_human")
        await agent.hears("queue.offered")
        with pytest.raises(Refused) as refused:
            await editor.act("take", visitor.conversation)
        assert refused.value.code in {"not_found", "forbidden"}
        await editor.raw(f'{{"t":"sub","conv":"{visitor.conversation}"}}')
        assert (await editor.hears("nack")).code in {"not_found", "forbidden"}
        await asyncio.sleep(0.3)
        kinds = {frame.__struct_config__.tag for frame in editor.frames}
        assert kinds <= {"welcome", "ack", "nack"}


async def test_an_agent_of_another_queue_sees_nothing(server: Served) -> None:
    async with server.agent("far", queues=("elsewhere",)) as far, server.visitor() as visitor:
        await visitor.asks("request_human")
        await far.raw(f'{{"t":"sub","conv":"{visitor.conversation}"}}')
        assert (await far.hears("nack")).code == "not_found"
        assert (await far.gets("queue"))["entries"] == []
