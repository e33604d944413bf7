"""Queues: who waits, in which order, for how long, and what to offer next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from handoff import agents, tables
from handoff.clock import utc_now
from handoff.domain import AgentState, Availability, EntryState, QueueEntry
from handoff.errors import NotFound
from handoff.log import new_id
from handoff.routing import Choice, RoutingPolicy, choose, in_order

OPEN_STATES: Final = (EntryState.WAITING, EntryState.OFFERED)
RECENT: Final = 20  # accepted waits that an estimate looks at
RECENT_FOR: Final = timedelta(hours=4)
ENOUGH: Final = 3  # fewer accepted waits say nothing


@dataclass(frozen=True, slots=True)
class Queue:
    """A named line of waiting conversations; `offer_ms` is how long an agent may think about an offer."""

    id: str
    workspace: str
    name: str
    skills: frozenset[str]
    offer_ms: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a conversation stands: 1 is next. Waits are a range in milliseconds, None when nobody can say."""

    conversation: str
    position: int
    size: int
    wait_low_ms: int | None
    wait_high_ms: int | None


@dataclass(frozen=True, slots=True)
class Planned:
    """An offer to make."""

    entry: QueueEntry
    choice: Choice


def _entry(row: Any) -> QueueEntry:
    return QueueEntry(
        id=row.id, conversation=row.conversation, escalation=row.escalation, queue=row.queue,
        skills=frozenset(row.skills), language=row.language, priority=row.priority,
        state=EntryState(row.state), offered_to=row.offered_to, offer_expires=row.offer_expires,
        enqueued=row.enqueued, declined_by=frozenset(row.declined_by),
        direct_to=row.direct_to, workspace=row.workspace,
    )  # fmt: skip


def create(
    conn: Connection,
    *,
    workspace: str,
    name: str,
    skills: Sequence[str] = (),
    offer_ms: int = 30_000,
    ident: str | None = None,
    now: datetime | None = None,
) -> Queue:
    """A new queue."""
    ident = ident or new_id()
    conn.execute(
        tables.queues.insert().values(
            id=ident,
            workspace=workspace,
            name=name,
            skills=list(skills),
            offer_ms=offer_ms,
            created=now or utc_now(),
        )
    )
    return Queue(ident, workspace, name, frozenset(skills), offer_ms)


def get(conn: Connection, workspace: str, queue: str) -> Queue:
    """The queue; NotFound(`queue_not_found`)."""
    q = tables.queues
    row = conn.execute(select(q).where(q.c.id == queue, q.c.workspace == workspace)).one_or_none()
    if row is None:
        raise NotFound("queue_not_found", "找不到这个队列。", "There is no such queue.")
    return Queue(row.id, row.workspace, row.name, frozenset(row.skills), row.offer_ms)


def all_of(conn: Connection, workspace: str) -> list[Queue]:
    """The workspace's queues by name."""
    q = tables.queues
    rows = conn.execute(select(q).where(q.c.workspace == workspace).order_by(q.c.name))
    return [Queue(row.id, row.workspace, row.name, frozenset(row.skills), row.offer_ms) for row in rows]


def entry(conn: Connection, ident: str, *, workspace: str | None = None, lock: bool = False) -> QueueEntry:
    """One entry; NotFound(`entry_not_found`)."""
    q = tables.queue_entries
    query = select(q).where(q.c.id == ident)
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None or (workspace is not None and row.workspace != workspace):
        raise NotFound("entry_not_found", "找不到这个排队记录。", "There is no such queue entry.")
    return _entry(row)


def open_entry(conn: Connection, conversation: str, *, lock: bool = False) -> QueueEntry | None:
    """The conversation's waiting or offered entry, or None."""
    q = tables.queue_entries
    query = select(q).where(q.c.conversation == conversation, q.c.state.in_(OPEN_STATES))
    row = conn.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _entry(row)


def open_entries(
    conn: Connection, workspace: str, *, queue: str | None = None, lock: bool = False
) -> list[QueueEntry]:
    """All waiting and offered entries, oldest first."""
    q = tables.queue_entries
    query = select(q).where(q.c.workspace == workspace, q.c.state.in_(OPEN_STATES))
    if queue is not None:
        query = query.where(q.c.queue == queue)
    query = query.order_by(q.c.enqueued, q.c.id)
    return [_entry(row) for row in conn.execute(query.with_for_update() if lock else query)]


def offers_to(conn: Connection, workspace: str, agent: str) -> list[QueueEntry]:
    """The agent's open offers, oldest first."""
    return [item for item in open_entries(conn, workspace) if item.offered_to == agent]


def recent_waits(conn: Connection, workspace: str, queue: str, now: datetime) -> list[int]:
    """Waits (ms) of the queue's last accepted entries, newest first, at most 20, none older than four
    hours.
    """
    e, q = tables.escalations.c, tables.queue_entries.c
    rows = conn.execute(
        select(e.wait_ms)
        .join(tables.queue_entries, q.escalation == e.id)
        .where(
            e.workspace == workspace, q.queue == queue, e.wait_ms.is_not(None), e.accepted >= now - RECENT_FOR
        )
        .order_by(e.accepted.desc())
        .limit(RECENT)
    )
    return [int(row.wait_ms) for row in rows]


def estimate(waits: Sequence[int], position: int, online: int, waited_ms: int = 0) -> tuple[int, int] | None:
    """A range (low, high) in ms for the wait that is still ahead; None when nobody can say.

    The middle half of recent waits, stretched by how many stand ahead for each agent online, less what was
    waited.
    """
    if online <= 0 or len(waits) < ENOUGH:
        return None
    ordered = sorted(waits)
    quarter, three = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    rounds = -(-position // online)
    low = max(0, quarter - waited_ms)
    high = max(low + 1_000, three * rounds - waited_ms)
    return low, high


def positions(
    conn: Connection,
    workspace: str,
    queue: str,
    *,
    now: datetime | None = None,
    policy: RoutingPolicy | None = None,
) -> list[Position]:
    """Everyone who waits in a queue, next first."""
    now = now or utc_now()
    waiting = in_order(open_entries(conn, workspace, queue=queue), now, policy or RoutingPolicy())
    if not waiting:
        return []
    online = sum(
        1
        for state in agents.states(conn, workspace, now)
        if queue in state.queues and state.availability in {Availability.ONLINE, Availability.BUSY}
    )
    waits = recent_waits(conn, workspace, queue, now)
    found = []
    for index, item in enumerate(waiting, start=1):
        waited = max(0, int((now - item.enqueued).total_seconds() * 1000))
        low, high = estimate(waits, index, online, waited) or (None, None)
        found.append(Position(item.conversation, index, len(waiting), low, high))
    return found


def position(conn: Connection, conversation: str, *, now: datetime | None = None) -> Position | None:
    """Where the conversation stands in its queue; None when it does not wait."""
    item = open_entry(conn, conversation)
    if item is None:
        return None
    everyone = positions(conn, item.workspace, item.queue, now=now)
    return next((found for found in everyone if found.conversation == conversation), None)


def plan(
    entries: Sequence[QueueEntry],
    agents: Sequence[AgentState],
    now: datetime,
    policy: RoutingPolicy | None = None,
) -> list[Planned]:
    """Which waiting entries to offer to whom now: most urgent first, nobody beyond capacity. Pure.

    `entries` holds the offered ones too: an open offer takes a place of its agent's capacity.
    """
    policy = policy or RoutingPolicy()
    pending: dict[str, int] = {}
    for item in entries:
        if item.state is EntryState.OFFERED and item.offered_to is not None:
            pending[item.offered_to] = pending.get(item.offered_to, 0) + 1
    planned = []
    for item in in_order([e for e in entries if e.state is EntryState.WAITING], now, policy):
        able = [
            replace(agent, active=agent.active + pending.get(agent.id, 0))
            for agent in agents
            if pending.get(agent.id, 0) < policy.max_offers
        ]
        choice = choose(item, able, policy, now)
        if choice is not None:
            pending[choice.agent] = pending.get(choice.agent, 0) + 1
            planned.append(Planned(item, choice))
    return planned
