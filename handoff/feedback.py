"""Thumbs on the bot's answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from handoff import conversations, log, tables
from handoff.clock import utc_now
from handoff.domain import Author, Kind
from handoff.errors import Invalid


def give(
    conn: Connection, conversation: str, *, visitor: str, seq: int, helpful: bool, now: datetime | None = None
) -> None:
    """The visitor found the bot's answer at `seq` helpful or not; a later thumb replaces it.

    Raises Invalid(`not_an_answer`) when that row is no answer of the bot, NotFound.
    """
    head = conversations.get(conn, conversation, lock=True)
    if head.visitor != visitor:
        raise log.not_found()
    row = log.row(conn, conversation, seq)
    if row is None or row.author is not Author.BOT or row.kind is not Kind.TEXT:
        raise Invalid("not_an_answer", "只能评价机器人的回答。", "Only an answer of the bot can be rated.")
    f = tables.feedback
    conn.execute(delete(f).where(f.c.conversation == conversation, f.c.seq == seq))
    conn.execute(
        f.insert().values(
            conversation=conversation,
            seq=seq,
            workspace=head.workspace,
            helpful=helpful,
            created=now or utc_now(),
        )
    )


def of(conn: Connection, conversation: str) -> dict[int, bool]:
    """seq → helpful, for every answer with a thumb."""
    f = tables.feedback
    rows = conn.execute(select(f.c.seq, f.c.helpful).where(f.c.conversation == conversation))
    return {row.seq: bool(row.helpful) for row in rows}
