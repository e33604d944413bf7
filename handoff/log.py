"""The append-only log of a conversation: dense `seq`, allocated in the writer's transaction.

State changes are rows of this log too (`event`), so everybody sees them in the same order as the words
around them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
import uuid_utils
from sqlalchemy import Connection

from handoff import sql
from handoff.clock import from_ms, to_ms
from handoff.domain import PRIVATE_KINDS, Author, Kind, Message
from handoff.errors import Conflict, Invalid, NotFound
from handoff.protocol import MAX_TEXT

_ALLOWED_CONTROLS: Final = frozenset("\n\r\t")
_CONTROLS: Final = {code for code in (*range(32), *range(127, 160)) if chr(code) not in _ALLOWED_CONTROLS}
_NO_CONTROLS: Final = dict.fromkeys(_CONTROLS)
_COLUMNS: Final = "conversation, seq, id, cid, author, author_id, author_name, kind, body, created"
_BUMP: Final = (
    "UPDATE conversation SET last_seq = last_seq + 1, last_activity = ?"
    " WHERE id = ? RETURNING last_seq, workspace"
)
_INSERT: Final = (
    "INSERT INTO message (conversation, seq, id, workspace, cid, author, author_id, author_name, kind, body,"
    " body_hash, judged, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (conversation, author_id, cid) DO NOTHING"
)
MAX_PAGE: Final = 1_000  # rows of one read


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it has a place in the log. `judged=False` marks a visitor turn that waits for its
    verdict.
    """

    author: Author
    author_id: str
    author_name: str
    kind: Kind
    body: Mapping[str, Any]
    cid: str | None = None
    judged: bool = True


def new_id() -> str:
    """A UUIDv7 as text: unique, and rising with time."""
    return str(uuid_utils.uuid7())


def not_found() -> NotFound:
    """The conversation does not exist, or is another workspace's."""
    return NotFound("conversation_not_found", "找不到这个会话。", "There is no such conversation.")


def clean_text(text: object, *, limit: int = MAX_TEXT) -> str:
    """`text` if it can be stored as it is.

    Raises `Invalid`: `text_not_string`, `text_empty` (nothing but white space), `text_too_long` (over `limit`
    characters), `text_surrogate` (half of a UTF-16 pair), `text_control` (control characters other than tab
    and line ends).
    """
    if not isinstance(text, str):
        raise Invalid("text_not_string", "消息内容必须是文字。", "The message text must be a string.")
    if len(text) > limit:
        raise Invalid(
            "text_too_long",
            f"消息最多 {limit} 个字符,这条有 {len(text)} 个,请分成几条发送。",
            f"A message holds at most {limit} characters; this one has {len(text)}. Send it in parts.",
        )
    if not text or text.isspace():
        raise Invalid("text_empty", "消息是空的,请输入内容。", "The message is empty; type something.")
    try:
        text.encode()
    except UnicodeEncodeError as failure:
        raise Invalid(
            "text_surrogate",
            "消息里有不完整的字符,请重新输入。",
            "The message holds half a character (a lone surrogate); type it again.",
        ) from failure
    if not text.isprintable() and text.translate(_NO_CONTROLS) != text:
        raise Invalid(
            "text_control",
            "消息里有不可见的控制字符,请删除后再发送。",
            "The message holds control characters; remove them and send it again.",
        )
    return text


def body_hash(kind: str, body: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what a client sent, independent of the order of keys."""
    return hashlib.sha256(kind.encode() + b"\0" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def append(conn: Connection, conversation: str, draft: Draft, now: datetime) -> Message:
    """Put `draft` at the end of the log.

    Raises NotFound. The caller has looked whether (conversation, author, cid) is new.
    """
    row = sql.execute(conn, _BUMP, (sql.instant(conn, now), conversation)).fetchone()
    if row is None:
        raise not_found()
    message = insert(conn, conversation, row[1], row[0], draft, now)
    if message is None:
        raise Conflict(
            "stale", "会话刚被其他人更改,请刷新。", "The conversation has just changed; reload it."
        )
    return message


def insert(  # noqa: PLR0917 the hot path's innermost statement
    conn: Connection, conversation: str, workspace: str, seq: int, draft: Draft, now: datetime
) -> Message | None:
    """Store `draft` at the allocated `seq`; None when (conversation, author, cid) is taken."""
    encoded = orjson.dumps(draft.body, option=orjson.OPT_SORT_KEYS)
    digest = None
    if draft.cid is not None:
        digest = hashlib.sha256(draft.kind.encode() + b"\0" + encoded).hexdigest()
    message_id, created = new_id(), to_ms(now)
    done = sql.execute(
        conn,
        _INSERT,
        (
            conversation, seq, message_id, workspace, draft.cid, draft.author.value, draft.author_id,
            draft.author_name, draft.kind.value, encoded.decode(), digest, draft.judged, created,
        ),
    )  # fmt: skip
    if done.rowcount != 1:
        return None
    return Message(
        conversation, seq, message_id, draft.cid, draft.author, draft.author_id, draft.author_name,
        draft.kind, dict(draft.body), from_ms(created),
    )  # fmt: skip


def append_event(  # noqa: PLR0917 read like a sentence at two dozen places
    conn: Connection, conversation: str, event: str, zh: str, en: str, now: datetime, **data: Any
) -> Message:
    """A state change as a row that everyone sees: body `{"event", …data, "text_zh", "text_en"}`."""
    body = {"event": event, **data, "text_zh": zh, "text_en": en}
    return append(conn, conversation, Draft(Author.SYSTEM, "system", "", Kind.EVENT, body), now)


def _message(row: Any) -> Message:
    conversation, seq, ident, cid, author, author_id, author_name, kind, body, created = row
    return Message(
        conversation, seq, ident, cid, Author(author), author_id, author_name, Kind(kind), sql.loads(body),
        from_ms(created),
    )  # fmt: skip


def history(conn: Connection, conversation: str, *, after: int = 0, limit: int = 300) -> list[Message]:
    """Rows with seq > `after`, oldest first, at most `limit` (≤ 1,000)."""
    rows = sql.execute(
        conn,
        f"SELECT {_COLUMNS} FROM message WHERE conversation = ? AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 constant
        (conversation, after, min(limit, MAX_PAGE)),
    ).fetchall()
    return [_message(row) for row in rows]


def last_said(conn: Connection, conversation: str) -> str:
    """The visitor's last words; empty when they have not said anything."""
    row = sql.execute(
        conn,
        "SELECT body FROM message WHERE conversation = ? AND author = ? AND kind = ?"
        " ORDER BY seq DESC LIMIT 1",
        (conversation, Author.VISITOR.value, Kind.TEXT.value),
    ).fetchone()
    return "" if row is None else str(sql.loads(row[0]).get("text", ""))


def before(
    conn: Connection, conversation: str, *, before: int | None = None, limit: int = 50
) -> list[Message]:
    """The last `limit` rows (with seq < `before`, if given), oldest first: scrolling back."""
    upper = 2**31 - 1 if before is None else before
    rows = sql.execute(
        conn,
        f"SELECT {_COLUMNS} FROM message WHERE conversation = ? AND seq < ? ORDER BY seq DESC LIMIT ?",  # noqa: S608 constant
        (conversation, upper, min(limit, MAX_PAGE)),
    ).fetchall()
    return [_message(row) for row in reversed(rows)]


def row(conn: Connection, conversation: str, seq: int) -> Message | None:
    """One row, or None."""
    found = history(conn, conversation, after=seq - 1, limit=1)
    return found[0] if found and found[0].seq == seq else None


def tail(conn: Connection, conversation: str) -> int:
    """The seq of the last row, 0 for an unknown conversation: the cheap check of the loss detector."""
    found = sql.execute(conn, "SELECT last_seq FROM conversation WHERE id = ?", (conversation,)).fetchone()
    return 0 if found is None else int(found[0])


def for_visitor(message: Message) -> Message:
    """The row as its visitor may see it: private kinds become an empty shell, so that seq stays dense."""
    if message.kind not in PRIVATE_KINDS:
        return message
    return Message(
        message.conversation, message.seq, message.id, None, message.author, "", "", Kind.PRIVATE, {},
        message.created,
    )  # fmt: skip
