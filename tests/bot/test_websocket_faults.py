"""Sockets that break in the middle: nothing acknowledged is lost, nothing is stored twice, order holds."""

from __future__ import annotations

import asyncio
import random
import socket as sockets

import pytest
from sqlalchemy import Connection

from handoff import log
from handoff.client import Client, Closed, Refused, Visitor
from handoff.clock import from_ms
from handoff.connection import Limits, Rate
from handoff.domain import Message
from handoff.protocol import REPLAY_LIMIT, Subd
from handoff.seed import ensure_defaults
from handoff.writer import Database
from tests.faults import fault_proxy
from tests.serving import Served, serving


async def stored(database: Database, conversation: str) -> list[Message]:
    return await database.read(lambda conn: log.history(conn, conversation, limit=1_000))


def told(client: Client, conversation: str) -> list[str]:
    return [row.id for row in client.transcripts[conversation].rows]


async def test_cutting_the_line_at_every_place_loses_and_doubles_nothing(server: Served) -> None:
    async with (
        fault_proxy(server.port) as proxy,
        Visitor(server.base, via=proxy.url, base_s=0.005) as visitor,
    ):
        for number in range(24):  # the frame is some 130 bytes up; its ack and row some 330 down
            await visitor.online()
            setattr(proxy, "cut_up" if number % 2 else "cut_down", 1 + number * 14)
            ack = await asyncio.wait_for(visitor.says(f"第 {number} 条"), 10)
            assert ack.seq is not None
        proxy.cut_up = proxy.cut_down = None
        rows = await stored(server.database, visitor.conversation)
        texts = [row.body["text"] for row in rows if row.kind == "text"]
        assert texts == [f"第 {number} 条" for number in range(24)]
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        await visitor.reaches(visitor.conversation, rows[-1].seq, patience=10)
        assert told(visitor, visitor.conversation) == [row.id for row in rows]
        assert visitor.connects > 10


async def test_both_sides_talk_through_cuts_and_agree_at_the_end(server: Served) -> None:
    chance = random.Random(7)
    async with fault_proxy(server.port) as proxy, server.agent("lin") as agent:
        visitor = Visitor(server.base, via=proxy.url, base_s=0.005)
        async with visitor:
            await visitor.asks("request_human")
            offer = await agent.hears("queue.offered")
            await agent.accepts(offer.entry)
            await agent.follow(offer.conv)

            async def saboteur() -> None:
                while True:
                    await asyncio.sleep(chance.uniform(0.2, 0.5))
                    proxy.cut()

            sabotage = asyncio.create_task(saboteur())
            for number in range(40):
                await asyncio.sleep(0.03)
                await asyncio.gather(visitor.says(f"v{number}"), agent.says(offer.conv, f"a{number}"))
            sabotage.cancel()
            rows = await stored(server.database, offer.conv)
            assert sum(row.kind == "text" for row in rows) == 80
            await visitor.reaches(offer.conv, rows[-1].seq, patience=10)
            await agent.reaches(offer.conv, rows[-1].seq, patience=10)
            assert told(visitor, offer.conv) == told(agent, offer.conv) == [row.id for row in rows]


async def test_the_same_cid_is_stored_once_and_another_text_under_it_refused(server: Served) -> None:
    async with server.visitor() as visitor:
        first = await visitor.says("你好", cid="one")
        again = await visitor.says("你好", cid="one")
        assert (again.seq, again.id, again.dup) == (first.seq, first.id, True)
        with pytest.raises(Refused) as refused:
            await visitor.says("别的", cid="one")
        assert refused.value.code == "idem_conflict"
        assert len(await stored(server.database, visitor.conversation)) == 2


async def test_an_action_repeated_after_a_cut_gets_the_same_answer(server: Served) -> None:
    async with server.visitor() as visitor:
        first = await visitor.act("request_human", visitor.conversation, cid="ask")
        await visitor.cut()
        await visitor.online()
        again = await visitor.act("request_human", visitor.conversation, cid="ask")
        assert again.dup and again.data == first.data


async def test_two_windows_of_one_visitor_see_the_same(server: Served) -> None:
    async with server.visitor() as here, server.visitor(known=here.known) as there:
        assert there.conversation == here.conversation
        await asyncio.gather(*(window.says(f"{n}") for n in range(10) for window in (here, there)))
        await asyncio.gather(*(window.reaches(here.conversation, 21) for window in (here, there)))
        assert told(here, here.conversation) == told(there, here.conversation)


async def test_coming_back_replays_what_was_missed(server: Served) -> None:
    async with server.visitor() as visitor, server.visitor(known=visitor.known) as other:
        await visitor.says("一")
        await visitor.cut()
        for number in range(5):
            await other.says(f"离线 {number}")
        await visitor.sees(visitor.conversation, "离线 4")
        rows = await stored(server.database, visitor.conversation)
        assert told(visitor, visitor.conversation) == [row.id for row in rows]


async def test_far_behind_another_epoch_or_beyond_the_tip_is_not_recovered(server: Served) -> None:
    async with server.visitor() as visitor:
        for _ in range(3):
            await visitor.says("x")
        conv = visitor.conversation
        for after, epoch in ((0, "elsewhere"), (99, visitor.epoch), (-1, visitor.epoch)):
            mark = len(visitor.frames)
            await visitor.raw(f'{{"t":"sub","conv":"{conv}","after":{after},"epoch":"{epoch}"}}')
            answer = await visitor.hears(Subd, since=mark)
            assert (answer.recovered, answer.to) == (False, 4)

        def many(conn: Connection) -> None:
            for _ in range(REPLAY_LIMIT):
                log.append_event(conn, conv, "rated", "评", "rated", from_ms(0))

        await server.database.write(many)
        mark = len(visitor.frames)
        await visitor.raw(f'{{"t":"sub","conv":"{conv}","after":1,"epoch":"{visitor.epoch}"}}')
        assert not (await visitor.hears(Subd, since=mark)).recovered


async def test_a_thousand_rows_are_replayed_in_pages(server: Served) -> None:
    async with server.visitor() as visitor:
        conv = visitor.conversation

        def many(conn: Connection) -> None:
            for _ in range(700):
                log.append_event(conn, conv, "rated", "评", "rated", from_ms(0))

        await server.database.write(many)
        async with server.visitor(known=visitor.known) as late:
            transcript = await late.reaches(conv, 701, patience=15)
            assert [row.seq for row in transcript.rows] == list(range(1, 702))
            pages = [frame for frame in late.frames if isinstance(frame, Subd)]
            assert [page.more for page in pages] == [True, True, False]


async def test_one_who_never_reads_is_let_go_and_harms_nobody(sqlite_database: Database) -> None:
    free = Limits(sends=Rate(10_000, 1.0), frames=Rate(10_000, 1.0), stall_ms=1_500)
    async with serving(sqlite_database, visitor_limits=free) as server, server.visitor() as visitor:
        ticket = (await visitor.http.post("/api/v1/widget/ticket", headers=visitor.bearer)).json()["ticket"]
        deaf = sockets.socket()
        deaf.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 2_048)
        deaf.connect(("127.0.0.1", server.port))
        try:
            deaf.sendall(
                b"GET /ws/visitor HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await asyncio.to_thread(deaf.recv, 1_000)  # 101; the last thing it reads
            deaf.sendall(masked(f'{{"t":"hello","v":1,"ticket":"{ticket}"}}'))
            await asyncio.sleep(0.1)
            deaf.sendall(masked(f'{{"t":"sub","conv":"{visitor.conversation}"}}'))
            await asyncio.sleep(0.1)
            assert len(server.edge.sockets) == 2
            async with asyncio.timeout(20):
                sent = 0
                while len(server.edge.sockets) == 2:
                    sent += 1
                    ack = await asyncio.wait_for(visitor.says("字" * 7_900, cid=f"big{sent}"), 2)
                    assert ack.seq is not None
                    await asyncio.sleep(0.2 if sent > 120 else 0)
            assert 3 < sent < 300
        finally:
            deaf.close()
        await visitor.says("还在")


def masked(text: str) -> bytes:
    """A client's text frame with a zero mask."""
    data = text.encode()
    assert len(data) < 126
    return bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data


async def test_a_half_open_line_is_noticed_and_left(sqlite_database: Database) -> None:
    quick = Limits(ping_ms=300, pong_ms=300, sends=Rate(100, 1.0))
    async with (
        serving(sqlite_database, visitor_limits=quick) as server,
        fault_proxy(server.port) as proxy,
        Visitor(server.base, via=proxy.url, base_s=0.005) as visitor,
    ):
        await visitor.says("在")
        proxy.silent = True
        async with asyncio.timeout(8):
            while len(server.edge.sockets):
                await asyncio.sleep(0.05)
        proxy.silent = False
        proxy.cut()
        await visitor.online()
        assert (await visitor.says("回来了")).seq == 3


async def test_a_restart_says_goodbye_and_everybody_comes_back(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    database.write_now(ensure_defaults)
    async with fault_proxy(0) as proxy:
        async with serving(database) as server:
            proxy.target = server.port
            visitor = Visitor(proxy.url, base_s=0.02)
            await visitor.start()
            await visitor.says("重启前")
        assert visitor.closed_with[0] == 4001
        assert any(frame.__struct_config__.tag == "bye" for frame in visitor.frames)
        async with serving(database) as server:
            proxy.target = server.port
            await visitor.online()
            await visitor.says("重启后")
            assert (await visitor.sees(visitor.conversation, "重启前", "重启后")).next == 4
            await visitor.stop()
    database.close()


async def test_a_client_without_a_right_to_a_ticket_gives_up_and_says_so(server: Served) -> None:
    async with server.visitor() as visitor:
        assert visitor.known is not None
        visitor.known["secret"] = "x" * 43
        await visitor.cut()
        with pytest.raises(Closed) as over:
            await visitor.online()
        assert over.value.code == 4500
