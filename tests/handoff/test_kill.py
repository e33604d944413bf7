"""kill -9 while messages stream in: nothing acknowledged is lost, the log stays dense, repeats are known."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import random
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

from sqlalchemy import Connection

from handoff import conversations, log
from handoff.domain import Message
from handoff.writer import Database
from tests.handoff.scene import Scene

KILLS = 10
CALLERS = 20


def posting(conversation: str, visitor: str, cid: str) -> Callable[[Connection], conversations.Posted]:
    return lambda conn: conversations.post(
        conn, conversation, visitor=visitor, cid=cid, body={"text": f"message {cid}"}
    )


def keep_posting(url: str, conversation: str, visitor: str, life: int, pipe: Pipe) -> None:
    """The process to be killed: posts without end, and says on the pipe what was acknowledged."""

    async def caller(database: Database, name: int) -> None:
        for cid in (f"{life}-{name}-{number}" for number in itertools.count()):
            posted = await database.write(posting(conversation, visitor, cid))
            pipe.send((cid, posted.message.seq))

    async def main() -> None:
        database = Database(url)
        await asyncio.gather(*(caller(database, name) for name in range(CALLERS)))

    asyncio.run(main())


def acknowledged_until_killed(url: str, conversation: str, visitor: str, life: int) -> dict[str, int]:
    """One life of the process, killed at a random moment. Returns cid → seq of what it acknowledged."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["handoff.conversations", "handoff.writer", "psycopg"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=keep_posting, args=(url, conversation, visitor, life, theirs))
    process.start()
    theirs.close()
    acknowledged: dict[str, int] = {}
    deadline = None
    try:
        while True:
            if ours.poll(0.005):
                cid, seq = ours.recv()
                acknowledged[cid] = seq
                deadline = deadline or time.monotonic() + random.uniform(0.02, 0.3)
            if deadline is not None and time.monotonic() > deadline and process.is_alive():
                process.kill()
    except EOFError:
        process.join()
    ours.close()
    return acknowledged


def next_page(conversation: str, after: int) -> Callable[[Connection], list[Message]]:
    return lambda conn: log.history(conn, conversation, after=after, limit=1000)


def test_nothing_acknowledged_is_lost(
    scene: Scene, database_url: str, opened: Callable[[], Database]
) -> None:
    guest = scene.guest()
    acknowledged: dict[str, int] = {}
    for life in range(KILLS):
        fresh = acknowledged_until_killed(database_url, guest.conversation, guest.visitor, life)
        assert fresh, "it was killed before it had done anything"
        acknowledged |= fresh

    after = opened()
    rows: list[Message] = []
    while page := after.read_now(next_page(guest.conversation, rows[-1].seq if rows else 0)):
        rows += page
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1)), "dense"
    stored = {row.cid: row.seq for row in rows if row.cid}
    assert len(stored) == len(rows) - 1, "each cid once"
    assert {cid: stored.get(cid) for cid in acknowledged} == acknowledged, (
        "acknowledged is stored, at that place"
    )

    some = random.sample(sorted(acknowledged), min(50, len(acknowledged)))
    for cid in some:
        assert guest.says(f"message {cid}", cid=cid).dup
