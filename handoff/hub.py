"""The hub: who follows which conversation, and every row to each of them once, in order.

A row is encoded once per audience. A subscription is registered first, then the log is read, then what came
in between is flushed, so that no row falls between the snapshot and the stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection

from handoff import agents, conversations
from handoff import log as rows_of
from handoff.bus import BusEvent, EventBus, InMemoryBus, Subscription, conversation_topic
from handoff.clock import to_ms
from handoff.connection import Encoded, encoded
from handoff.domain import PRIVATE_KINDS, Conversation, Message
from handoff.protocol import REPLAY_LIMIT, REPLAY_PAGE, Delta, Frame, Msg, Sub, Subd, Thinking
from handoff.sockets import Socket
from handoff.writer import Database

log = logging.getLogger(__name__)
RING: Final = 200  # rows of a followed conversation kept in memory
TIP_POLL_S: Final = 5.0  # the loss detector of a remote bus

Audience = Literal["visitor", "desk"]
Check = Callable[[Connection, Conversation], None]
"""Raises NotFound when the subscriber may not see this conversation."""


def frame_of(message: Message) -> Msg:
    """A row as everybody but the visitor sees it."""
    body = message.body
    return Msg(
        conv=message.conversation, seq=message.seq, id=message.id, from_=message.author.value,
        kind=message.kind.value, body=body, ts=to_ms(message.created), cid=message.cid,
        who=message.author_id or None, name=message.author_name or None, stream=body.get("stream"),
    )  # fmt: skip


class Row:
    """A row of the log ready for the wire, once per audience."""

    __slots__ = ("desk", "seq", "visitor")

    def __init__(self, message: Message) -> None:
        self.seq = message.seq
        self.desk = encoded(frame_of(message))
        private = message.kind in PRIVATE_KINDS
        self.visitor = encoded(frame_of(rows_of.for_visitor(message))) if private else self.desk

    def to(self, audience: Audience) -> Encoded:
        """The frame for this audience."""
        return self.visitor if audience == "visitor" else self.desk


@dataclass(slots=True, eq=False)
class Follower:
    """One socket's subscription to one conversation; `held` collects rows while the log is being read."""

    socket: Socket
    audience: Audience
    held: list[Row] | None = field(default_factory=list)

    def take(self, row: Row) -> None:
        """A live row."""
        if self.held is not None:
            self.held.append(row)
        else:
            self.socket.push(row.visitor if self.audience == "visitor" else row.desk)


@dataclass(slots=True)
class Stream:
    """A bot answer in the making."""

    stream: str
    n: int
    text: str


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a subscriber stands."""

    after: int
    recoverable: bool


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A conversation at one moment."""

    head: Conversation
    agent_name: str | None
    rows: list[Message]


class Channel:
    """One followed conversation in this process."""

    __slots__ = (
        "bus",
        "conversation",
        "fetching",
        "followers",
        "listening",
        "pending",
        "ring",
        "stale",
        "stream",
        "tip",
    )

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.followers: list[Follower] = []
        self.ring: deque[Row] = deque(maxlen=RING)
        self.tip = -1  # seq of the last row given to followers; -1 until the log was read
        self.pending: dict[int, Row] = {}
        self.bus: Subscription | None = None
        self.listening = asyncio.Lock()
        self.fetching = False
        self.stale = False
        self.stream: Stream | None = None

    def offer(self, row: Row) -> bool:
        """Deliver in order, drop repeats, hold what is ahead. False when rows before it are missing."""
        if self.tip < 0:  # the log is being read for the first follower; `open_at` takes it from here
            self.pending[row.seq] = row
            return True
        if row.seq <= self.tip:
            return True
        if row.seq != self.tip + 1:
            self.pending[row.seq] = row
            return False
        self._deliver(row)
        return self._drain()

    def _drain(self) -> bool:
        while self.pending and (ahead := self.pending.pop(self.tip + 1, None)) is not None:
            self._deliver(ahead)
        return not self.pending

    def open_at(self, tip: int) -> bool:
        """The log was read up to `tip`: live begins behind it. False when rows are missing."""
        self.tip = tip
        for seq in [seq for seq in self.pending if seq <= tip]:
            del self.pending[seq]
        return self._drain()

    def _deliver(self, row: Row) -> None:
        self.tip = row.seq
        self.ring.append(row)
        for follower in self.followers:
            follower.take(row)

    def since(self, after: int) -> list[Row] | None:
        """Rows after `after` from the ring, None when it does not reach back that far."""
        if self.tip < 0:
            return None
        if after >= self.tip:
            return []
        if not self.ring or self.ring[0].seq > after + 1:
            return None
        return [row for row in self.ring if row.seq > after]

    def relay(self, frame: Encoded, *, to: Audience | None = None, skip: Socket | None = None) -> None:
        """An ephemeral frame: dropped rather than queued by a socket that is behind."""
        for follower in self.followers:
            if (to is None or follower.audience == to) and follower.socket is not skip:
                follower.socket.push(frame, droppable=True)


class ConversationHub:
    """Fan-out of one process. Give it committed rows, or only the name of a conversation that grew."""

    def __init__(self, database: Database, bus: EventBus | None = None, *, node: str) -> None:
        self.database = database
        self.bus: EventBus = bus or InMemoryBus()
        self.node = node
        self.remote = not isinstance(self.bus, InMemoryBus)
        self.kicked = asyncio.Event()
        self.touched: set[str] = set()  # conversations whose list entry changed; taken by the desk
        self.channels: dict[str, Channel] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._poller: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect the bus; start the loss detector when it is a remote one."""
        await self.bus.start()
        if self.remote:
            self._poller = asyncio.create_task(self._poll())

    async def close(self) -> None:
        """Stop; sockets are closed by their owner."""
        if self._poller is not None:
            self._poller.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bus.close()

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine on its own; failures are logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("hub: a background task failed", exc_info=error)

    # ---- rows in --------------------------------------------------------------------------------

    async def rows(self, messages: Sequence[Message]) -> None:
        """Rows of one conversation that have just been committed, in order."""
        if not messages:
            return
        conversation = messages[0].conversation
        self.touched.add(conversation)
        channel = self.channels.get(conversation)
        if channel is not None:
            for message in messages:
                if message.body.get("stream"):
                    channel.stream = None
                if not channel.offer(Row(message)):
                    self._fetch(channel)
        await self.bus.publish(
            BusEvent(conversation_topic(conversation), seq=messages[-1].seq, sender=self.node)
        )

    async def publish(self, conversation: str) -> None:
        """The conversation has new rows: fetch them and tell everybody."""
        self.touched.add(conversation)
        channel = self.channels.get(conversation)
        if channel is not None and channel.tip >= 0:
            await self._catch_up(channel)
        if self.remote:
            seq = await self.database.read(lambda conn: rows_of.tail(conn, conversation))
            await self.bus.publish(BusEvent(conversation_topic(conversation), seq=seq, sender=self.node))

    def _fetch(self, channel: Channel) -> None:
        if channel.fetching:
            channel.stale = True
        elif channel.tip >= 0:
            self.background(self._catch_up(channel))

    async def _catch_up(self, channel: Channel) -> None:
        """Read what the channel lacks and deliver it; one reader at a time, again if told so meanwhile."""
        if channel.fetching:
            channel.stale = True
            return
        channel.fetching = True
        try:
            while True:
                channel.stale = False
                after = channel.tip
                found = await self.database.read(
                    partial(_history, conversation=channel.conversation, after=after)
                )
                for message in found:
                    if message.body.get("stream"):
                        channel.stream = None
                    channel.offer(Row(message))
                if len(found) < REPLAY_PAGE and not channel.stale:
                    return
        finally:
            channel.fetching = False

    # ---- ephemeral ------------------------------------------------------------------------------

    async def relay(
        self, conversation: str, frame: Frame, *, to: Audience | None = None, skip: Socket | None = None
    ) -> None:
        """An ephemeral frame to the followers of a conversation, in every process."""
        channel = self.channels.get(conversation)
        if channel is not None:
            channel.relay(encoded(frame), to=to, skip=skip)
        if self.remote:
            plain = {"to": to, "frame": msgspec.to_builtins(frame)}
            await self.bus.publish(BusEvent(conversation_topic(conversation), relay=plain, sender=self.node))

    async def delta(self, conv: str, stream: str, n: int, text: str) -> None:
        """A piece of a bot answer in the making; who subscribes later gets one snapshot of all pieces."""
        channel = self.channels.get(conv)
        if channel is not None:
            if channel.stream is None or channel.stream.stream != stream:
                channel.stream = Stream(stream, n, "")
            channel.stream.n = n
            channel.stream.text += text
        await self.relay(conv, Delta(conv=conv, stream=stream, n=n, text=text))

    async def thinking(self, conv: str, on: bool) -> None:
        """The bot works on an answer, or stopped to."""
        await self.relay(conv, Thinking(conv=conv, on=on))

    def queue_changed(self) -> None:
        """Somebody waits, or waits no more: offers and positions are worked out again at once."""
        self.kicked.set()

    # ---- following ------------------------------------------------------------------------------

    async def follow(
        self, socket: Socket, audience: Audience, sub: Sub, *, epoch: str, check: Check
    ) -> Follower:
        """Subscribe: `subd`, the rows after `sub.after`, then live. With another epoch, a cursor beyond the
        tip or more than `REPLAY_LIMIT` rows behind: `recovered=false`, and live only.

        `check` runs in the reading transaction and raises when this socket may not see the conversation.
        """
        conversation = sub.conv
        start = _Start(sub.after, sub.after >= 0 and sub.epoch in {None, epoch})
        channel = self.channels.get(conversation)
        if channel is None:
            channel = self.channels[conversation] = Channel(conversation)
        follower = Follower(socket, audience)
        channel.followers.append(follower)
        try:
            if self.remote:
                await self._listen(channel)
            await self._replay(channel, follower, check, start)
        except BaseException:
            await self.unfollow(conversation, follower)
            raise
        return follower

    async def _listen(self, channel: Channel) -> None:
        """Hear the conversation's topic, once, however many come to follow it at the same time."""
        async with channel.listening:
            if channel.bus is None:
                topic = conversation_topic(channel.conversation)
                channel.bus = await self.bus.subscribe(topic, lambda event: self._hear(channel, event))

    async def unfollow(self, conversation: str, follower: Follower) -> None:
        """End a subscription; the last one takes the channel with it."""
        channel = self.channels.get(conversation)
        if channel is None or follower not in channel.followers:
            return
        channel.followers.remove(follower)
        if not channel.followers:
            del self.channels[conversation]
            if channel.bus is not None:
                await channel.bus.close()

    async def _replay(self, channel: Channel, follower: Follower, check: Check, start: _Start) -> None:
        ready = channel.since(start.after)
        snapshot = await self.database.read(
            lambda conn: _snapshot(conn, channel.conversation, start.after, check, with_rows=ready is None)
        )
        head, socket = snapshot.head, follower.socket
        if channel.tip < 0:  # the first reader sets where live begins
            complete = channel.open_at(head.last_seq)
            if not complete:
                self._fetch(channel)
        elif head.last_seq > channel.tip:
            self._fetch(channel)
        after, tip = start.after, max(channel.tip, head.last_seq)
        rows = ready if ready is not None else [Row(message) for message in snapshot.rows]

        def subd(recovered: bool, begin: int, to: int, more: bool = False) -> None:
            socket.send(
                Subd(
                    conv=head.id, recovered=recovered, from_=begin, to=to, more=more,
                    status=head.status.value, version=head.version, agent=head.agent,
                    agent_name=snapshot.agent_name,
                )
            )  # fmt: skip

        if not start.recoverable or after > tip or tip - after > REPLAY_LIMIT:
            subd(False, head.last_seq, head.last_seq)
            self._flush(channel, follower, head.last_seq)
            return
        if not rows:
            subd(True, after, after)
        for page in _pages(rows):
            await socket.room()
            subd(True, page[0].seq - 1, page[-1].seq, page[-1].seq < rows[-1].seq)
            for row in page:
                await socket.room()
                socket.push(row.to(follower.audience))
        self._flush(channel, follower, rows[-1].seq if rows else after)

    def _flush(self, channel: Channel, follower: Follower, seen: int) -> None:
        """Let go of what came in while the log was read; from here on rows go straight out."""
        held, follower.held = follower.held or [], None
        for row in held:
            if row.seq > seen:
                follower.socket.push(row.to(follower.audience))
        if (making := channel.stream) is not None:
            follower.socket.send(
                Delta(
                    conv=channel.conversation, stream=making.stream, n=making.n, text=making.text,
                    snapshot=True,
                )
            )  # fmt: skip

    # ---- bus ------------------------------------------------------------------------------------

    def _hear(self, channel: Channel, event: BusEvent) -> None:
        if event.sender == self.node:
            return
        if event.relay is not None:
            channel.relay(relayed(event.relay["frame"]), to=event.relay.get("to"))
        elif event.seq > channel.tip:
            self._fetch(channel)

    async def _poll(self) -> None:
        """A remote bus may lose words: look at the tips of what is followed here every 5 s."""
        while True:
            await asyncio.sleep(TIP_POLL_S)
            names = list(self.channels)
            if not names:
                continue
            tips = await self.database.read(partial(_tips, names=names))
            for name, tip in tips.items():
                channel = self.channels.get(name)
                if channel is not None and 0 <= channel.tip < tip:
                    self._fetch(channel)


def relayed(plain: dict[str, Any]) -> Encoded:
    """A frame as it came over the bus."""
    data = msgspec.json.encode(plain)
    return Encoded(data.decode(), len(data))


def _snapshot(conn: Connection, conversation: str, after: int, check: Check, *, with_rows: bool) -> _Snapshot:
    """Head, the agent's name and the rows after `after`, all of one moment."""
    head = conversations.get(conn, conversation)
    check(conn, head)
    name = None if head.agent is None else agents.get(conn, head.workspace, head.agent).name
    rows: list[Message] = []
    if with_rows and 0 < head.last_seq - after <= REPLAY_LIMIT:
        rows = rows_of.history(conn, conversation, after=after, limit=REPLAY_LIMIT)
    return _Snapshot(head, name, rows)


def _tips(conn: Connection, *, names: Sequence[str]) -> dict[str, int]:
    return {name: rows_of.tail(conn, name) for name in names}


def _history(conn: Connection, *, conversation: str, after: int) -> list[Message]:
    return rows_of.history(conn, conversation, after=after, limit=REPLAY_PAGE)


def _pages(rows: list[Row]) -> list[list[Row]]:
    return [rows[start : start + REPLAY_PAGE] for start in range(0, len(rows), REPLAY_PAGE)]
