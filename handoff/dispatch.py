"""The dispatcher's step: expire offers, lapse leases, requeue, offer again. One unit; the caller publishes
the outcome.

Called on every change of queue or presence and once a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from handoff import agents, escalation, queues, tables
from handoff.agents import GRACE
from handoff.clock import elapsed_ms
from handoff.domain import Availability, Change, EntryState, Offer, OfferEnded, QueueEntry, Status
from handoff.routing import RoutingPolicy


@dataclass(frozen=True, slots=True)
class QueueState:
    """A workspace's line as a whole, for `queue.changed`."""

    workspace: str
    waiting: int
    longest_wait_ms: int


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a tick changed: publish `requeued` rows, then `ended`, then `offers`, presence of `gone`, then
    positions.

    `moved` holds (workspace, queue) pairs whose order changed: tell those visitors their positions.
    """

    offers: tuple[Offer, ...] = ()
    ended: tuple[OfferEnded, ...] = ()
    requeued: tuple[Change, ...] = ()
    gone: tuple[agents.Agent, ...] = ()
    moved: frozenset[tuple[str, str]] = frozenset()
    states: tuple[QueueState, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.offers or self.ended or self.requeued or self.gone)


def due(conn: Connection, now: datetime) -> bool:
    """Whether a tick may have something to do: a cheap read that spares an idle server the write."""
    q = tables.queue_entries.c
    if conn.execute(select(q.id).where(q.state.in_(queues.OPEN_STATES)).limit(1)).first() is not None:
        return True
    return bool(agents.lapsed(conn, now))


def tick(conn: Connection, now: datetime, policy: RoutingPolicy | None = None) -> Dispatched:
    """One step for all workspaces."""
    policy = policy or RoutingPolicy()
    gone, requeued = _lapse(conn, now)
    q = tables.queue_entries.c
    workspaces = (
        conn.execute(select(q.workspace).where(q.state.in_(queues.OPEN_STATES)).distinct()).scalars().all()
    )
    ended: list[OfferEnded] = []
    offers: list[Offer] = []
    moved: set[tuple[str, str]] = set()
    states = []
    for workspace in sorted(workspaces):
        entries = queues.open_entries(conn, workspace, lock=True)
        over = _expire(conn, workspace, entries, now)
        made = _offer(conn, workspace, now, policy)
        ended += over
        offers += made
        touched = (
            {item.entry for item in over}
            | {item.entry for item in made}
            | {change.entry for change in requeued}
        )
        moved |= {(workspace, item.queue) for item in entries if item.id in touched}
        oldest = min(item.enqueued for item in entries) if entries else now
        states.append(QueueState(workspace, len(entries), elapsed_ms(oldest, now)))
    return Dispatched(
        tuple(offers), tuple(ended), tuple(requeued), tuple(gone), frozenset(moved), tuple(states)
    )


def _lapse(conn: Connection, now: datetime) -> tuple[list[agents.Agent], list[Change]]:
    """Agents whose lease and grace ran out go offline, and their chats to the head of the queue."""
    gone, requeued = [], []
    for agent in agents.lapsed(conn, now):
        if agent.lease_until is not None and agent.lease_until + GRACE > now:
            continue
        conn.execute(
            update(tables.agents)
            .where(tables.agents.c.id == agent.id)
            .values(availability=Availability.OFFLINE, availability_since=now, lease_until=None)
        )
        gone.append(agents.get(conn, agent.workspace, agent.id))
        c = tables.conversations.c
        chats = conn.execute(
            select(c.id).where(c.agent == agent.id, c.status == Status.WITH_AGENT).order_by(c.id)
        ).scalars().all()  # fmt: skip
        requeued += [escalation.requeue(conn, chat, now=now) for chat in chats]
    return gone, requeued


def _expire(conn: Connection, workspace: str, entries: list[QueueEntry], now: datetime) -> list[OfferEnded]:
    """Offers that ran out, or whose agent is not online any more, end; a direct transfer nobody can take
    opens up.
    """
    states = {state.id: state for state in agents.states(conn, workspace, now)}
    over = []
    for item in entries:
        if item.state is EntryState.OFFERED and item.offered_to is not None:
            state = states.get(item.offered_to)
            late = item.offer_expires is not None and item.offer_expires <= now
            if late or state is None or state.availability is not Availability.ONLINE:
                ended = escalation.expire(conn, item, why="expired" if late else "withdrawn")
                over += [ended] if ended else []
        elif item.direct_to is not None:
            direct = states.get(item.direct_to)
            if direct is None or direct.availability in {Availability.OFFLINE, Availability.AWAY}:
                q = tables.queue_entries
                conn.execute(update(q).where(q.c.id == item.id).values(direct_to=None))
    return over


def _offer(conn: Connection, workspace: str, now: datetime, policy: RoutingPolicy) -> list[Offer]:
    entries = queues.open_entries(conn, workspace)
    planned = queues.plan(entries, agents.states(conn, workspace, now), now, policy)
    lengths = {queue.id: queue.offer_ms for queue in queues.all_of(conn, workspace)}
    made = [
        escalation.offer(
            conn, item.entry, item.choice.agent, why_zh=item.choice.why_zh, why_en=item.choice.why_en,
            offer_ms=lengths[item.entry.queue], now=now,
        )
        for item in planned
    ]  # fmt: skip
    return [offer for offer in made if offer is not None]
