"""Escalations as records: one for each time a conversation was handed to people, from request to outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from handoff import queues, tables
from handoff.clock import elapsed_ms
from handoff.domain import Conversation, EntryState, OfferEnded
from handoff.errors import Invalid, NotFound
from handoff.log import new_id

JUDGEMENTS: Final = frozenset({"right", "needless", "too_late"})


def insert(conn: Connection, head: Conversation, now: datetime, **fields: Any) -> str:
    """A new escalation; `fields` are the remaining columns. Returns its id."""
    ident = new_id()
    conn.execute(
        tables.escalations.insert().values(
            id=ident, workspace=head.workspace, conversation=head.id, requested=now, **fields
        )
    )
    return ident


def insert_entry(conn: Connection, head: Conversation, now: datetime, **fields: Any) -> str:
    """A new waiting entry; `fields` are the remaining columns. Returns its id."""
    ident = new_id()
    conn.execute(
        tables.queue_entries.insert().values(
            id=ident,
            workspace=head.workspace,
            conversation=head.id,
            language=head.language,
            state=EntryState.WAITING,
            enqueued=now,
            declined_by=[],
            **fields,
        )
    )
    return ident


def open_escalation(conn: Connection, conversation: str) -> str | None:
    """Id of the escalation that is not ended, or None."""
    e = tables.escalations.c
    return conn.execute(
        select(e.id)
        .where(e.conversation == conversation, e.ended.is_(None))
        .order_by(e.requested.desc())
        .limit(1)
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


def end(
    conn: Connection, conversation: str, outcome: str, now: datetime
) -> tuple[str | None, tuple[OfferEnded, ...]]:
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


def judge(conn: Connection, *, workspace: str, escalation: str, judgement: str) -> None:
    """The agent's opinion of an escalation: right, needless or too_late. Invalid(`bad_judgement`),
    NotFound.
    """
    if judgement not in JUDGEMENTS:
        raise Invalid(
            "bad_judgement",
            "评价须为 right、needless 或 too_late。",
            "A judgement is right, needless or too_late.",
        )
    get(conn, workspace, escalation)
    e = tables.escalations
    conn.execute(update(e).where(e.c.id == escalation).values(judgement=judgement))
