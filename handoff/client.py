"""A Python client of the protocol for tests, benches and other programs: reconnects, resends, repairs gaps.

What was said stays in the outbox by its cid until it is acknowledged; rows are applied once and in order.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from handoff import protocol
from handoff.protocol import (
    Ack,
    Act,
    Body,
    Frame,
    Hello,
    Msg,
    Nack,
    Ping,
    Pong,
    Read,
    Send,
    Sub,
    Subd,
    Typing,
)

BASE_S: Final = 0.5  # reconnect: full jitter from here …
CAP_S: Final = 20.0  # … to here
HOLD_S: Final = 0.2  # a gap may close by itself this long


class Refused(Exception):
    """The server said no (nack)."""

    def __init__(self, nack: Nack) -> None:
        super().__init__(f"{nack.code}: {nack.text}")
        self.code = nack.code
        self.nack = nack


class Closed(Exception):
    """The server hung up for good."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code} {protocol.CLOSE_CODES.get(code, ('closed', False))[0]}")
        self.code = code


class Transcript:
    """One conversation as this client saw it: rows 1..n without a hole."""

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.rows: list[Msg] = []
        self.next = 1
        self.ahead: dict[int, Msg] = {}
        self.repair: asyncio.TimerHandle | None = None

    def apply(self, row: Msg) -> list[Msg]:
        """Rows that became visible by this one; nothing for a repeat or a row from the future."""
        if row.seq < self.next:
            return []
        self.ahead[row.seq] = row
        shown = []
        while (ready := self.ahead.pop(self.next, None)) is not None:
            self.rows.append(ready)
            shown.append(ready)
            self.next += 1
        return shown

    @property
    def texts(self) -> list[str]:
        """What was said, in order."""
        return [str(row.body["text"]) for row in self.rows if row.kind == "text"]


class Client:
    """One socket that comes back. Use `Visitor` or `Agent`.

    Args:
        base: the server's HTTP address; `via` another address for the socket alone (a fault proxy).
        path: /ws/visitor or /ws/desk.
        ticket: gives a fresh ticket.
    """

    def __init__(
        self, base: str, path: str, ticket: Callable[[], Awaitable[str]], *, via: str | None = None,
        lang: str = "zh-CN", base_s: float = BASE_S,
    ) -> None:  # fmt: skip
        self.url = (via or base).replace("http", "ws", 1) + path
        self.lang = lang
        self.frames: list[Frame] = []
        self.transcripts: dict[str, Transcript] = {}
        self.epoch: str | None = None
        self.user = ""
        self.connects = 0
        self.closed_with: list[int] = []
        self._ticket = ticket
        self._base_s = base_s
        self._outbox: dict[str, tuple[Frame, asyncio.Future[Ack]]] = {}
        self._socket: ClientConnection | None = None
        self._ready = asyncio.Event()
        self._heard = asyncio.Event()
        self._seen = 0
        self._task: asyncio.Task[None] | None = None
        self._over: Closed | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect; returns when the server has welcomed us. Raises Closed when it never will."""
        self._task = asyncio.create_task(self._live())
        await self.online()

    async def online(self, patience: float = 10.0) -> None:
        """Wait until there is a welcomed socket."""
        async with asyncio.timeout(patience):
            while not self._ready.is_set():
                self._check()
                self._heard.clear()
                await self._heard.wait()
        self._check()

    async def stop(self) -> None:
        """Leave."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for transcript in self.transcripts.values():
            if transcript.repair is not None:
                transcript.repair.cancel()
        for _, future in self._outbox.values():
            future.cancel()

    def _check(self) -> None:
        if self._over is not None:
            raise self._over

    # ---- speaking -------------------------------------------------------------------------------

    async def follow(self, conversation: str, *, after: int | None = None) -> Transcript:
        """Follow a conversation from the first row (or after `after`); returns when the server confirmed."""
        transcript = self.transcripts.get(conversation)
        if transcript is None:
            transcript = self.transcripts[conversation] = Transcript(conversation)
        if after is not None:
            transcript.next = after + 1
        mark = len(self.frames)
        await self._write(Sub(conv=conversation, after=transcript.next - 1, epoch=self.epoch))
        await self.hears(lambda f: isinstance(f, Subd) and f.conv == conversation, since=mark)
        return transcript

    async def say(self, conversation: str, text: str, *, kind: str = "text", cid: str | None = None) -> Ack:
        """Send a message; returns its ack, however many sockets that takes. Raises Refused."""
        return await self._deliver(
            Send(cid=cid or uuid.uuid4().hex, conv=conversation, body=Body(text=text), kind=kind)
        )

    async def act(
        self, action: str, conversation: str | None = None, *, cid: str | None = None, **data: Any
    ) -> Ack:
        """A command; returns its ack. Raises Refused."""
        return await self._deliver(
            Act(cid=cid or uuid.uuid4().hex, action=action, conv=conversation, data=data)
        )

    async def typing(self, conversation: str, on: bool = True, preview: str | None = None) -> None:
        """Tell the others that we type."""
        await self._write(Typing(conv=conversation, on=on, preview=preview))

    async def read(self, conversation: str, seq: int) -> None:
        """Tell the others what we have seen."""
        await self._write(Read(conv=conversation, seq=seq))

    async def raw(self, data: str | bytes) -> None:
        """Anything at all, for tests of bad input."""
        assert self._socket is not None
        await self._socket.send(data)

    async def cut(self) -> None:
        """Lose the socket without a goodbye."""
        self._ready.clear()
        if self._socket is not None:
            self._socket.transport.abort()

    async def _deliver(self, frame: Send | Act) -> Ack:
        self._check()
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._outbox[frame.cid] = (frame, future)
        await self._write(frame)
        try:
            return await future
        finally:
            self._outbox.pop(frame.cid, None)

    async def _write(self, frame: Frame) -> None:
        """Lost frames of the outbox are sent again after the next welcome; others are simply lost."""
        if self._socket is not None and self._ready.is_set():
            try:
                await self._socket.send(protocol.encode(frame).decode())
            except ConnectionClosed:
                self._ready.clear()

    # ---- hearing --------------------------------------------------------------------------------

    async def hears(
        self, wanted: str | type[Frame] | Callable[[Frame], bool], *, patience: float = 5.0, since: int = 0
    ) -> Any:
        """The first frame (after number `since`) of this type, tag, or for which `wanted` is true."""
        position = since
        async with asyncio.timeout(patience):
            while True:
                while position < len(self.frames):
                    frame = self.frames[position]
                    position += 1
                    if _is(frame, wanted):
                        return frame
                self._check()
                self._heard.clear()
                await self._heard.wait()

    async def sees(self, conversation: str, *texts: str, patience: float = 5.0) -> Transcript:
        """Wait until all these texts stand in the transcript."""
        transcript = self.transcripts[conversation]
        async with asyncio.timeout(patience):
            while not set(texts) <= set(transcript.texts):
                self._check()
                self._heard.clear()
                await self._heard.wait()
        return transcript

    async def reaches(self, conversation: str, seq: int, *, patience: float = 5.0) -> Transcript:
        """Wait until row `seq` was applied."""
        transcript = self.transcripts[conversation]
        async with asyncio.timeout(patience):
            while transcript.next <= seq:
                self._check()
                self._heard.clear()
                await self._heard.wait()
        return transcript

    # ---- the socket -----------------------------------------------------------------------------

    async def _live(self) -> None:
        attempt, wait = 0, 0.0
        while self._over is None:
            opened = time.monotonic()
            try:
                wait = await self._once()
                if time.monotonic() - opened > 60:
                    attempt = 0
            except httpx.HTTPStatusError as refusal:  # no ticket: now, or ever?
                status = refusal.response.status_code
                wait = float(refusal.response.headers.get("Retry-After", 0))
                if status != httpx.codes.TOO_MANY_REQUESTS and status < httpx.codes.INTERNAL_SERVER_ERROR:
                    self._over = Closed(4500)
            except (OSError, InvalidHandshake, httpx.TransportError, TimeoutError, EOFError):
                wait = 0.0
            except Closed as over:
                self._over = over
            self._ready.clear()
            self._heard.set()
            if self._over is None:
                attempt += 1
                cap = min(CAP_S, self._base_s * 2 ** min(attempt, 6))
                await asyncio.sleep(wait or random.uniform(0, cap))

    async def _once(self) -> float:
        """One socket's life; returns how long the server asked us to wait."""
        ticket = await self._ticket()
        async with connect(
            self.url, compression=None, max_size=protocol.MAX_FRAME * 2, ping_interval=None, open_timeout=10,
            proxy=None, additional_headers={"Accept-Language": self.lang},
        ) as socket:  # fmt: skip
            self._socket = socket
            self.connects += 1
            await socket.send(
                protocol.encode(Hello(v=protocol.VERSION, ticket=ticket, lang=self.lang)).decode()
            )
            wait = 0.0
            try:
                async for data in socket:
                    frame = protocol.decode_server(data)
                    if isinstance(frame, protocol.Bye):
                        wait = frame.retry_ms / 1000
                    await self._hear(frame, socket)
            except ConnectionClosed:
                pass
            code = socket.close_code or 1006
            self.closed_with.append(code)
            if not protocol.CLOSE_CODES.get(code, ("", True))[1]:
                raise Closed(code)
            return wait

    async def _hear(self, frame: Any, socket: ClientConnection) -> None:
        self.frames.append(frame)
        match frame:
            case protocol.Welcome():
                await self._welcomed(frame, socket)
            case Msg():
                self._row(frame)
            case Subd():
                self._subscribed(frame)
            case Ack():
                self._settle(frame.cid, frame)
            case Nack():
                if frame.cid is not None:
                    self._settle(frame.cid, Refused(frame))
            case Ping():
                await socket.send(protocol.encode(Pong(n=frame.n)).decode())
        self._heard.set()

    async def _welcomed(self, frame: protocol.Welcome, socket: ClientConnection) -> None:
        self.user, self.epoch = frame.user, self.epoch or frame.epoch
        self._ready.set()
        for transcript in self.transcripts.values():
            sub = Sub(conv=transcript.conversation, after=transcript.next - 1, epoch=self.epoch)
            await socket.send(protocol.encode(sub).decode())
        for waiting, _ in tuple(self._outbox.values()):
            await socket.send(protocol.encode(waiting).decode())

    def _settle(self, cid: str, outcome: Ack | Refused) -> None:
        entry = self._outbox.get(cid)
        if entry is None or entry[1].done():
            return
        if isinstance(outcome, Ack):
            entry[1].set_result(outcome)
        else:
            entry[1].set_exception(outcome)

    def _row(self, row: Msg) -> None:
        transcript = self.transcripts.get(row.conv)
        if transcript is None:
            return
        transcript.apply(row)
        if transcript.ahead and transcript.repair is None:
            transcript.repair = asyncio.get_running_loop().call_later(HOLD_S, self._repair, transcript)

    def _repair(self, transcript: Transcript) -> None:
        transcript.repair = None
        if transcript.ahead and self._socket is not None:
            again = Sub(conv=transcript.conversation, after=transcript.next - 1, epoch=self.epoch)
            asyncio.get_running_loop().create_task(self._write(again))

    def _subscribed(self, frame: Subd) -> None:
        transcript = self.transcripts.get(frame.conv)
        if transcript is not None and not frame.recovered:
            transcript.rows.clear()  # what a page would load by HTTP
            transcript.ahead.clear()
            transcript.next = frame.to + 1


def _is(frame: Frame, wanted: str | type[Frame] | Callable[[Frame], bool]) -> bool:
    if isinstance(wanted, str):
        return frame.__struct_config__.tag == wanted
    if isinstance(wanted, type):
        return isinstance(frame, wanted)
    return wanted(frame)


class Visitor(Client):
    """A visitor of an inbox with one conversation."""

    def __init__(self, base: str, *, inbox: str = "default", via: str | None = None, lang: str = "zh-CN",
                 known: dict[str, str] | None = None, base_s: float = BASE_S) -> None:  # fmt: skip
        super().__init__(base, "/ws/visitor", self._fresh_ticket, via=via, lang=lang, base_s=base_s)
        self.http = httpx.AsyncClient(
            base_url=base, headers={"Accept-Language": lang}, trust_env=False, timeout=10
        )
        self.inbox = inbox
        self.known = known
        self.conversation = ""

    async def start(self) -> None:
        """Become a visitor, open a conversation, follow it."""
        answer = await self.http.post(
            "/api/v1/widget/session", json={"inbox": self.inbox, "visitor": self.known, "language": self.lang}
        )
        answer.raise_for_status()
        self.known = {**(self.known or {}), **answer.json()["visitor"]}
        opened = await self.http.post(
            "/api/v1/widget/conversations", json={"language": self.lang}, headers=self.bearer
        )
        opened.raise_for_status()
        self.conversation = opened.json()["id"]
        await super().start()
        await self.follow(self.conversation)

    async def stop(self) -> None:
        """Leave."""
        await super().stop()
        await self.http.aclose()

    @property
    def bearer(self) -> dict[str, str]:
        """The header that proves who we are."""
        assert self.known is not None
        return {"Authorization": f"Bearer {self.known['id']}.{self.known['secret']}"}

    async def _fresh_ticket(self) -> str:
        answer = await self.http.post("/api/v1/widget/ticket", headers=self.bearer)
        answer.raise_for_status()
        return str(answer.json()["ticket"])

    async def says(self, text: str, *, cid: str | None = None) -> Ack:
        """Say something in our conversation."""
        return await self.say(self.conversation, text, cid=cid)

    async def asks(self, action: str, **data: Any) -> Ack:
        """An action on our conversation."""
        return await self.act(action, self.conversation, **data)

    @property
    def transcript(self) -> Transcript:
        """Our conversation as we saw it."""
        return self.transcripts[self.conversation]


class Agent(Client):
    """A signed-in agent."""

    def __init__(self, base: str, email: str, password: str, *, via: str | None = None, lang: str = "zh-CN",
                 base_s: float = BASE_S) -> None:  # fmt: skip
        super().__init__(base, "/ws/desk", self._fresh_ticket, via=via, lang=lang, base_s=base_s)
        self.http = httpx.AsyncClient(
            base_url=base, headers={"Accept-Language": lang}, trust_env=False, timeout=10
        )
        self._login = {"email": email, "password": password}
        self.me: dict[str, Any] = {}

    async def start(self) -> None:
        """Sign in and connect."""
        answer = await self.http.post("/api/v1/desk/login", json=self._login)
        answer.raise_for_status()
        self.me = answer.json()["agent"]
        self.http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        await super().start()

    async def stop(self) -> None:
        """Leave."""
        await super().stop()
        await self.http.aclose()

    async def _fresh_ticket(self) -> str:
        answer = await self.http.post("/api/v1/desk/ticket")
        answer.raise_for_status()
        return str(answer.json()["ticket"])

    async def goes(self, availability: str) -> Ack:
        """online, busy, away or offline."""
        return await self.act("set_availability", availability=availability)

    async def accepts(self, entry: str) -> Ack:
        """Take an offer."""
        return await self.act("accept", entry=entry)

    async def says(self, conversation: str, text: str, *, cid: str | None = None) -> Ack:
        """Write to a visitor."""
        return await self.say(conversation, text, cid=cid)

    async def notes(self, conversation: str, text: str) -> Ack:
        """Write a private note."""
        return await self.say(conversation, text, kind="note")

    async def gets(self, path: str) -> Any:
        """A desk resource as plain data."""
        answer = await self.http.get(f"/api/v1/desk/{path}")
        answer.raise_for_status()
        return answer.json()
