"""From bot to person and back: request, offer, accept, decline, transfer, return, resolve.

Each function is one unit: escalation, queue entry, status and event row change together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select, update

from handoff import agents, conversations, inboxes, left_messages, queues, sql, tables
from handoff.clock import elapsed_ms, utc_now
from handoff.conversations import move
from handoff.domain import Change, Conversation, EntryState, Message, Offer, OfferEnded, QueueEntry, Status
from handoff.errors import Conflict, Invalid, NotFound
from handoff.log import append_event, clean_text, new_id

REQUEUED_PRIORITY: Final = 1_000_000  # an agent vanished: ahead of everybody
JUDGEMENTS: Final = frozenset({"right", "needless", "too_late"})


def _taken(by: str | None) -> Conflict:
    who = by or ""
    return Conflict(
        "taken",
        f"这个会话已由{who or '其他同事'}接入。",
        f"{who or 'Somebody else'} has already taken this conversation.",
    )


def _insert_escalation(conn: Connection, head: Conversation, now: datetime, **fields: Any) -> str:
    ident = new_id()
    conn.execute(
        tables.escalations.insert().values(
            id=ident, workspace=head.workspace, conversation=head.id, requested=now, **fields
        )
    )
    return ident


def _insert_entry(conn: Connection, head: Conversation, now: datetime, **fields: Any) -> str:
    ident = new_id()
    conn.execute(
        tables.queue_entries.insert().values(
            id=ident, workspace=head.workspace, conversation=head.id, language=head.language,
            state=EntryState.WAITING, enqueued=now, declined_by=[], **fields,
        )  # fmt: skip
    )
    return ident


def open_escalation(conn: Connection, conversation: str) -> str | None:
    """Id of the escalation that is not ended, or None."""
    e = tables.escalations.c
    return conn.execute(
        select(e.id).where(e.conversation == conversation, e.ended.is_(None)).order_by(e.requested.desc()).limit(1)
    ).scalar_one_or_none()


def of(conn: Connection, conversation: str) -> list[dict[str, Any]]:
    """The conversation's escalations as plain rows (columns of `tables.escalations`), oldest first."""
    e = tables.escalations
    rows = conn.execute(select(e).where(e.c.conversation == conversation).order_by(e.c.requested, e.c.id))
    return [dict(row._mapping) for row in rows]


def get(conn: Connection, workspace: str, escalation: str) -> dict[str, Any]:
    """One escalation as a plain row; NotFound(`escalation_not_found`)."""
    e = tables.escalations
    row = conn.execute(select(e).where(e.c.id == escalation, e.c.workspace == workspace)).one_or_none()
    if row is None:
        raise NotFound("escalation_not_found", "找不到这次转人工记录。", "There is no such escalation.")
    return dict(row._mapping)


def request(
    conn: Connection,
    conversation: str,
    *,
    rule: str,
    priority: int,
    reason_zh: str,
    reason_en: str,
    evidence: Sequence[str] = (),
    negative: float = 0.0,
    skills: Sequence[str] = (),
    queue: str | None = None,
    now: datetime | None = None,
) -> Change:
    """Put the conversation into its inbox's queue (or `queue`): escalation, entry, status and `queued` row at once.

    Already queued or with an agent: nothing is written (`changed=False`), only a higher priority is kept. Resolved:
    Conflict(`bad_transition`). With nobody at the desk a `nobody_available` row follows and `nobody_available` is set:
    the visitor may wait, leave a message or stay with the bot.
    """
    now = now or utc_now()
    head = conversations.get(conn, conversation, lock=True)
    if head.status in {Status.QUEUED, Status.WITH_AGENT}:
        return _already(conn, head, priority)
    wanted = queues.get(conn, head.workspace, queue or inboxes.get(conn, head.inbox).queue)
    head = move(conn, head, Status.QUEUED, now=now)
    escalation = _insert_escalation(
        conn, head, now, rule=rule, priority=priority, reason_zh=reason_zh, reason_en=reason_en,
        evidence=list(evidence), negative=negative,
    )  # fmt: skip
    entry = _insert_entry(
        conn, head, now, queue=wanted.id, escalation=escalation, skills=sorted(wanted.skills | set(skills)),
        priority=priority,
    )  # fmt: skip
    rows = [
        append_event(
            conn, conversation, "queued", "正在为您转接人工客服", "You are being connected to a person", now,
            escalation=escalation, entry=entry, rule=rule,
        )
    ]  # fmt: skip
    nobody = not agents.anyone_for(conn, head.workspace, wanted.id, now)
    if nobody:
        rows.append(_nobody(conn, conversation, now))
    return Change(
        conversations.get(conn, conversation), tuple(rows), escalation=escalation, entry=entry, nobody_available=nobody
    )


def _nobody(conn: Connection, conversation: str, now: datetime) -> Message:
    return append_event(
        conn, conversation, "nobody_available",
        "现在没有客服在线。您可以继续等待、留言,或继续与机器人对话。",
        "No agent is at the desk right now. You can wait, leave a message, or stay with the bot.", now,
    )  # fmt: skip


def _already(conn: Connection, head: Conversation, priority: int) -> Change:
    entry = queues.open_entry(conn, head.id, lock=True)
    if entry is not None and priority > entry.priority:
        q, e = tables.queue_entries, tables.escalations
        conn.execute(update(q).where(q.c.id == entry.id).values(priority=priority))
        conn.execute(update(e).where(e.c.id == entry.escalation).values(priority=priority))
    return Change(
        head,
        changed=False,
        escalation=entry.escalation if entry else open_escalation(conn, head.id),
        entry=entry.id if entry else None,
    )


# ---- offers -------------------------------------------------------------------------------------


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
    """The offer to `entry.offered_to` is over without acceptance; the entry keeps its place."""
    agent = entry.offered_to
    if agent is None:
        return None
    q = tables.queue_entries
    direct = None if entry.direct_to == agent else entry.direct_to
    conn.execute(
        update(q)
        .where(q.c.id == entry.id, q.c.state == EntryState.OFFERED)
        .values(
            state=EntryState.WAITING, offered_to=None, offer_expires=None, direct_to=direct,
            declined_by=sorted(entry.declined_by | {agent}),
        )  # fmt: skip
    )
    return OfferEnded(entry.conversation, entry.id, agent, why)


def decline(conn: Connection, entry: str, *, workspace: str, agent: str) -> Change:
    """The agent says no: back to waiting at the old place, and not to this agent again while others can take it."""
    item = queues.entry(conn, entry, workspace=workspace, lock=True)
    head = conversations.get(conn, item.conversation)
    if item.state is not EntryState.OFFERED or item.offered_to != agent:
        return Change(head, changed=False, escalation=item.escalation, entry=entry)
    ended = _back_to_waiting(conn, item, "declined")
    return Change(head, escalation=item.escalation, entry=entry, ended=(ended,) if ended else ())


def expire(conn: Connection, entry: QueueEntry, *, why: str = "expired") -> OfferEnded | None:
    """An offer ran out (or its agent left): as a decline."""
    return _back_to_waiting(conn, entry, why)


# ---- accept -------------------------------------------------------------------------------------


def accept(
    conn: Connection, entry: str, *, workspace: str, agent: str, take: bool = False, now: datetime | None = None
) -> Change:
    """Exactly one agent gets the conversation: a compare-and-set on the entry, capacity checked in the same statement.

    Without `take` the entry must be waiting or offered to this agent; with it an offer to somebody else is withdrawn.
    Version + 1, `wait_ms` stored, `assigned` row. Accepting again what one already has changes nothing.
    Raises Conflict: `taken` (text names the winner), `full` (no capacity left), `offered_elsewhere`; NotFound.
    """
    now = now or utc_now()
    account = agents.get(conn, workspace, agent)
    _lock_agent(conn, agent)
    item = queues.entry(conn, entry, workspace=workspace, lock=True)
    if not _claim(conn, item, agent, take=take):
        return _lost(conn, item, account.id, account.capacity)
    head = conversations.get(conn, item.conversation, lock=True)
    head = move(conn, head, Status.WITH_AGENT, agent=agent, now=now)
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
    return Change(conversations.get(conn, head.id), (row,), escalation=item.escalation, entry=entry, ended=ended)


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
        raise _taken(winner)
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


def take(
    conn: Connection, conversation: str, *, workspace: str, agent: str, now: datetime | None = None
) -> Change:
    """Take a conversation without an offer: from the queue, or from the bot (then escalated by rule `manual`).

    Raises as `accept`; Conflict(`bad_transition`) when it is resolved.
    """
    now = now or utc_now()
    head = conversations.get(conn, conversation, workspace=workspace, lock=True)
    if head.status is Status.WITH_AGENT:
        if head.agent == agent:
            return Change(head, changed=False)
        raise _taken(agents.get(conn, workspace, head.agent).name if head.agent else None)
    rows: tuple[Message, ...] = ()
    if head.status is not Status.QUEUED:
        asked = request(
            conn, conversation, rule="manual", priority=0, reason_zh="客服主动接入", reason_en="Taken over by an agent",
            now=now,
        )  # fmt: skip
        rows = tuple(row for row in asked.rows if row.body.get("event") != "nobody_available")
    item = queues.open_entry(conn, conversation, lock=True)
    if item is None:
        raise _taken(None)
    change = accept(conn, item.id, workspace=workspace, agent=agent, take=True, now=now)
    return Change(
        change.conversation, (*rows, *change.rows), escalation=change.escalation, entry=change.entry, ended=change.ended
    )


# ---- leaving the agent or the queue -----------------------------------------------------------------


def _end(conn: Connection, conversation: str, outcome: str, now: datetime) -> tuple[str | None, tuple[OfferEnded, ...]]:
    """Close the open escalation and its entry. Returns (escalation, offers that are withdrawn by it)."""
    e, q = tables.escalations, tables.queue_entries
    row = conn.execute(
        select(e.c.id, e.c.accepted).where(e.c.conversation == conversation, e.c.ended.is_(None))
    ).first()
    ended: tuple[OfferEnded, ...] = ()
    item = queues.open_entry(conn, conversation, lock=True)
    if item is not None and item.offered_to is not None:
        ended = (OfferEnded(conversation, item.id, item.offered_to, "withdrawn"),)
    conn.execute(
        update(q)
        .where(q.c.conversation == conversation, q.c.state != EntryState.ENDED)
        .values(state=EntryState.ENDED, offer_expires=None)
    )
    if row is None:
        return None, ended
    handle = None if row.accepted is None else elapsed_ms(row.accepted, now)
    conn.execute(update(e).where(e.c.id == row.id).values(ended=now, outcome=outcome, handle_ms=handle))
    return row.id, ended


def _owned(conn: Connection, conversation: str, workspace: str, agent: str, *, any_agent: bool) -> Conversation:
    head = conversations.get(conn, conversation, workspace=workspace, lock=True)
    if head.status is not Status.WITH_AGENT or (head.agent != agent and not any_agent):
        raise Conflict("not_yours", "这个会话不在你手上。", "You do not have this conversation.")
    return head


def transfer(
    conn: Connection,
    conversation: str,
    *,
    workspace: str,
    agent: str,
    to_queue: str | None = None,
    to_agent: str | None = None,
    note: str | None = None,
    any_agent: bool = False,
    now: datetime | None = None,
) -> Change:
    """Hand the conversation to another queue or to one colleague; reason, evidence and briefing go along.

    `any_agent` lets a supervisor move a colleague's chat. Raises Invalid(`transfer_target`) unless exactly one target is
    given, Conflict(`not_yours`), NotFound.
    """
    now = now or utc_now()
    if (to_queue is None) == (to_agent is None):
        raise Invalid("transfer_target", "请选择一个队列或一位同事。", "Name either a queue or a colleague.")
    head = _owned(conn, conversation, workspace, agent, any_agent=any_agent)
    rows: list[Message] = []
    if note:
        author = agents.get(conn, workspace, agent)
        rows.append(
            conversations.post_note(
                conn, conversation, agent=agent, cid=f"transfer:{head.version}", body={"text": clean_text(note)},
                name=author.name, now=now,
            ).message
        )  # fmt: skip
    former = conn.execute(
        select(tables.escalations)
        .where(tables.escalations.c.conversation == conversation, tables.escalations.c.ended.is_(None))
    ).first()
    queue, who = _target(conn, head, to_queue, to_agent)
    _end(conn, conversation, "transferred", now)
    head = move(conn, head, Status.QUEUED, now=now)
    escalation = _insert_escalation(
        conn, head, now, rule="transfer", priority=former.priority if former else 0,
        reason_zh=former.reason_zh if former else "同事转接", reason_en=former.reason_en if former else "Transferred",
        evidence=former.evidence if former else [], negative=former.negative if former else 0.0,
        briefing=former.briefing if former else None,
    )  # fmt: skip
    entry = _insert_entry(
        conn, head, now, queue=queue.id, escalation=escalation, skills=sorted(queue.skills),
        priority=former.priority if former else 0, direct_to=to_agent,
    )  # fmt: skip
    rows.append(
        append_event(
            conn, conversation, "queued", f"正在转接给{who}", f"You are being transferred to {who}", now,
            escalation=escalation, entry=entry, rule="transfer",
        )
    )  # fmt: skip
    agents.touch_idle(conn, agent, now)
    return Change(conversations.get(conn, conversation), tuple(rows), escalation=escalation, entry=entry)


def _target(
    conn: Connection, head: Conversation, to_queue: str | None, to_agent: str | None
) -> tuple[queues.Queue, str]:
    if to_queue is not None:
        queue = queues.get(conn, head.workspace, to_queue)
        return queue, queue.name
    colleague = agents.get(conn, head.workspace, str(to_agent))
    if colleague.disabled:
        raise NotFound("agent_not_found", "找不到这位客服。", "There is no such agent.")
    own = inboxes.get(conn, head.inbox).queue
    name = own if own in colleague.queues or not colleague.queues else sorted(colleague.queues)[0]
    return queues.get(conn, head.workspace, name), colleague.name


def return_to_bot(
    conn: Connection,
    conversation: str,
    *,
    workspace: str,
    agent: str,
    any_agent: bool = False,
    now: datetime | None = None,
) -> Change:
    """The agent gives the conversation back to the bot. Conflict(`not_yours`)."""
    now = now or utc_now()
    head = _owned(conn, conversation, workspace, agent, any_agent=any_agent)
    escalation, _ = _end(conn, conversation, "returned_to_bot", now)
    move(conn, head, Status.WITH_BOT, now=now)
    agents.touch_idle(conn, agent, now)
    row = append_event(
        conn, conversation, "returned_to_bot", "会话已交回机器人", "The bot has the conversation again", now, by="agent"
    )
    return Change(conversations.get(conn, conversation), (row,), escalation=escalation)


def stay_with_bot(conn: Connection, conversation: str, *, visitor: str, now: datetime | None = None) -> Change:
    """The waiting visitor goes back to the bot; nothing happens when they do not wait. Conflict while with an agent."""
    now = now or utc_now()
    head = _of_visitor(conn, conversation, visitor)
    if head.status is not Status.QUEUED:
        if head.status is Status.WITH_BOT:
            return Change(head, changed=False)
        raise Conflict("not_waiting", "会话不在排队中。", "The conversation is not waiting.")
    escalation, ended = _end(conn, conversation, "abandoned", now)
    move(conn, head, Status.WITH_BOT, now=now)
    row = append_event(
        conn, conversation, "returned_to_bot", "您已选择继续与机器人对话", "You chose to stay with the bot", now,
        by="visitor",
    )  # fmt: skip
    return Change(conversations.get(conn, conversation), (row,), escalation=escalation, ended=ended)


def _of_visitor(conn: Connection, conversation: str, visitor: str) -> Conversation:
    head = conversations.get(conn, conversation, lock=True)
    if head.visitor != visitor:
        raise NotFound("conversation_not_found", "找不到这个会话。", "There is no such conversation.")
    return head


def leave_message(
    conn: Connection, conversation: str, *, visitor: str, contact: str, text: str, now: datetime | None = None
) -> Change:
    """Store a message for the team with a way to answer it; a waiting conversation goes back to the bot.

    Raises Invalid(`contact_empty`, `contact_too_long`, `text_…`).
    """
    now = now or utc_now()
    head = _of_visitor(conn, conversation, visitor)
    message = left_messages.create(conn, head, contact=contact, text=text, now=now)
    escalation, ended = None, ()
    if head.status is Status.QUEUED:
        escalation, ended = _end(conn, conversation, "left_message", now)
        move(conn, head, Status.WITH_BOT, now=now)
    row = append_event(
        conn, conversation, "left_message", "留言已收到,我们会尽快联系您", "Your message was received; we will get back to you",
        now, left_message=message.id,
    )  # fmt: skip
    return Change(conversations.get(conn, conversation), (row,), escalation=escalation, ended=ended)


def resolve(
    conn: Connection,
    conversation: str,
    *,
    by: str,
    by_visitor: bool = False,
    any_agent: bool = False,
    workspace: str | None = None,
    now: datetime | None = None,
) -> Change:
    """Close the conversation; `by` is an agent's or the visitor's id. Resolving twice changes nothing.

    An agent closes what they have (`any_agent`: a supervisor closes any). Conflict(`not_yours`), NotFound.
    """
    now = now or utc_now()
    if by_visitor:
        head = _of_visitor(conn, conversation, by)
    else:
        head = conversations.get(conn, conversation, workspace=workspace, lock=True)
    if head.status is Status.RESOLVED:
        return Change(head, changed=False)
    if not by_visitor and not any_agent and head.agent != by:
        raise Conflict("not_yours", "这个会话不在你手上。", "You do not have this conversation.")
    waiting, former = head.status is Status.QUEUED, head.agent
    escalation, ended = _end(conn, conversation, "abandoned" if waiting else "resolved", now)
    move(conn, head, Status.RESOLVED, by=by, now=now)
    if former is not None:
        agents.touch_idle(conn, former, now)
    row = append_event(
        conn, conversation, "resolved", "会话已结束", "The conversation has ended", now,
        by="visitor" if by_visitor else "agent",
    )  # fmt: skip
    return Change(conversations.get(conn, conversation), (row,), escalation=escalation, ended=ended)


def requeue(conn: Connection, conversation: str, *, now: datetime | None = None) -> Change:
    """The agent vanished: to the head of the queue with the original time, and the visitor is told."""
    now = now or utc_now()
    head = conversations.get(conn, conversation, lock=True)
    if head.status is not Status.WITH_AGENT:
        return Change(head, changed=False)
    lost = head.agent
    head = move(conn, head, Status.QUEUED, now=now)
    escalation = open_escalation(conn, conversation)
    q, e = tables.queue_entries, tables.escalations
    item = conn.execute(
        select(q.c.id).where(q.c.escalation == escalation, q.c.state == EntryState.ACCEPTED)
    ).scalar_one()
    conn.execute(
        update(q)
        .where(q.c.id == item)
        .values(
            state=EntryState.WAITING, offered_to=None, offer_expires=None, direct_to=None, declined_by=[],
            priority=REQUEUED_PRIORITY,
        )  # fmt: skip
    )
    conn.execute(update(e).where(e.c.id == escalation).values(accepted=None, accepted_by=None, wait_ms=None))
    row = append_event(
        conn, conversation, "requeued", "客服的连接中断了,正在为您优先转接另一位客服",
        "The agent lost connection; you are next in line for another one", now, lost=lost,
    )  # fmt: skip
    return Change(conversations.get(conn, conversation), (row,), escalation=escalation, entry=item)


def judge(conn: Connection, *, workspace: str, escalation: str, judgement: str) -> None:
    """The agent's opinion of an escalation: right, needless or too_late. Invalid(`bad_judgement`), NotFound."""
    if judgement not in JUDGEMENTS:
        raise Invalid(
            "bad_judgement",
            "评价须为 right、needless 或 too_late。",
            "A judgement is right, needless or too_late.",
        )
    get(conn, workspace, escalation)
    e = tables.escalations
    conn.execute(update(e).where(e.c.id == escalation).values(judgement=judgement))
