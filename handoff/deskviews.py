"""What the desk is shown, read in bulk: offers, list entries, queue, heads. Units over a Connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from handoff import (
    agents,
    auth,
    conversations,
    escalation,
    inboxes,
    queues,
    ratings,
    routing,
    tables,
    verdicts,
    visitors,
)
from handoff.clock import from_ms, to_ms, utc_now
from handoff.domain import Availability, Conversation, Kind, Offer, Status
from handoff.errors import HandoffError, NotFound
from handoff.protocol import ConversationChanged, QueueOffered

PREVIEW: Final = 120  # characters of the last words in a list
PAGE: Final = 50  # conversations in one page of a list


class Brief(msgspec.Struct, frozen=True):
    """A conversation's line in the lists, with what decides who may see it."""

    workspace: str
    visitor: str
    queue: str | None  # where it waits, if it waits
    frame: ConversationChanged


def may(principal: auth.Principal, action: str, resource: auth.Resource) -> bool:
    """`authorise` as a question."""
    try:
        auth.authorise(principal, action, resource)
    except HandoffError:
        return False
    return True


def allow(conn: Connection, principal: auth.Principal, action: str, found: Conversation) -> None:
    """Raise unless this agent may do this to the conversation; who once had it may go on reading it."""
    item = queues.open_entry(conn, found.id)
    resource = auth.Resource.of(found, queue=None if item is None else item.queue)
    try:
        auth.authorise(principal, action, resource)
    except NotFound:
        offered_now = item is not None and item.offered_to == principal.id
        if action != "conversation.read" or not (offered_now or _had(conn, principal, found)):
            raise


def _had(conn: Connection, principal: auth.Principal, found: Conversation) -> bool:
    if found.workspace != principal.workspace or principal.kind != "agent":
        return False
    e = tables.escalations.c
    query = select(e.id).where(e.conversation == found.id, e.accepted_by == principal.id).limit(1)
    return conn.execute(query).first() is not None


def short(ident: str) -> str:
    """The end of an id: enough to tell nameless visitors apart; the desk makes the label in its language."""
    return ident[-6:]


def offered(conn: Connection, offers: Sequence[Offer]) -> list[tuple[str, QueueOffered]]:
    """(agent, frame) of fresh offers."""
    return [(offer.agent, _offer_frame(conn, offer.entry, (offer.why_zh, offer.why_en))) for offer in offers]


def offers_of(conn: Connection, workspace: str, agent: str) -> list[QueueOffered]:
    """The agent's open offers."""
    items, now = queues.offers_to(conn, workspace, agent), utc_now()
    if not items:
        return []
    me = next((state for state in agents.states(conn, workspace, now) if state.id == agent), None)
    whys = [("", "") if me is None else routing.why(item, me, now) for item in items]
    return [_offer_frame(conn, item.id, why) for item, why in zip(items, whys, strict=True)]


def _offer_frame(conn: Connection, entry: str, why: tuple[str, str]) -> QueueOffered:
    item = queues.entry(conn, entry)
    asked = escalation.get(conn, item.workspace, item.escalation)
    head = conversations.get(conn, item.conversation)
    visitor = visitors.get(conn, item.workspace, head.visitor)
    return QueueOffered(
        conv=item.conversation, escalation=item.escalation, entry=item.id, reason=asked["rule"],
        reason_zh=asked["reason_zh"], reason_en=asked["reason_en"], evidence=texts(asked["evidence"]),
        negative=asked["negative"], priority=item.priority, language=item.language,
        visitor_name=visitor.name or "", visitor_short=short(visitor.id),
        waiting_since=to_ms(item.enqueued), expires=to_ms(item.offer_expires) if item.offer_expires else 0,
        why_zh=why[0], why_en=why[1],
    )  # fmt: skip


def texts(evidence: Sequence[Any]) -> list[str]:
    """Evidence as words, whether it was stored as words or as spans."""
    return [str(item["text"]) if isinstance(item, dict) else str(item) for item in evidence]


def queue(conn: Connection, principal: auth.Principal) -> list[dict[str, Any]]:
    """Who waits in the queues that this agent may see, oldest first."""
    seen: list[dict[str, Any]] = []
    for item in queues.open_entries(conn, principal.workspace):
        head = conversations.get(conn, item.conversation)
        resource = auth.Resource(principal.workspace, head.visitor, head.agent, item.queue, True)
        if not may(principal, "conversation.read", resource):
            continue
        offer = _offer_frame(conn, item.id, ("", ""))
        seen.append(
            {
                "entry": item.id, "conv": item.conversation, "escalation": item.escalation,
                "reason": offer.reason, "reason_zh": offer.reason_zh, "reason_en": offer.reason_en,
                "evidence": offer.evidence, "negative": offer.negative, "priority": item.priority,
                "language": item.language, "visitor_name": offer.visitor_name,
                "visitor_short": offer.visitor_short,
                "waiting_since": offer.waiting_since, "state": item.state.value,
                "offered_to": item.offered_to, "queue": item.queue,
            }
        )  # fmt: skip
    return seen


# ---- lists --------------------------------------------------------------------------------------


def queues_of(conn: Connection, workspace: str) -> list[dict[str, Any]]:
    """The workspace's queues: who waits there, and how many are online to take it."""
    waiting = Counter(item.queue for item in queues.open_entries(conn, workspace))
    states = agents.states(conn, workspace, utc_now())
    return [
        {
            "id": queue.id, "name": queue.name, "skills": sorted(queue.skills), "waiting": waiting[queue.id],
            "online": sum(
                queue.id in state.queues and state.availability is Availability.ONLINE for state in states
            ),
        }
        for queue in queues.all_of(conn, workspace)
    ]  # fmt: skip


def briefs(conn: Connection, names: Sequence[str]) -> list[Brief]:
    """List entries of these conversations, in three statements."""
    return [
        Brief(
            row["workspace"], row["visitor"], row["queue"],
            ConversationChanged(
                conv=row["conv"], status=row["status"], version=row["version"], last_seq=row["last_seq"],
                agent=row["agent"], preview=row["preview"], preview_zh=row["preview_zh"],
                preview_en=row["preview_en"], negative=row["negative"],
            ),
        )
        for row in _lines(conn, tables.conversations.c.id.in_(names), limit=len(names))
    ]  # fmt: skip


def conversations_of(
    conn: Connection, principal: auth.Principal, *, view: str, words: str = "", cursor: int | None = None
) -> dict[str, Any]:
    """A page of a list: `mine`, `waiting`, `all` or `resolved`, newest activity first.

    `cursor` is the last activity (microseconds since 1970) of the page before.
    """
    c = tables.conversations.c
    where = [c.workspace == principal.workspace, *_view(principal, view)]
    if cursor is not None:
        where.append(c.last_activity < from_ms(0) + timedelta(microseconds=cursor))
    if words.strip():
        where.append(_matching(words.strip()))
    rows = [
        row
        for row in _lines(conn, and_(*where), limit=PAGE + 1)
        if view == "resolved" or may(principal, "conversation.read", _resource(row))
    ]
    page, more = rows[:PAGE], len(rows) > PAGE
    shown = [
        {k: v for k, v in row.items() if k not in {"workspace", "visitor", "queue", "at"}} for row in page
    ]
    return {"conversations": shown, "cursor": str(page[-1]["at"]) if more and page else None}


def _resource(row: dict[str, Any]) -> auth.Resource:
    return auth.Resource(
        row["workspace"], row["visitor"], row["agent"], row["queue"], row["queue"] is not None
    )


def _matching(words: str) -> Any:
    c, m, v = tables.conversations.c, tables.messages.c, tables.visitors.c
    text = m.body["text"].as_string()
    said = select(m.conversation).where(m.kind == Kind.TEXT, text.contains(words, autoescape=True))
    named = select(v.id).where(v.name.contains(words, autoescape=True))
    return or_(c.id.in_(said), c.visitor.in_(named))


def _view(principal: auth.Principal, view: str) -> list[Any]:
    c, e = tables.conversations.c, tables.escalations.c
    wide = principal.role in {"supervisor", "admin"}
    if view == "mine":
        return [c.agent == principal.id, c.status == Status.WITH_AGENT]
    if view == "waiting":
        return [c.status == Status.QUEUED]
    if view == "resolved":
        mine = select(e.conversation).where(e.accepted_by == principal.id)
        return [c.status == Status.RESOLVED, *([] if wide else [c.id.in_(mine)])]
    return [] if wide else [or_(c.agent == principal.id, c.status == Status.QUEUED)]


def _lines(conn: Connection, where: Any, *, limit: int) -> list[dict[str, Any]]:
    c, m, v, a = tables.conversations.c, tables.messages.c, tables.visitors.c, tables.agents.c
    rows = conn.execute(
        select(tables.conversations, m.body, m.kind, v.name.label("visitor_name"), a.name.label("agent_name"))
        .outerjoin(tables.messages, and_(m.conversation == c.id, m.seq == c.last_seq))
        .outerjoin(tables.visitors, v.id == c.visitor)
        .outerjoin(tables.agents, a.id == c.agent)
        .where(where)
        .order_by(c.last_activity.desc())
        .limit(limit)
    ).all()
    names = [row.id for row in rows]
    waiting, moods = _waiting(conn, names), _moods(conn, names)
    return [
        {
            "workspace": row.workspace, "visitor": row.visitor, "queue": waiting.get(row.id),
            "conv": row.id, "status": row.status, "version": row.version, "last_seq": row.last_seq,
            "agent": row.agent, "agent_name": row.agent_name,
            "visitor_name": row.visitor_name or "", "visitor_short": short(row.visitor), **_preview(row.body),
            "last_activity": to_ms(row.last_activity),
            "at": (row.last_activity - from_ms(0)) // timedelta(microseconds=1), "language": row.language,
            "negative": moods.get(row.id), "unread": max(0, row.last_seq - row.agent_read_seq),
        }
        for row in rows
    ]  # fmt: skip


def _preview(body: dict[str, Any] | None) -> dict[str, str]:
    """The last words as they were said, or an event's and a briefing's in both languages."""
    body = body or {}
    summary = body.get("summary")
    pair = summary if isinstance(summary, dict) else {"zh": body.get("text_zh"), "en": body.get("text_en")}
    words = {"preview": body.get("text"), "preview_zh": pair.get("zh"), "preview_en": pair.get("en")}
    return {key: str(value or "")[:PREVIEW] for key, value in words.items()}


def _waiting(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    q = tables.queue_entries.c
    rows = conn.execute(
        select(q.conversation, q.queue).where(q.conversation.in_(names), q.state.in_(queues.OPEN_STATES))
    )
    return {row.conversation: row.queue for row in rows}


def _moods(conn: Connection, names: Sequence[str]) -> dict[str, float]:
    v = tables.verdicts.c
    last = (
        select(v.conversation, func.max(v.seq).label("seq"))
        .where(v.conversation.in_(names))
        .group_by(v.conversation)
        .subquery()
    )
    rows = conn.execute(
        select(v.conversation, v.level).join(
            last, and_(v.conversation == last.c.conversation, v.seq == last.c.seq)
        )
    )
    return {row.conversation: row.level for row in rows}


# ---- one conversation ---------------------------------------------------------------------------


def head(conn: Connection, found: Conversation) -> dict[str, Any]:
    """`Head` of the protocol: what both sides may know of a conversation."""
    place = queues.position(conn, found.id) if found.status is Status.QUEUED else None
    agent = None
    if found.agent is not None:
        agent = {"id": found.agent, "name": agents.get(conn, found.workspace, found.agent).name}
    return {
        "id": found.id, "status": found.status.value, "version": found.version, "last_seq": found.last_seq,
        "language": found.language, "agent": agent, "rated": ratings.of(conn, found.id) is not None,
        "visitor_read_seq": found.visitor_read_seq, "agent_read_seq": found.agent_read_seq,
        "position": None if place is None else {
            "position": place.position, "size": place.size, "wait_low_ms": place.wait_low_ms,
            "wait_high_ms": place.wait_high_ms,
        },
    }  # fmt: skip


def detail(conn: Connection, found: Conversation) -> dict[str, Any]:
    """Head, visitor, escalations and past conversations, for the customer panel."""
    visitor = visitors.get(conn, found.workspace, found.visitor)
    past = [
        item for item in conversations.past_of(conn, found.workspace, found.visitor) if item.id != found.id
    ]
    return {
        **head(conn, found),
        "inbox": inboxes.get(conn, found.inbox).name,
        "visitor": {
            "id": visitor.id, "name": visitor.name or "", "short": short(visitor.id), "email": visitor.email,
            "phone": visitor.phone, "verified": visitor.verified, "tier": visitor.tier,
            "attributes": visitor.attributes,
        },
        "escalations": [_escalation(row) for row in escalation.of(conn, found.id)],
        "past": [
            {"conv": item.id, "status": item.status.value, "opened": to_ms(item.opened),
             "last_activity": to_ms(item.last_activity), "last_seq": item.last_seq}
            for item in past
        ],
    }  # fmt: skip


def _escalation(row: dict[str, Any]) -> dict[str, Any]:
    times = {key: to_ms(row[key]) if row[key] else None for key in ("requested", "accepted", "ended")}
    kept = ("id", "rule", "priority", "reason_zh", "reason_en", "negative", "briefing", "accepted_by",
            "outcome", "wait_ms", "handle_ms", "judgement")  # fmt: skip
    return {**{key: row[key] for key in kept}, "evidence": texts(row["evidence"]), **times}


def verdict_list(conn: Connection, conversation: str) -> list[dict[str, Any]]:
    """Every verdict of a conversation as the console shows it."""
    kept = ("seq", "decision", "rule", "score", "threshold", "negative", "level", "label", "intensity",
            "evidence", "signals", "reason_zh", "reason_en")  # fmt: skip
    return [{key: getattr(item, key) for key in kept} for item in verdicts.of(conn, conversation)]
