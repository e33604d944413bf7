"""Two server processes' worth of edges over one database: the bus tells, and when it loses words, the log does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from handoff.bus import BusEvent, Handler, InMemoryBus, Subscription
from handoff.seed import ensure_defaults
from handoff.writer import Database
from tests.serving import Served, serving


class SharedBus:
    """What two processes would share through Redis; loses every word about rows while `lossy`."""

    def __init__(self, shared: InMemoryBus) -> None:
        self._shared = shared
        self.lossy = False

    async def start(self) -> None:
        """Connected already."""

    async def publish(self, event: BusEvent) -> None:
        """Tell both sides, or lose it."""
        if not (self.lossy and event.seq):
            await self._shared.publish(event)

    async def subscribe(self, topic: str, handler: Handler) -> Subscription:
        """Hear a topic."""
        return await self._shared.subscribe(topic, handler)

    async def close(self) -> None:
        """The other side may go on."""


@asynccontextmanager
async def two_nodes(url: str) -> AsyncIterator[tuple[Served, Served, list[SharedBus]]]:
    shared = InMemoryBus()
    buses = [SharedBus(shared), SharedBus(shared)]
    databases = [Database(url), Database(url)]
    databases[0].write_now(ensure_defaults)
    async with serving(databases[0], bus=buses[0]) as here, serving(databases[1], bus=buses[1]) as there:
        yield here, there, buses
    for database in databases:
        database.close()


async def test_visitor_here_agent_there(sqlite_url: str) -> None:
    async with (
        two_nodes(sqlite_url) as (here, there, buses),
        here.visitor() as visitor,
        there.agent("lin") as agent,
    ):
        await visitor.says("有人吗?")
        await visitor.asks("request_human")
        offer = await agent.hears("queue.offered")
        await agent.accepts(offer.entry)
        await agent.follow(offer.conv)
        await visitor.typing(offer.conv, preview="我想")
        assert (await agent.hears("typing")).preview == "我想"
        for number in range(10):
            await visitor.says(f"v{number}")
            await agent.says(offer.conv, f"a{number}")
        await visitor.sees(offer.conv, "a9")
        await agent.sees(offer.conv, "v9")
        for bus in buses:
            bus.lossy = True
        lost = await visitor.says("这句话总线弄丢了")
        await agent.reaches(offer.conv, lost.seq or 0, patience=12)
        end = max(row.seq for row in agent.transcripts[offer.conv].rows)
        await visitor.reaches(offer.conv, end, patience=12)
        here_rows, there_rows = visitor.transcript.rows, agent.transcripts[offer.conv].rows
        assert [row.id for row in here_rows[:end]] == [row.id for row in there_rows[:end]]
