"""Messages that visitors leave when nobody is at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from handoff import tables
from handoff.domain import Conversation
from handoff.errors import Invalid, NotFound
from handoff.log import clean_text, new_id

MAX_CONTACT: Final = 320


@dataclass(frozen=True, slots=True)
class LeftMessage:
    """What a visitor asked the team to answer later; `state` is open or done."""

    id: str
    conversation: str
    visitor: str
    contact: str
    text: str
    state: str
    created: datetime


def _left(row: Any) -> LeftMessage:
    return LeftMessage(row.id, row.conversation, row.visitor, row.contact, row.text, row.state, row.created)


def create(conn: Connection, head: Conversation, *, contact: str, text: str, now: datetime) -> LeftMessage:
    """Store it; called by `escalation.leave_message`. Invalid(`contact_empty`, `contact_too_long`,
    `text_…`).
    """
    contact = contact.strip()
    if not contact:
        raise Invalid(
            "contact_empty", "请留下电话或邮箱,方便我们联系您。", "Leave a phone number or an e-mail address."
        )
    if len(contact) > MAX_CONTACT:
        raise Invalid("contact_too_long", "联系方式过长。", "The contact is too long.")
    message = LeftMessage(new_id(), head.id, head.visitor, clean_text(contact), clean_text(text), "open", now)
    conn.execute(
        tables.left_messages.insert().values(
            id=message.id,
            workspace=head.workspace,
            conversation=head.id,
            visitor=head.visitor,
            contact=message.contact,
            text=message.text,
            state="open",
            created=now,
        )
    )
    return message


def all_of(conn: Connection, workspace: str, *, limit: int = 200) -> list[LeftMessage]:
    """The workspace's left messages: open ones first, newest first."""
    m = tables.left_messages
    rows = conn.execute(
        select(m)
        .where(m.c.workspace == workspace)
        .order_by(m.c.state.desc(), m.c.created.desc())
        .limit(limit)
    )
    return [_left(row) for row in rows]


def finish(conn: Connection, workspace: str, ident: str) -> LeftMessage:
    """Mark it done; NotFound(`left_message_not_found`)."""
    m = tables.left_messages
    where = (m.c.id == ident, m.c.workspace == workspace)
    conn.execute(update(m).where(*where).values(state="done"))
    row = conn.execute(select(m).where(*where)).one_or_none()
    if row is None:
        raise NotFound("left_message_not_found", "找不到这条留言。", "There is no such message.")
    return _left(row)
