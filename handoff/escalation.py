"""From bot to person and back: request, offer, accept, decline, transfer, return, resolve.

Each function is one unit: escalation, queue entry, status and event row change together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, update

from handoff import (
    agents,
    conversations,
    escalations,
    handover_words,
    inboxes,
    left_messages,
    queues,
    tables,
)
from handoff.clock import utc_now
from handoff.conversations import move
from handoff.domain import Change, Conversation, EntryState, Message, OfferEnded, Status
from handoff.errors import Conflict, Invalid, NotFound
from handoff.escalations import get, judge, of
from handoff.evidence import quotable
from handoff.log import append_event, last_said
from handoff.offers import accept, decline, expire, offer, taken

UNSAID: Final = frozenset({"request", "manual"})  # rules that need no words of the customer
REQUEUED_PRIORITY: Final = 1_000_000  # an agent vanished: ahead of everybody


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
    """Put the conversation into its inbox's queue (or `queue`): escalation, entry, status and `queued` row
    at once.

    `evidence` are the customer's words that led to it; those that say nothing (a mark, two characters) give
    way to their last sentence. Already queued or with an agent: nothing is written (`changed=False`), only a
    higher priority is kept. Resolved: Conflict(`bad_transition`). With nobody at the desk a
    `nobody_available` row follows and `nobody_available` is set, and only that row speaks: the visitor may
    leave a message or stay with the bot.
    """
    now = now or utc_now()
    head = conversations.get(conn, conversation, lock=True)
    if head.status in {Status.QUEUED, Status.WITH_AGENT}:
        return _already(conn, head, priority)
    wanted = queues.get(conn, head.workspace, queue or inboxes.get(conn, head.inbox).queue)
    head = move(conn, head, Status.QUEUED, now=now)
    escalation = escalations.insert(
        conn, head, now, rule=rule, priority=priority, reason_zh=reason_zh, reason_en=reason_en,
        evidence=_quotes(conn, conversation, rule, evidence), negative=negative,
    )  # fmt: skip
    entry = escalations.insert_entry(
        conn, head, now, queue=wanted.id, escalation=escalation, skills=sorted(wanted.skills | set(skills)),
        priority=priority,
    )  # fmt: skip
    nobody = rule != "manual" and not agents.anyone_for(conn, head.workspace, wanted.id, now)
    words = ("", "") if nobody else handover_words.connecting(rule)
    rows = [
        append_event(conn, conversation, "queued", *words, now, escalation=escalation, entry=entry, rule=rule)
    ]
    if nobody:
        truth = handover_words.nobody(rule)
        rows.append(append_event(conn, conversation, "nobody_available", *truth, now, rule=rule))
    return Change(
        conversations.get(conn, conversation),
        tuple(rows),
        escalation=escalation,
        entry=entry,
        nobody_available=nobody,
    )


def _quotes(conn: Connection, conversation: str, rule: str, spans: Sequence[str]) -> list[str]:
    if not spans and rule in UNSAID:
        return []
    return quotable(spans, last_said(conn, conversation))


def _already(conn: Connection, head: Conversation, priority: int) -> Change:
    entry = queues.open_entry(conn, head.id, lock=True)
    if entry is not None and priority > entry.priority:
        q, e = tables.queue_entries, tables.escalations
        conn.execute(update(q).where(q.c.id == entry.id).values(priority=priority))
        conn.execute(update(e).where(e.c.id == entry.escalation).values(priority=priority))
    return Change(
        head,
        changed=False,
        escalation=entry.escalation if entry else escalations.open_escalation(conn, head.id),
        entry=entry.id if entry else None,
    )


# ---- taking, leaving ----------------------------------------------------------------------------


def take(
    conn: Connection, conversation: str, *, workspace: str, agent: str, now: datetime | None = None
) -> Change:
    """Take a conversation without an offer: from the queue, or from the bot (then escalated by rule
    `manual`).

    Raises as `accept`; Conflict(`bad_transition`) when it is resolved.
    """
    now = now or utc_now()
    head = conversations.get(conn, conversation, workspace=workspace, lock=True)
    if head.status is Status.WITH_AGENT:
        if head.agent == agent:
            return Change(head, changed=False)
        raise taken(agents.get(conn, workspace, head.agent).name if head.agent else None)
    rows: tuple[Message, ...] = ()
    if head.status is not Status.QUEUED:
        asked = request(
            conn, conversation, rule="manual", priority=0, reason_zh="客服主动接入",
            reason_en="Taken over by an agent",
            now=now,
        )  # fmt: skip
        rows = asked.rows
    item = queues.open_entry(conn, conversation, lock=True)
    if item is None:
        raise taken(None)
    change = accept(conn, item.id, workspace=workspace, agent=agent, take=True, now=now)
    return Change(
        change.conversation,
        (*rows, *change.rows),
        escalation=change.escalation,
        entry=change.entry,
        ended=change.ended,
    )


# ---- leaving the agent or the queue -----------------------------------------------------------------


def _owned(
    conn: Connection, conversation: str, workspace: str, agent: str, *, any_agent: bool
) -> Conversation:
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

    `any_agent` lets a supervisor move a colleague's chat. Raises Invalid(`transfer_target`) unless exactly
    one target is given, Conflict(`not_yours`), NotFound.
    """
    now = now or utc_now()
    if (to_queue is None) == (to_agent is None):
        raise Invalid("transfer_target", "请选择一个队列或一位同事。", "Name either a queue or a colleague.")
    head = _owned(conn, conversation, workspace, agent, any_agent=any_agent)
    rows = _noted(conn, head, agent, note, now) if note else []
    former = conn.execute(
        select(tables.escalations).where(
            tables.escalations.c.conversation == conversation, tables.escalations.c.ended.is_(None)
        )
    ).first()
    queue, who = _target(conn, head, to_queue, to_agent)
    escalations.end(conn, conversation, "transferred", now)
    head = move(conn, head, Status.QUEUED, now=now)
    escalation = escalations.insert(
        conn, head, now, rule="transfer", priority=former.priority if former else 0,
        reason_zh=former.reason_zh if former else "同事转接",
        reason_en=former.reason_en if former else "Transferred",
        evidence=former.evidence if former else [], negative=former.negative if former else 0.0,
        briefing=former.briefing if former else None,
    )  # fmt: skip
    entry = escalations.insert_entry(
        conn, head, now, queue=queue.id, escalation=escalation, skills=sorted(queue.skills),
        priority=former.priority if former else 0, direct_to=to_agent,
    )  # fmt: skip
    rows.append(
        append_event(
            conn, conversation, "queued", f"正在为您转接给{who}；{handover_words.SEEN_ZH}",
            f"You are being transferred to {who}. {handover_words.SEEN_EN}", now,
            escalation=escalation, entry=entry, rule="transfer",
        )
    )  # fmt: skip
    agents.touch_idle(conn, agent, now)
    return Change(conversations.get(conn, conversation), tuple(rows), escalation=escalation, entry=entry)


def _noted(conn: Connection, head: Conversation, agent: str, note: str, now: datetime) -> list[Message]:
    author = agents.get(conn, head.workspace, agent)
    posted = conversations.post_note(
        conn,
        head.id,
        agent=agent,
        cid=f"transfer:{head.version}",
        body={"text": note},
        name=author.name,
        now=now,
    )
    return [posted.message]


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
    escalation, _ = escalations.end(conn, conversation, "returned_to_bot", now)
    move(conn, head, Status.WITH_BOT, now=now)
    agents.touch_idle(conn, agent, now)
    row = append_event(
        conn,
        conversation,
        "returned_to_bot",
        "会话已交回机器人",
        "The bot has the conversation again",
        now,
        by="agent",
    )
    return Change(conversations.get(conn, conversation), (row,), escalation=escalation)


def stay_with_bot(
    conn: Connection, conversation: str, *, visitor: str, now: datetime | None = None
) -> Change:
    """The waiting visitor goes back to the bot; nothing happens when they do not wait. Conflict while with
    an agent.
    """
    now = now or utc_now()
    head = _of_visitor(conn, conversation, visitor)
    if head.status is not Status.QUEUED:
        if head.status is Status.WITH_BOT:
            return Change(head, changed=False)
        raise Conflict("not_waiting", "会话不在排队中。", "The conversation is not waiting.")
    escalation, ended = escalations.end(conn, conversation, "abandoned", now)
    move(conn, head, Status.WITH_BOT, now=now)
    row = append_event(
        conn, conversation, "returned_to_bot", "您已选择继续与机器人对话",
        "You chose to stay with the bot", now,
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
    escalation: str | None = None
    ended: tuple[OfferEnded, ...] = ()
    rows = [
        append_event(
            conn, conversation, "left_message", "留言已收到，我们会尽快联系您",
            "Your message was received; we will get back to you",
            now, left_message=message.id,
        )
    ]  # fmt: skip
    if head.status is Status.QUEUED:
        escalation, ended = escalations.end(conn, conversation, "left_message", now)
        move(conn, head, Status.WITH_BOT, now=now)
        rows.append(
            append_event(
                conn, conversation, "returned_to_bot", "您可以继续与机器人对话",
                "The bot is here for you meanwhile", now, by="visitor",
            )
        )  # fmt: skip
    return Change(conversations.get(conn, conversation), tuple(rows), escalation=escalation, ended=ended)


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
    escalation, ended = escalations.end(conn, conversation, "abandoned" if waiting else "resolved", now)
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
    escalation = escalations.open_escalation(conn, conversation)
    q, e = tables.queue_entries, tables.escalations
    item = conn.execute(
        select(q.c.id).where(q.c.escalation == escalation, q.c.state == EntryState.ACCEPTED)
    ).scalar_one()
    conn.execute(
        update(q)
        .where(q.c.id == item)
        .values(
            state=EntryState.WAITING,
            offered_to=None,
            offer_expires=None,
            direct_to=None,
            declined_by=[],
            priority=REQUEUED_PRIORITY,
        )
    )
    conn.execute(update(e).where(e.c.id == escalation).values(accepted=None, accepted_by=None, wait_ms=None))
    row = append_event(
        conn, conversation, "requeued", "客服的连接中断了，您已排到最前面，由下一位客服优先接待。",
        "The agent lost connection; you are first in line for the next one.", now, lost=lost,
    )  # fmt: skip
    return Change(conversations.get(conn, conversation), (row,), escalation=escalation, entry=item)


__all__ = [
    "accept", "decline", "expire", "get", "judge", "leave_message", "of", "offer",
    "request", "requeue", "resolve", "return_to_bot", "stay_with_bot", "take", "transfer",
]  # fmt: skip
