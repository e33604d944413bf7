"""Ratings of finished conversations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from handoff import conversations, tables
from handoff.clock import utc_now
from handoff.domain import Change, Status
from handoff.errors import Conflict, Invalid
from handoff.log import append_event, clean_text, not_found


@dataclass(frozen=True, slots=True)
class Rating:
    """1 (bad) to 5 (good), with the visitor's words if any."""

    conversation: str
    score: int
    comment: str
    created: datetime


def rate(
    conn: Connection,
    conversation: str,
    *,
    visitor: str,
    score: int,
    comment: str = "",
    now: datetime | None = None,
) -> Change:
    """Rate a resolved conversation; a second rating replaces the first.

    Raises Invalid(`bad_score`), Conflict(`not_resolved`), NotFound.
    """
    now = now or utc_now()
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
        raise Invalid("bad_score", "评分须为 1 到 5 的整数。", "A score is a whole number from 1 to 5.")
    if comment.strip():
        clean_text(comment)
    head = conversations.get(conn, conversation, lock=True)
    if head.visitor != visitor:
        raise not_found()
    if head.status is not Status.RESOLVED:
        raise Conflict("not_resolved", "会话结束后才能评价。", "A conversation is rated after it has ended.")
    r = tables.ratings
    first = of(conn, conversation) is None
    conn.execute(delete(r).where(r.c.conversation == conversation))
    conn.execute(
        r.insert().values(
            conversation=conversation,
            workspace=head.workspace,
            score=score,
            comment=comment.strip(),
            created=now,
        )
    )
    if not first:
        return Change(head)
    row = append_event(conn, conversation, "rated", f"评分:{score}/5", f"Rating: {score}/5", now, score=score)
    return Change(conversations.get(conn, conversation), (row,))


def of(conn: Connection, conversation: str) -> Rating | None:
    """The conversation's rating, or None."""
    r = tables.ratings
    row = conn.execute(select(r).where(r.c.conversation == conversation)).one_or_none()
    return None if row is None else Rating(row.conversation, row.score, row.comment, row.created)
