"""Presence that tells the truth: a closed browser is noticed in seconds, a reload costs nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from handoff import agents
from handoff.client import Agent, Closed
from handoff.clock import utc_now
from handoff.domain import Role
from handoff.protocol import Presence, QueueOffered
from tests.serving import PASSWORD_HASH, Served

LEAVING = agents.LEAVING.total_seconds()


async def test_an_agent_who_closes_the_browser_is_soon_offered_nothing(server: Served) -> None:
    """The offer that the vanished agent held goes to a colleague as soon as the lease is over."""
    async with server.visitor() as visitor, server.agent("mei", online=False) as mei:
        async with server.agent("ling") as ling:
            await visitor.asks("request_human")
            offer = await ling.hears("queue.offered")
        left = time.monotonic()
        await mei.goes("online")
        again: QueueOffered = await mei.hears("queue.offered", patience=LEAVING + 3)
        waited = time.monotonic() - left
        assert again.entry == offer.entry
        assert LEAVING - 1 < waited < LEAVING + 2.5, f"the offer went on after {waited:.1f} s"
        gone = await mei.hears(
            lambda f: isinstance(f, Presence) and f.agent == ling.user and f.availability == "offline"
        )
        assert gone.name == "ling"
        people = {one["name"]: one["availability"] for one in (await mei.gets("agents"))["agents"]}
        assert people == {"ling": "offline", "mei": "online"}


async def test_a_colleague_with_a_living_socket_is_asked_first(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("mei", languages=("en",)) as mei:
        async with server.agent("ling", languages=("zh-CN",)):
            pass
        await visitor.asks("request_human")
        offer: QueueOffered = await mei.hears("queue.offered", patience=2)
        assert offer.conv == visitor.conversation


async def test_a_reload_keeps_the_agent_at_the_desk(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("ling") as ling:
        await visitor.asks("request_human")
        offer = await ling.hears("queue.offered")
        mark = len(ling.frames)
        await ling.cut()
        await asyncio.sleep(0.1)
        await ling.online()
        assert (await ling.hears("queue.offered", since=mark)).entry == offer.entry
        account = await server.database.read(lambda conn: agents.get(conn, "default", ling.user))
        assert account.lease_until is not None
        left = account.lease_until - utc_now()
        assert left > agents.LEAVING * 2, "the lease is whole again"


async def _closed(agent: Agent) -> int:
    async with asyncio.timeout(6):
        while True:
            if agent.closed_with:
                return agent.closed_with[-1]
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("what", ["disabled", "role", "password"])
async def test_open_sockets_end_when_the_account_changes(server: Served, what: str) -> None:
    """As `jieli agent disable` does it: in another process, which tells nobody."""
    async with server.agent("ling") as ling:
        changes = {
            "disabled": lambda conn: agents.set_disabled(conn, "default", ling.user, True),
            "role": lambda conn: agents.set_role(conn, "default", ling.user, Role.EDITOR),
            "password": lambda conn: agents.set_password(conn, "default", ling.user, PASSWORD_HASH + "x"),
        }
        await server.database.write(changes[what])
        assert await _closed(ling) == 4500
        with pytest.raises(Closed):
            await ling.hears("pong", patience=2)
    async with server.agent("mei") as mei:
        await asyncio.sleep(2.2)
        assert mei.closed_with == [], "nobody else is disturbed"
