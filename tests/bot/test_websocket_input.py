"""Whatever a socket is fed gets a nack, a close code or an HTTP error with a stable code; the server stays up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from handoff import auth, inboxes
from handoff.client import Refused, Visitor
from handoff.connection import Rate
from handoff.seed import ensure_defaults
from handoff.tokens import new_secret
from handoff.writer import Database
from tests.serving import Served, serving


def dial(server: Served, path: str = "/ws/visitor", **fields: Any) -> connect:
    return connect(
        server.base.replace("http", "ws") + path, compression=None, ping_interval=None, proxy=None, **fields
    )


async def ticket(server: Served, visitor: Visitor) -> str:
    answer = await visitor.http.post("/api/v1/widget/ticket", headers=visitor.bearer)
    return str(answer.json()["ticket"])


async def ends_with(socket: ClientConnection) -> tuple[int | None, list[dict[str, Any]]]:
    """The close code and everything said before."""
    said = []
    try:
        async with asyncio.timeout(8):
            async for data in socket:
                said.append(json.loads(data))
    except ConnectionClosed:
        pass
    return socket.close_code, said


async def test_tickets_work_once_for_half_a_minute_and_on_their_own_door(server: Served) -> None:
    async with server.visitor() as visitor:
        used = await ticket(server, visitor)
        desks = server.account("lin")
        for bad in ("", "x" * 43, "中", used[:-1] + ("A" if used[-1] != "A" else "B"), "x" * 9_000):
            async with dial(server) as socket:
                await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": bad, "lang": "zh"}))
                code, said = await ends_with(socket)
                assert code == 4500 and "票据" in said[-1]["text"]
        async with dial(server, "/ws/desk") as socket:  # a visitor's ticket at the agents' door
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": used}))
            assert (await ends_with(socket))[0] == 4500
        fresh = await ticket(server, visitor)
        async with dial(server) as socket:
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": fresh}))
            assert json.loads(await socket.recv())["t"] == "welcome"
        async with dial(server) as socket:
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": fresh, "lang": "en"}))
            code, said = await ends_with(socket)
            assert code == 4500 and said[-1]["text"].startswith("The ticket")
        assert desks


async def test_an_expired_ticket_is_refused(server: Served) -> None:
    from handoff.clock import from_ms

    async with server.visitor() as visitor:
        old = new_secret()
        me = auth.Principal("visitor", visitor.user, "default", inbox="default")
        await server.database.write(lambda conn: auth.store_ticket(conn, me, old, now=from_ms(0)))
        async with dial(server) as socket:
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": old}))
            assert (await ends_with(socket))[0] == 4500


@pytest.mark.parametrize(
    ("frame", "code", "name"),
    [
        ("{", 4502, "bad_json"),
        (b"\x00\x01", 4502, "binary_frame"),
        ("x" * 65_537, 1009, ""),
        ('{"t":"hello","v":2,"ticket":"x"}', 4502, "bad_version"),
        ('{"t":"send","cid":"1","conv":"k","body":{"text":"x"}}', 4502, "hello_first"),
        ('{"t":"dance"}', 4502, "hello_first"),
    ],
)
async def test_what_comes_before_the_hello_hangs_up(
    server: Served, frame: str | bytes, code: int, name: str
) -> None:
    async with dial(server) as socket:
        await socket.send(frame)
        assert (await ends_with(socket))[0] == code
        assert not name or socket.close_reason == name
    assert (await _alive(server)).seq == 2


async def _alive(server: Served) -> Any:
    async with server.visitor() as visitor:
        return await visitor.says("还活着")


async def test_invalid_utf8_and_a_frame_over_64_kib_close_with_their_codes(server: Served) -> None:
    async with server.visitor() as visitor:
        for payload, code in ((b"\xff\xfe", 1007), (b"x" * 65_537, 1009)):
            async with dial(server) as socket:
                greeting = {"t": "hello", "v": 1, "ticket": await ticket(server, visitor)}
                await socket.send(json.dumps(greeting))
                await socket.recv()
                await socket.send(payload, text=True)
                assert (await ends_with(socket))[0] == code
        await visitor.says("还在")


async def test_bad_frames_after_the_welcome_are_refused_in_the_callers_language(server: Served) -> None:
    async with server.visitor(lang="en") as visitor, server.visitor() as stranger:
        expected = {
            '{"t":"dance","cid":"a1"}': "unknown_frame",
            '{"t":"send","cid":"a2","conv":5}': "bad_frame",
            f'{{"t":"send","cid":"a3","conv":"{visitor.conversation}","body":{{"text":" "}}}}': "text_empty",
            json.dumps(
                {"t": "send", "cid": "a4", "conv": visitor.conversation, "body": {"text": "x" * 8_001}}
            ): "text_too_long",
            f'{{"t":"send","cid":"a5","conv":"{stranger.conversation}","body":{{"text":"x"}}}}': "not_found",
            '{"t":"send","cid":"a6","conv":"nope","body":{"text":"x"}}': "not_found",
            f'{{"t":"send","cid":"a7","conv":"{visitor.conversation}","kind":"note","body":{{"text":"x"}}}}': "bad_kind",
            '{"t":"act","cid":"a8","action":"fly"}': "unknown_action",
            f'{{"t":"act","cid":"a9","action":"rate","conv":"{visitor.conversation}","data":{{}}}}': "bad_action",
            '{"t":"act","cid":"b1","action":"end"}': "bad_action",
            f'{{"t":"act","cid":"b2","action":"end","conv":"{stranger.conversation}"}}': "not_found",
            f'{{"t":"act","cid":"b3","action":"request_human","conv":"{stranger.conversation}"}}': "not_found",
            json.dumps(
                {"t": "send", "cid": "b4", "conv": visitor.conversation, "body": {"text": "a\u0000b"}}
            ): "text_control",
        }
        for frame, code in expected.items():
            await visitor.raw(frame)
            cid = json.loads(frame)["cid"]
            nack = await visitor.hears(lambda f, cid=cid: getattr(f, "cid", None) == cid)  # type: ignore[misc]
            assert (nack.code, nack.text.isascii()) == (code, True), frame
        for frame in ("sub", "typing", "read"):
            mark = len(visitor.frames)
            await visitor.raw(json.dumps({"t": frame, "conv": stranger.conversation, "seq": 1}))
            assert (await visitor.hears("nack", since=mark)).code == "not_found"
        assert visitor.connects == 1
        assert (await visitor.says("fine")).seq == 2


async def test_a_flood_of_sends_is_slowed_and_a_flood_of_frames_hung_up(server: Served) -> None:
    async with server.visitor() as visitor:
        outcomes = await asyncio.gather(*(visitor.says(f"{n}") for n in range(30)), return_exceptions=True)
        refused = [one for one in outcomes if isinstance(one, Refused)]
        assert {one.code for one in refused} == {"rate_limited"}
        assert all(one.nack.retry_ms for one in refused) and 8 <= len(refused) <= 10
        for _ in range(120):
            await visitor.raw('{"t":"pong"}')
        async with asyncio.timeout(5):
            while not visitor.closed_with:
                await asyncio.sleep(0.02)
        assert visitor.closed_with == [4102]


async def test_the_sixth_window_replaces_the_first(server: Served) -> None:
    async with server.visitor() as first:
        windows = [Visitor(server.base, known=first.known, base_s=0.02) for _ in range(5)]
        for window in windows:
            await window.start()
        async with asyncio.timeout(5):
            while not first.closed_with:
                await asyncio.sleep(0.02)
        assert first.closed_with == [4504]
        for window in windows:
            await window.stop()


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/ws/visitor", "https://evil.example", 403),
        ("/ws/visitor", "null", 403),
        ("/ws/desk", "https://shop.example", 403),
        ("/ws/desk", "https://evil.example", 403),
        ("/ws/other", None, 404),
        ("/ws/visitor", "https://shop.example.evil.example", 403),
        ("/ws/visitor", "http://shop.example", 403),
    ],
)
async def test_other_sites_are_refused_before_the_handshake(
    server: Served, path: str, origin: str | None, status: int
) -> None:
    await server.database.write(
        lambda conn: inboxes.change(conn, "default", "default", allowed_origins=["https://shop.example"])
    )
    with pytest.raises(InvalidStatus) as refused:
        async with dial(server, path, origin=origin):
            pass
    assert refused.value.response.status_code == status
    error = json.loads(refused.value.response.body)["error"]
    assert error["code"] in {"bad_origin", "not_found"} and error["message"]


async def test_the_own_and_the_allowed_origin_may_connect(server: Served) -> None:
    await server.database.write(
        lambda conn: inboxes.change(conn, "default", "default", allowed_origins=["https://shop.example"])
    )
    for origin in (server.base, "https://shop.example"):
        async with httpx.AsyncClient(
            base_url=server.base, headers={"Origin": origin}, trust_env=False
        ) as http:
            visitor = (await http.post("/api/v1/widget/session", json={"inbox": "default"})).json()["visitor"]
            bearer = {"Authorization": f"Bearer {visitor['id']}.{visitor['secret']}"}
            one = (await http.post("/api/v1/widget/ticket", headers=bearer)).json()["ticket"]
        async with dial(server, origin=None) as socket:  # the ticket is bound to the page's origin
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": one}))
            assert (await ends_with(socket))[0] == 4500
        async with httpx.AsyncClient(
            base_url=server.base, headers={"Origin": origin}, trust_env=False
        ) as http:
            one = (await http.post("/api/v1/widget/ticket", headers=bearer)).json()["ticket"]
        async with dial(server, origin=origin) as socket:
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": one}))
            assert json.loads(await socket.recv())["t"] == "welcome"


async def test_a_storm_of_handshakes_is_shed(sqlite_database: Database) -> None:
    async with serving(sqlite_database, handshakes=Rate(3, 30.0)) as server:
        statuses = []
        for _ in range(5):
            try:
                async with dial(server):
                    statuses.append(101)
            except InvalidStatus as refused:
                statuses.append(refused.response.status_code)
                assert refused.response.headers["Retry-After"] == "1"
        assert statuses == [101, 101, 101, 503, 503]


async def test_when_nothing_can_be_stored_a_hello_is_sent_away_for_a_while(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    database.write_now(ensure_defaults)
    async with serving(database) as server, server.visitor() as visitor:
        fresh = await ticket(server, visitor)
        await asyncio.to_thread(database.close)
        async with dial(server) as socket:
            await socket.send(json.dumps({"t": "hello", "v": 1, "ticket": fresh, "lang": "en"}))
            code, said = await ends_with(socket)
            assert code == 4104 and said[-1]["retry_ms"] >= 500
        with pytest.raises(Refused) as refused:
            await visitor.says("保存不了")
        assert refused.value.code == "storage" and refused.value.nack.retry_ms
