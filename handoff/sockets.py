"""Drives one `Connection` over ASGI: a reader, an own writer task, the clock, the goodbye.

Nobody ever awaits somebody else's socket: frames go into the outbox, the writer takes them from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from handoff.connection import Bucket, Connection, Encoded, Limits, Rate, encoded
from handoff.errors import HandoffError, NotFound, Unavailable
from handoff.protocol import ClientFrame, Frame, Hello, Nack

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TICK_S: Final = 1.0
ABORT_S: Final = 2.0  # a goodbye that the peer does not read is cut off after this


class Session(Protocol):
    """What the application does with a socket that said hello."""

    async def handle(self, frame: ClientFrame, socket: Socket) -> None:
        """One frame; HandoffError becomes a nack."""
        ...

    async def closed(self, socket: Socket) -> None:
        """The socket is gone."""
        ...


Greeter = Callable[[Hello, "Socket"], Awaitable[Session]]
"""Looks at the ticket; raises Unauthenticated when it is no good."""


class Socket:
    """One WebSocket: `push` frames from anywhere on the loop; `run` is the whole life of it."""

    __slots__ = (
        "_closing_since", "_greet", "_loop", "_receive", "_send", "_session", "_wake", "connection", "origin",
        "peer",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, greet: Greeter, limits: Limits) -> None:
        headers = dict(scope["headers"])
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._send = send
        self._greet = greet
        self._session: Session | None = None
        self._wake: asyncio.Future[None] | None = None
        self._closing_since: float | None = None
        self.origin: str | None = header(headers, b"origin")
        self.peer: str = (scope.get("client") or ("", 0))[0]
        language = header(headers, b"accept-language") or "zh-CN"
        self.connection = Connection(now=self._loop.time(), limits=limits, language=language)

    # ---- out ----------------------------------------------------------------------------------

    def push(self, frame: Encoded, *, droppable: bool = False) -> None:
        """Queue an encoded frame; never blocks, never raises."""
        self.connection.push(frame, droppable=droppable)
        self._notify()

    def send(self, frame: Frame) -> None:
        """Queue a frame for this socket alone."""
        self.push(encoded(frame))

    def close(self, code: int, why: str | None = None, *, retry_ms: int = 0) -> None:
        """Say goodbye and hang up."""
        self.connection.close(code, why, retry_ms=retry_ms)
        self._notify()

    def refuse(self, error: HandoffError, cid: str | None) -> None:
        """A nack for an action that failed; what is not there and what is not theirs look alike."""
        text = error.text(self.connection.language)
        hidden = isinstance(error, NotFound) and error.code == "conversation_not_found"
        code = "not_found" if hidden else error.code
        self.send(Nack(code=code, text=text, cid=cid, retry_ms=error.retry_ms))

    async def room(self) -> None:
        """Wait until a replay may go on without pushing out what is live."""
        while not self.connection.room and self.connection.closing is None:  # noqa: ASYNC110 rare and short
            await asyncio.sleep(0.005)

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _write(self) -> None:
        connection, loop, send = self.connection, self._loop, self._send
        while True:
            frame = connection.head()
            if frame is not None:
                await send({"type": "websocket.send", "text": frame.text})
                connection.written(loop.time())
            elif connection.closing is not None:
                code, name = connection.closing
                await send({"type": "websocket.close", "code": code, "reason": name})
                return
            else:
                self._wake = loop.create_future()
                await self._wake

    # ---- in -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Accept, then read until the peer is gone."""
        await self._send({"type": "websocket.accept"})
        writer = self._loop.create_task(self._write())
        try:
            await self._read()
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            if self._session is not None:
                await self._session.closed(self)

    async def _read(self) -> None:
        connection, receive = self.connection, self._receive
        while True:
            event = await receive()
            if event["type"] != "websocket.receive":
                if event["type"] == "websocket.disconnect":
                    return
                continue
            data = event.get("text")
            frame = connection.receive(event["bytes"] if data is None else data, self._loop.time())
            if frame is not None:
                await self._handle(frame)
            self._notify()

    async def _handle(self, frame: ClientFrame) -> None:
        cid = getattr(frame, "cid", None)
        try:
            if self._session is None:
                await self._hello(frame)
            else:
                await self._session.handle(frame, self)
        except HandoffError as error:
            self.refuse(error, cid)
        except Exception:  # one frame's outer edge: the socket and its neighbours go on
            log.exception("socket: a %s frame failed", type(frame).__name__)
            self.connection.nack("internal", cid)

    async def _hello(self, frame: ClientFrame) -> None:
        assert isinstance(frame, Hello)  # the machine lets nothing else through
        try:
            self._session = await self._greet(frame, self)
        except Unavailable as error:
            self.close(4104, retry_ms=error.retry_ms or 1_000)
        except HandoffError:  # wrong, used or expired, or its owner is gone
            self.close(4500, "bad_ticket")

    # ---- time ---------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """About once a second: heartbeat and time-outs; a goodbye that is not read is cut off."""
        connection = self.connection
        connection.tick(now)
        if connection.closing is None:
            if connection.backlog:
                self._notify()
            return
        self._notify()
        if self._closing_since is None:
            self._closing_since = now
        elif now - self._closing_since > ABORT_S and connection.backlog:
            self.abort()

    def abort(self) -> None:
        """Drop the TCP connection without waiting for the peer, where the server lets us reach it."""
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is not None and hasattr(transport, "abort"):
            transport.abort()


class Sockets:
    """All sockets of this process: the one clock for all of them, and the end of all of them."""

    def __init__(self) -> None:
        self._all: set[Socket] = set()
        self._ticker: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Socket]:
        return iter(tuple(self._all))

    async def run(self, socket: Socket) -> None:
        """Keep the socket in the set while it lives."""
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().create_task(self._tick())
        self._all.add(socket)
        try:
            await socket.run()
        finally:
            self._all.discard(socket)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            for socket in tuple(self._all):
                socket.tick(now)

    async def close(self, *, retry_ms: int = 1_000, drain_s: float = 3.0) -> None:
        """Tell everybody to come back (4001, spread over `retry_ms`), then wait for them to go."""
        for index, socket in enumerate(tuple(self._all)):
            socket.close(4001, retry_ms=(index * 37) % max(1, retry_ms))
        loop = asyncio.get_running_loop()
        end = loop.time() + drain_s
        while self._all and loop.time() < end:  # noqa: ASYNC110 once, at the end
            await asyncio.sleep(0.02)
        for socket in tuple(self._all):
            socket.abort()
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None


# ---- before the handshake ---------------------------------------------------------------------------


def header(headers: dict[bytes, bytes], name: bytes) -> str | None:
    """One header as text, None when it is missing."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def own_origins(scope: Scope, public_url: str | None) -> frozenset[str]:
    """Origins of this server: what the request calls it (`Host`) and its public address."""
    host = header(dict(scope["headers"]), b"host")
    secure = scope.get("scheme") in {"wss", "https"}
    own = {f"{'https' if secure else 'http'}://{host}"} if host else set()
    if public_url:
        parts = urlsplit(public_url)
        own.add(f"{parts.scheme}://{parts.netloc}")
    return frozenset(own)


class Admission:
    """At most `rate` handshakes; a storm's excess is told to come back."""

    def __init__(self, rate: Rate = Rate(300, 1.0)) -> None:  # noqa: B008 a frozen value
        self._rate = rate
        self._bucket: Bucket | None = None

    def wait(self) -> float:
        """0 when one more may come in, else the seconds to wait."""
        now = asyncio.get_running_loop().time()
        if self._bucket is None:
            self._bucket = Bucket(self._rate, now)
        return self._bucket.take(now)


async def reject(
    receive: Receive, send: Send, status: int, body: bytes, *, retry_after: int | None = None
) -> None:
    """Answer a handshake with an HTTP error instead of accepting it."""
    await receive()  # websocket.connect
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
