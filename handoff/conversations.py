"""Conversations: opened, written to by visitor, bot and agent, read, listed, and moved from state to state.

Everything is a unit over a synchronous Connection, for `Database.write` or `Database.read`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from handoff import sql, tables
from handoff.clock import from_ms, to_ms, utc_now
from handoff.domain import TRANSITIONS, Author, Conversation, Kind, Message, Status
from handoff.errors import Conflict, Invalid
from handoff.log import Draft, append, append_event, body_hash, clean_text, insert, new_id, not_found

MAX_CID: Final = 64
_HEAD: Final = (
    "SELECT c.workspace, c.status, c.version, c.agent, c.visitor, m.seq, m.id, m.body_hash, m.created"
    " FROM conversation c LEFT JOIN message m ON m.conversation = c.id AND m.author_id = ? AND m.cid = ?"
    " WHERE c.id = ?"
)

_NEXT: Final = (  # the place of a visitor's message, if the conversation is theirs and open
    "UPDATE conversation SET last_seq = last_seq + 1, last_activity = ?"
    " WHERE id = ? AND visitor = ? AND status <> 'resolved' RETURNING last_seq, workspace, status, version"
)
_NOT_NEXT: Final = "UPDATE conversation SET last_seq = last_seq - 1 WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Posted:
    """A stored message. `dup`: it already was; then `before` is empty. `before`: rows written ahead of it
    (reopened).

    `status` and `version` are the conversation's after the message: the bot answers when it is `with_bot`,
    carrying `version` to `post_as_bot`.
    """

    message: Message
    dup: bool
    status: Status
    version: int
    before: tuple[Message, ...] = ()

    @property
    def rows(self) -> tuple[Message, ...]:
        """What must be published, in order; nothing for a repeat."""
        return () if self.dup else (*self.before, self.message)


@dataclass(frozen=True, slots=True)
class _Head:
    workspace: str
    status: Status
    version: int
    agent: str | None
    visitor: str
    repeat: tuple[int, str, str | None, int] | None  # seq, id, hash, created of the row with the same cid


def _conversation(row: Any) -> Conversation:
    return Conversation(
        id=row.id, workspace=row.workspace, inbox=row.inbox, visitor=row.visitor, status=Status(row.status),
        version=row.version, last_seq=row.last_seq, agent=row.agent, language=row.language,
        attributes=row.attributes, opened=row.opened, last_activity=row.last_activity, resolved=row.resolved,
        resolved_by=row.resolved_by, offered_person=row.offered_person,
        visitor_read_seq=row.visitor_read_seq, agent_read_seq=row.agent_read_seq,
    )  # fmt: skip


def get(
    conn: Connection, conversation: str, *, workspace: str | None = None, lock: bool = False
) -> Conversation:
    """The head of a conversation; NotFound when it does not exist or belongs to another workspace.

    `lock` keeps other processes from changing it until the transaction ends (SQLite has one writer anyway).
    """
    query = select(tables.conversations).where(tables.conversations.c.id == conversation)
    if lock:
        query = query.with_for_update()
    row = conn.execute(query).one_or_none()
    if row is None or (workspace is not None and row.workspace != workspace):
        raise not_found()
    return _conversation(row)


def open_for(conn: Connection, visitor: str, inbox: str) -> Conversation | None:
    """The visitor's latest conversation in this inbox that is not resolved, or None."""
    c = tables.conversations.c
    row = conn.execute(
        select(tables.conversations)
        .where(c.visitor == visitor, c.inbox == inbox, c.status != Status.RESOLVED)
        .order_by(c.last_activity.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _conversation(row)


def latest_for(conn: Connection, visitor: str, inbox: str) -> Conversation | None:
    """The visitor's latest conversation in this inbox, resolved or not, or None."""
    c = tables.conversations.c
    row = conn.execute(
        select(tables.conversations)
        .where(c.visitor == visitor, c.inbox == inbox)
        .order_by(c.last_activity.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _conversation(row)


def past_of(conn: Connection, workspace: str, visitor: str, *, limit: int = 20) -> list[Conversation]:
    """The visitor's conversations, newest first."""
    c = tables.conversations.c
    rows = conn.execute(
        select(tables.conversations)
        .where(c.workspace == workspace, c.visitor == visitor)
        .order_by(c.last_activity.desc())
        .limit(limit)
    )
    return [_conversation(row) for row in rows]


def open_conversation(
    conn: Connection,
    *,
    workspace: str,
    inbox: str,
    visitor: str,
    language: str = "zh-CN",
    attributes: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> tuple[Conversation, tuple[Message, ...]]:
    """The visitor's open conversation, or a new one with its `opened` row. Returns (head, new rows)."""
    now = now or utc_now()
    found = open_for(conn, visitor, inbox)
    if found is not None:
        return found, ()
    ident = new_id()
    conn.execute(
        tables.conversations.insert().values(
            id=ident,
            workspace=workspace,
            inbox=inbox,
            visitor=visitor,
            status=Status.WITH_BOT,
            version=1,
            last_seq=0,
            language=language,
            attributes=dict(attributes or {}),
            offered_person=False,
            opened=now,
            last_activity=now,
            visitor_read_seq=0,
            agent_read_seq=0,
        )
    )
    event = append_event(conn, ident, "opened", "会话已开始", "The conversation has started", now)
    return get(conn, ident), (event,)


def _head(conn: Connection, conversation: str, author_id: str, cid: str | None) -> _Head:
    lock = " FOR UPDATE OF c" if sql.is_postgres(conn) else ""
    row = sql.execute(conn, _HEAD + lock, (author_id, cid, conversation)).fetchone()
    if row is None:
        raise not_found()
    workspace, status, version, agent, visitor, seq, ident, digest, created = row
    repeat = None if seq is None else (seq, ident, digest, created)
    return _Head(workspace, Status(status), version, agent, visitor, repeat)


def _check_cid(cid: str) -> str:
    if not (0 < len(cid) <= MAX_CID and cid.isprintable()):
        raise Invalid(
            "bad_cid",
            f"客户端消息编号须为 1 至 {MAX_CID} 个可见字符。",
            f"A cid has 1 to {MAX_CID} printable characters.",
        )
    return cid


def _repeated(conversation: str, head: _Head, draft: Draft) -> Posted | None:
    if head.repeat is None:
        return None
    seq, ident, digest, created = head.repeat
    if digest != body_hash(draft.kind, draft.body):
        raise Conflict(
            "idem_conflict",
            "同一消息编号已用于另一条内容,请用新的编号重发。",
            "This cid was already used for another message; send it with a new one.",
        )
    message = Message(
        conversation, seq, ident, draft.cid, draft.author, draft.author_id, draft.author_name, draft.kind,
        dict(draft.body), from_ms(created),
    )  # fmt: skip
    return Posted(message, True, head.status, head.version)


def post(
    conn: Connection,
    conversation: str,
    *,
    visitor: str,
    cid: str,
    body: Mapping[str, Any],
    name: str = "",
    now: datetime | None = None,
) -> Posted:
    """A visitor's message, stored once per cid: the same body again is a repeat, another one a Conflict.

    `body` holds `text` (1 to 8,000 characters) and perhaps `attachments`. A resolved conversation is
    reopened with the
    bot first (a `reopened` row). While the bot has the conversation the message waits for a verdict
    (`unjudged`).
    Raises NotFound (also when the conversation is another visitor's), Invalid, Conflict(`idem_conflict`).
    """
    now = now or utc_now()
    clean_text(body.get("text"))
    _check_cid(cid)
    place = sql.execute(conn, _NEXT, (sql.instant(conn, now), conversation, visitor)).fetchone()
    if place is not None:
        seq, workspace, status, version = place
        judged = status != Status.WITH_BOT
        draft = Draft(Author.VISITOR, visitor, name, Kind.TEXT, body, cid, judged)
        message = insert(conn, conversation, workspace, seq, draft, now)
        if message is not None:
            return Posted(message, False, Status(status), version)
        sql.execute(conn, _NOT_NEXT, (conversation,))
    return _post_slowly(conn, conversation, visitor, cid, body, name, now)


def _post_slowly(  # noqa: PLR0917 the rest of `post`
    conn: Connection,
    conversation: str,
    visitor: str,
    cid: str,
    body: Mapping[str, Any],
    name: str,
    now: datetime,
) -> Posted:
    """A repeat, a resolved conversation, or none of this visitor's."""
    head = _head(conn, conversation, visitor, cid)
    if head.visitor != visitor:
        raise not_found()
    draft = Draft(Author.VISITOR, visitor, name, Kind.TEXT, body, cid)
    if (posted := _repeated(conversation, head, draft)) is not None:
        return posted
    status, version = head.status, head.version
    before: tuple[Message, ...] = ()
    if status is Status.RESOLVED:
        reopened, event = _reopen(conn, conversation, now)
        status, version, before = reopened.status, reopened.version, (event,)
    message = append(conn, conversation, replace(draft, judged=status is not Status.WITH_BOT), now)
    return Posted(message, False, status, version, before)


def _reopen(conn: Connection, conversation: str, now: datetime) -> tuple[Conversation, Message]:
    head = move(conn, get(conn, conversation, lock=True), Status.WITH_BOT, now=now)
    event = append_event(
        conn, conversation, "reopened", "会话已重新打开", "The conversation was reopened", now
    )
    return head, event


def post_as_bot(
    conn: Connection,
    conversation: str,
    *,
    expected_version: int,
    body: Mapping[str, Any],
    kind: Kind = Kind.TEXT,
    cid: str | None = None,
    name: str = "",
    now: datetime | None = None,
) -> Posted:
    """The bot's row, if the bot still owns the conversation as it did at `expected_version`.

    Raises Conflict(`fenced`) once ownership has changed: the answer is too late and must be dropped. A
    `cid` (for
    instance `answer:<seq of the question>`) makes it idempotent. `body` may carry `stream`, the id of its
    deltas.
    """
    now = now or utc_now()
    head = _head(conn, conversation, "bot", cid if cid is None else _check_cid(cid))
    draft = Draft(Author.BOT, "bot", name, kind, body, cid)
    if (posted := _repeated(conversation, head, draft)) is not None:
        return posted
    if head.status is not Status.WITH_BOT or head.version != expected_version:
        raise Conflict(
            "fenced",
            "会话已不由机器人处理,这条回答作废。",
            "The conversation is no longer the bot's; this answer is dropped.",
        )
    if body.get("offer_person"):
        conn.execute(
            update(tables.conversations)
            .where(tables.conversations.c.id == conversation)
            .values(offered_person=True)
        )
    return Posted(append(conn, conversation, draft, now), False, head.status, head.version)


def post_as_agent(
    conn: Connection,
    conversation: str,
    *,
    agent: str,
    cid: str,
    body: Mapping[str, Any],
    name: str = "",
    workspace: str | None = None,
    now: datetime | None = None,
) -> Posted:
    """An agent's message to the visitor; only while this agent has the conversation (Conflict
    `not_yours`).
    """
    now = now or utc_now()
    clean_text(body.get("text"))
    head = _head(conn, conversation, agent, _check_cid(cid))
    if workspace is not None and head.workspace != workspace:
        raise not_found()
    draft = Draft(Author.AGENT, agent, name, Kind.TEXT, body, cid)
    if (posted := _repeated(conversation, head, draft)) is not None:
        return posted
    if head.status is not Status.WITH_AGENT or head.agent != agent:
        raise Conflict(
            "not_yours",
            "这个会话不在你手上,先接入再回复。",
            "You do not have this conversation; take it before you answer.",
        )
    return Posted(append(conn, conversation, draft, now), False, head.status, head.version)


def post_note(
    conn: Connection,
    conversation: str,
    *,
    agent: str,
    cid: str,
    body: Mapping[str, Any],
    name: str = "",
    workspace: str | None = None,
    now: datetime | None = None,
) -> Posted:
    """A private note of an agent, in any state of the conversation; visitors see an empty shell."""
    now = now or utc_now()
    clean_text(body.get("text"))
    head = _head(conn, conversation, agent, _check_cid(cid))
    if workspace is not None and head.workspace != workspace:
        raise not_found()
    draft = Draft(Author.AGENT, agent, name, Kind.NOTE, body, cid)
    if (posted := _repeated(conversation, head, draft)) is not None:
        return posted
    return Posted(append(conn, conversation, draft, now), False, head.status, head.version)


def post_briefing(
    conn: Connection,
    conversation: str,
    *,
    escalation: str,
    briefing: Mapping[str, Any],
    now: datetime | None = None,
) -> Message:
    """The copilot's briefing: kept with the escalation and put into the log as a private row."""
    now = now or utc_now()
    e = tables.escalations
    conn.execute(update(e).where(e.c.id == escalation).values(briefing=dict(briefing)))
    draft = Draft(Author.BOT, "bot", "", Kind.BRIEFING, {**briefing, "escalation": escalation})
    return append(conn, conversation, draft, now)


def post_event(
    conn: Connection,
    conversation: str,
    event: str,
    zh: str,
    en: str,
    *,
    now: datetime | None = None,
    **data: Any,
) -> Message:
    """An `event` row without a change of state (for instance `rated`)."""
    return append_event(conn, conversation, event, zh, en, now or utc_now(), **data)


def move(
    conn: Connection,
    head: Conversation,
    to: Status,
    *,
    agent: str | None = None,
    by: str | None = None,
    now: datetime,
) -> Conversation:
    """Walk the state machine one step: new owner, version + 1. `agent` is set exactly when `to` is
    WITH_AGENT.

    Raises Conflict: `bad_transition` when the table has no such step, `stale` when another transaction was
    first.
    """
    if to not in TRANSITIONS[head.status] and not (head.status is to is Status.QUEUED):
        raise Conflict(
            "bad_transition",
            f"会话当前状态为 {head.status},不能变为 {to}。",
            f"The conversation is {head.status}; it cannot become {to}.",
        )
    c = tables.conversations.c
    done = conn.execute(
        update(tables.conversations)
        .where(c.id == head.id, c.version == head.version)
        .values(
            status=to,
            version=head.version + 1,
            agent=agent if to is Status.WITH_AGENT else None,
            last_activity=now,
            resolved=now if to is Status.RESOLVED else None,
            resolved_by=by if to is Status.RESOLVED else None,
        )
    )
    if done.rowcount != 1:
        raise Conflict(
            "stale", "会话刚被其他人更改,请刷新。", "The conversation has just changed; reload it."
        )
    return get(conn, head.id)


def mark_read(conn: Connection, conversation: str, *, seq: int, visitor: bool) -> int:
    """Everything up to `seq` was seen by the visitor (or else by the agents). Returns the mark, which never
    falls.
    """
    head = get(conn, conversation, lock=True)
    old = head.visitor_read_seq if visitor else head.agent_read_seq
    mark = min(max(seq, old), head.last_seq)
    if mark != old:
        conn.execute(
            update(tables.conversations)
            .where(tables.conversations.c.id == conversation)
            .values({"visitor_read_seq" if visitor else "agent_read_seq": mark})
        )
    return mark


def mark_judged(conn: Connection, conversation: str, seqs: Sequence[int]) -> None:
    """These visitor turns need no verdict any more (`verdicts.store` does this itself)."""
    m = tables.messages
    conn.execute(update(m).where(m.c.conversation == conversation, m.c.seq.in_(seqs)).values(judged=True))


def unjudged(conn: Connection, *, limit: int = 500) -> list[Message]:
    """Visitor turns that a crash left without a verdict, oldest first: judge them at start-up."""
    m = tables.messages
    rows = conn.execute(
        select(
            m.c.conversation, m.c.seq, m.c.id, m.c.cid, m.c.author, m.c.author_id, m.c.author_name,
            m.c.kind, m.c.body, m.c.created,
        )
        .where(m.c.judged.is_(False))
        .order_by(m.c.created, m.c.conversation, m.c.seq)
        .limit(limit)
    ).all()  # fmt: skip
    return [
        Message(
            row.conversation, row.seq, row.id, row.cid, Author(row.author), row.author_id, row.author_name,
            Kind(row.kind), row.body, from_ms(row.created),
        )
        for row in rows
    ]  # fmt: skip


def unanswered(conn: Connection, *, since: datetime, limit: int = 500) -> list[Conversation]:
    """Conversations with the bot whose last word is the visitor's, judged, not older than `since`.

    A crash between verdict and answer leaves these; at start-up the bot answers or writes `bot_failed`.
    """
    c, m = tables.conversations.c, tables.messages.c
    rows = conn.execute(
        select(tables.conversations)
        .join(tables.messages, (m.conversation == c.id) & (m.seq == c.last_seq))
        .where(
            c.status == Status.WITH_BOT,
            m.author == Author.VISITOR,
            m.judged.is_(True),
            m.created >= to_ms(since),
        )
        .order_by(m.created)
        .limit(limit)
    )
    return [_conversation(row) for row in rows]
