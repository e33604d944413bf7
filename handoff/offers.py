"""Offers of a waiting conversation to an agent: made, declined, run out, accepted by exactly one."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select, update

from handoff import agents, conversations, queues, sql, tables
from handoff.clock import elapsed_ms, utc_now
from handoff.domain import Change, EntryState, Offer, OfferEnded, QueueEntry, Status
from handoff.errors import Conflict
from handoff.log import append_event


def taken(by: str | None) -> Conflict:
    """Somebody else (`by` name) was first."""
    who = by or ""
    return Conflict(
        "taken",
        f"这个会话已由{who or '其他同事'}接入。",
        f"{who or 'Somebody else'} has already taken this conversation.",
    )


def offer(
    conn: Connection, entry: QueueEntry, agent: str, *, why_zh: str, why_en: str, offer_ms: int, now: datetime
) -> Offer | None:
    """Offer a waiting entry to an agent until now + `offer_ms`; None when it is not waiting any more."""
    expires = now + timedelta(milliseconds=offer_ms)
    q = tables.queue_entries
    done = conn.execute(
        update(q)
        .where(q.c.id == entry.id, q.c.state == EntryState.WAITING)
        .values(state=EntryState.OFFERED, offered_to=agent, offer_expires=expires)
    )
    if done.rowcount != 1:
        return None
    return Offer(entry.conversation, entry.id, entry.escalation, agent, expires, why_zh, why_en)


def _back_to_waiting(conn: Connection, entry: QueueEntry, why: str) -> OfferEnded | None:
    """The offer to `entry.offered_to` is over without acceptance; the entry keeps its place. Who merely left
    has not declined.
    """
    agent = entry.offered_to
    if agent is None:
        return None
    q = tables.queue_entries
    direct = None if entry.direct_to == agent else entry.direct_to
    conn.execute(
        update(q)
        .where(q.c.id == entry.id, q.c.state == EntryState.OFFERED)
        .values(
            state=EntryState.WAITING,
            offered_to=None,
            offer_expires=None,
            direct_to=direct,
            declined_by=sorted(entry.declined_by | ({agent} if why != "withdrawn" else set())),
        )
    )
    return OfferEnded(entry.conversation, entry.id, agent, why)


def decline(conn: Connection, entry: str, *, workspace: str, agent: str) -> Change:
    """The agent says no: back to waiting at the old place, and not to this agent again while others can
    take it.
    """
    item = queues.entry(conn, entry, workspace=workspace, lock=True)
    head = conversations.get(conn, item.conversation)
    if item.state is not EntryState.OFFERED or item.offered_to != agent:
        return Change(head, changed=False, escalation=item.escalation, entry=entry)
    ended = _back_to_waiting(conn, item, "declined")
    return Change(head, escalation=item.escalation, entry=entry, ended=(ended,) if ended else ())


def expire(conn: Connection, entry: QueueEntry, *, why: str = "expired") -> OfferEnded | None:
    """An offer ran out (or its agent left): as a decline."""
    return _back_to_waiting(conn, entry, why)


def accept(
    conn: Connection,
    entry: str,
    *,
    workspace: str,
    agent: str,
    take: bool = False,
    now: datetime | None = None,
) -> Change:
    """Exactly one agent gets the conversation: a compare-and-set on the entry, capacity checked in the same
    statement.

    Without `take` the entry must be waiting or offered to this agent; with it an offer to somebody else is
    withdrawn.
    Version + 1, `wait_ms` stored, `assigned` row. Accepting again what one already has changes nothing.
    Raises Conflict: `taken` (text names the winner), `full` (no capacity left), `offered_elsewhere`;
    NotFound.
    """
    now = now or utc_now()
    account = agents.get(conn, workspace, agent)
    _lock_agent(conn, agent)
    item = queues.entry(conn, entry, workspace=workspace, lock=True)
    if not _claim(conn, item, agent, take=take):
        return _lost(conn, item, account.id, account.capacity)
    head = conversations.get(conn, item.conversation, lock=True)
    head = conversations.move(conn, head, Status.WITH_AGENT, agent=agent, now=now)
    e = tables.escalations
    conn.execute(
        update(e)
        .where(e.c.id == item.escalation)
        .values(accepted=now, accepted_by=agent, wait_ms=elapsed_ms(item.enqueued, now))
    )
    agents.touch_idle(conn, agent, now)
    row = append_event(
        conn, head.id, "assigned", f"客服 {account.name} 已接入", f"{account.name} has joined", now,
        agent=agent, agent_name=account.name,
    )  # fmt: skip
    ended = _offer_over(item, agent, account.name)
    return Change(
        conversations.get(conn, head.id), (row,), escalation=item.escalation, entry=entry, ended=ended
    )


def _offer_over(item: QueueEntry, winner: str, name: str) -> tuple[OfferEnded, ...]:
    if item.offered_to is None:
        return ()
    why = "accepted" if item.offered_to == winner else "taken"
    return (OfferEnded(item.conversation, item.id, item.offered_to, why, name),)


def _lock_agent(conn: Connection, agent: str) -> None:
    """On PostgreSQL two processes must not count the same agent's chats at once."""
    if sql.is_postgres(conn):
        conn.execute(select(tables.agents.c.id).where(tables.agents.c.id == agent).with_for_update())


def _claim(conn: Connection, item: QueueEntry, agent: str, *, take: bool) -> bool:
    q, c, a = tables.queue_entries, tables.conversations.c, tables.agents.c
    active = (
        select(func.count())
        .select_from(tables.conversations)
        .where(c.agent == agent, c.status == Status.WITH_AGENT)
        .scalar_subquery()
    )
    capacity = select(a.capacity).where(a.id == agent, a.disabled.is_(False)).scalar_subquery()
    free = q.c.state == EntryState.WAITING
    mine = (q.c.state == EntryState.OFFERED) & (q.c.offered_to == agent)
    anyone = q.c.state.in_(queues.OPEN_STATES)
    done = conn.execute(
        update(q)
        .where(q.c.id == item.id, anyone if take else or_(free, mine), active < capacity)
        .values(state=EntryState.ACCEPTED, offered_to=agent, offer_expires=None)
    )
    return done.rowcount == 1


def _lost(conn: Connection, item: QueueEntry, agent: str, capacity: int) -> Change:
    head = conversations.get(conn, item.conversation)
    if head.status is Status.WITH_AGENT and head.agent == agent and item.state is EntryState.ACCEPTED:
        return Change(head, changed=False, escalation=item.escalation, entry=item.id)
    if item.state not in queues.OPEN_STATES:
        winner = None
        if head.agent is not None:
            winner = agents.get(conn, head.workspace, head.agent).name
        raise taken(winner)
    if item.state is EntryState.OFFERED and item.offered_to != agent:
        raise Conflict(
            "offered_elsewhere",
            "这个会话正在询问另一位同事。",
            "This conversation is being offered to somebody else right now.",
        )
    raise Conflict(
        "full",
        f"你已达到同时 {capacity} 个会话的上限。",
        f"You already have {capacity} conversations, your limit.",
    )
