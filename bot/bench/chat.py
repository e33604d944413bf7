"""`bench chat`: durable relay between pairs of sockets, and the same pairs over python-socketio beside it."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection
from websockets.asyncio.client import ClientConnection, connect

from bot.bench.process import Measured, running
from handoff import auth, conversations, tables, visitors
from handoff.protocol import Body, Hello, Send, Sub, encode
from handoff.seed import DEFAULT, ensure_defaults
from handoff.tokens import new_secret
from handoff.writer import Database

TEXT: Final = "您好,我上周买的耳机还没有发货,订单号是 20261122,麻烦帮我查一下什么时候能送到,谢谢!" * 2
BATCH: Final = 100  # sockets opened at once


@dataclass(frozen=True, slots=True)
class Load:
    """How much: `connections` sockets (half of them send), `rate` messages a second, for `seconds`."""

    connections: int
    rate: float
    seconds: float


class Peer(Protocol):
    """Two sockets of one conversation in some protocol."""

    async def open(self) -> None:
        """Connect both."""
        ...

    async def send(self, number: int) -> None:
        """Send message `number` on the first."""
        ...

    async def close(self) -> None:
        """Disconnect both."""
        ...


class Timing:
    """When each message was sent, acknowledged and received by the peer (seconds)."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.acked: dict[str, float] = {}
        self.received: dict[str, float] = {}

    def figures(self) -> dict[str, Any]:
        """Milliseconds at the median and the 99th percentile, and what never came."""
        acks = [self.acked[key] - at for key, at in self.sent.items() if key in self.acked]
        peers = [self.received[key] - at for key, at in self.sent.items() if key in self.received]
        return {
            "messages": len(self.sent), "unacknowledged": len(self.sent) - len(acks),
            "lost": len(self.sent) - len(peers), "ack_p50_ms": milliseconds(acks, 50),
            "ack_p99_ms": milliseconds(acks, 99),
            "peer_p50_ms": milliseconds(peers, 50), "peer_p99_ms": milliseconds(peers, 99),
        }  # fmt: skip


def milliseconds(values: Sequence[float], percent: int) -> float | None:
    """A percentile of durations in seconds, as milliseconds; None when there are too few."""
    if len(values) < 2:
        return None
    return round(statistics.quantiles(values, n=100)[percent - 1] * 1000, 2)


class Pair:
    """A visitor with two sockets: what one says, the other hears."""

    def __init__(self, port: int, conversation: str, tickets: tuple[str, str], timing: Timing) -> None:
        self._url = f"ws://127.0.0.1:{port}/ws/visitor"
        self._conversation = conversation
        self._tickets = tickets
        self._timing = timing
        self._sockets: list[ClientConnection] = []
        self._readers: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect both and follow the conversation."""
        for ticket, hear in zip(self._tickets, (self._hear_ack, self._hear_row), strict=True):
            socket = await connect(
                self._url, compression=None, ping_interval=None, proxy=None, open_timeout=60
            )
            await socket.send(encode(Hello(v=1, ticket=ticket)).decode())
            await socket.recv()
            await socket.send(encode(Sub(conv=self._conversation)).decode())
            await socket.recv()  # subd
            await socket.recv()  # the row `opened`
            self._sockets.append(socket)
            self._readers.append(asyncio.create_task(hear(socket)))

    async def send(self, number: int) -> None:
        """One message."""
        cid = f"m{number}"
        frame = Send(cid=cid, conv=self._conversation, body=Body(text=TEXT))
        self._timing.sent[cid] = time.perf_counter()
        await self._sockets[0].send(encode(frame).decode())

    async def close(self) -> None:
        """Disconnect."""
        for reader in self._readers:
            reader.cancel()
        for socket in self._sockets:
            await socket.close()

    async def _hear_ack(self, socket: ClientConnection) -> None:
        async for data in socket:
            now = time.perf_counter()
            if isinstance(data, str) and data.startswith('{"t":"ack","cid":"'):
                self._timing.acked[data[18 : data.index('"', 18)]] = now

    async def _hear_row(self, socket: ClientConnection) -> None:
        async for data in socket:
            now = time.perf_counter()
            if isinstance(data, str) and data.startswith('{"t":"msg"'):
                at = data.index('"cid":"') + 7
                self._timing.received[data[at : data.index('"', at)]] = now


class SocketIoPair:
    """The same pair over python-socketio: a room of two, an acknowledged event (Engine.IO 4 by hand)."""

    def __init__(self, port: int, room: str, timing: Timing) -> None:
        self._url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        self._room = room
        self._timing = timing
        self._sockets: list[ClientConnection] = []
        self._readers: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect both and join the room."""
        for hear in (self._hear_ack, self._hear_row):
            socket = await connect(
                self._url, compression=None, ping_interval=None, proxy=None, open_timeout=60
            )
            await socket.recv()  # open
            await socket.send("40")
            await socket.recv()  # connected
            await socket.send(f'420["join",{json.dumps(self._room)}]')
            await socket.recv()
            self._sockets.append(socket)
            self._readers.append(asyncio.create_task(hear(socket)))

    async def send(self, number: int) -> None:
        """One message, acknowledged by its number."""
        body = {"t": "send", "cid": f"m{number}", "conv": self._room, "body": {"text": TEXT}}
        self._timing.sent[f"m{number}"] = time.perf_counter()
        await self._sockets[0].send(f'42{number}["send",{json.dumps(body, ensure_ascii=False)}]')

    async def close(self) -> None:
        """Disconnect."""
        for reader in self._readers:
            reader.cancel()
        for socket in self._sockets:
            await socket.close()

    async def _hear_ack(self, socket: ClientConnection) -> None:
        async for data in socket:
            now = time.perf_counter()
            if isinstance(data, str) and data.startswith("43"):
                self._timing.acked[f"m{data[2 : data.index('[')]}"] = now
            elif data == "2":
                await socket.send("3")

    async def _hear_row(self, socket: ClientConnection) -> None:
        async for data in socket:
            now = time.perf_counter()
            if isinstance(data, str) and data.startswith("42"):
                at = data.index('"cid":"') + 7
                self._timing.received[data[at : data.index('"', at)]] = now
            elif data == "2":
                await socket.send("3")


def seeded(url: str, pairs: int) -> list[tuple[str, tuple[str, str]]]:
    """A fresh database with that many conversations and two tickets for each visitor."""
    database = Database(url)
    database.create_tables(tables.metadata)
    database.write_now(ensure_defaults)
    secrets = [(new_secret(), new_secret(), new_secret()) for _ in range(pairs)]

    def unit(conn: Connection) -> list[tuple[str, tuple[str, str]]]:
        made = []
        for secret, first, second in secrets:
            visitor, _ = visitors.create(conn, workspace=DEFAULT, inbox=DEFAULT, secret=secret)
            head, _ = conversations.open_conversation(
                conn, workspace=DEFAULT, inbox=DEFAULT, visitor=visitor.id
            )
            principal = auth.visitor_principal(visitor)
            auth.store_ticket(conn, principal, first)
            auth.store_ticket(conn, principal, second)
            made.append((head.id, (first, second)))
        return made

    made = database.write_now(unit)
    database.close()
    return made


async def drive(server: Measured, pairs: Sequence[Peer], load: Load, timing: Timing) -> dict[str, Any]:
    """Open all, send evenly at the rate, wait for the last, and divide the server's CPU by the messages."""
    empty = server.rss_kib()
    for start in range(0, len(pairs), BATCH):
        await asyncio.gather(*(pair.open() for pair in pairs[start : start + BATCH]))
    full = server.rss_kib()
    total = int(load.rate * load.seconds)
    await asyncio.sleep(0.5)
    cpu, began = server.cpu_s(), time.perf_counter()
    for number in range(total):
        due = began + number / load.rate
        if (early := due - time.perf_counter()) > 0.001:
            await asyncio.sleep(early)
        await pairs[number % len(pairs)].send(number)
    end = time.perf_counter() + 10
    while len(timing.received) < total and time.perf_counter() < end:  # noqa: ASYNC110 the end of a run
        await asyncio.sleep(0.05)
    used, took = server.cpu_s() - cpu, max(timing.received.values(), default=began) - began
    for pair in pairs:
        await pair.close()
    return {
        "cpu_us_per_message": round(used / total * 1e6, 1), "messages_per_s": round(total / took, 1),
        **timing.figures(), "rss_kib_per_connection": round((full - empty) / (2 * len(pairs)), 1),
    }  # fmt: skip


def jieli(load: Load, database: str | None = None) -> dict[str, Any]:
    """Our own figures over SQLite (synchronous=FULL) in a temporary folder, or over `database`."""
    with tempfile.TemporaryDirectory(prefix="jieli-bench-") as folder:
        url = database or f"sqlite:///{Path(folder) / 'jieli.db'}"
        made = seeded(url, load.connections // 2)
        timing = Timing()
        with running("bot.bench.server", url) as server:
            pairs = [Pair(server.port, conv, tickets, timing) for conv, tickets in made]
            return asyncio.run(drive(server, pairs, load, timing))


def socketio(load: Load) -> dict[str, Any] | None:
    """python-socketio's figures (relay only, nothing stored), or None when it is not installed."""
    if find_spec("socketio") is None:
        return None
    timing = Timing()
    with running("bot.bench.socketio_server") as server:
        pairs = [SocketIoPair(server.port, f"room{i}", timing) for i in range(load.connections // 2)]
        return asyncio.run(drive(server, pairs, load, timing))
