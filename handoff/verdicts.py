"""Verdicts: what was decided about each customer turn, and why; also when the decision was to stay with the
bot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from handoff import conversations, tables
from handoff.clock import utc_now


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """One row of `verdict`. `evidence` is [{"start", "end", "text"}], `trajectory` the state for the next
    turn.
    """

    conversation: str
    seq: int
    workspace: str
    decision: str
    rule: str
    score: float
    threshold: float
    negative: float
    level: float
    label: str
    intensity: float
    evidence: Sequence[Mapping[str, Any]]
    signals: Mapping[str, Any]
    trajectory: Mapping[str, Any]
    reason_zh: str
    reason_en: str
    created: datetime


_NAMES = tuple(field.name for field in fields(StoredVerdict))


def store(
    conn: Connection,
    *,
    conversation: str,
    seq: int,
    decision: str,
    rule: str,
    score: float,
    threshold: float,
    negative: float,
    level: float,
    label: str,
    intensity: float,
    evidence: Sequence[Mapping[str, Any]],
    signals: Mapping[str, Any],
    trajectory: Mapping[str, Any],
    reason_zh: str,
    reason_en: str,
    now: datetime | None = None,
) -> bool:
    """Store the verdict on row `seq` and mark the row judged. Returns False when it already had one (kept
    as it is).
    """
    head = conversations.get(conn, conversation, lock=True)
    v = tables.verdicts
    conversations.mark_judged(conn, conversation, [seq])
    known = conn.execute(select(v.c.seq).where(v.c.conversation == conversation, v.c.seq == seq)).first()
    if known is not None:
        return False
    conn.execute(
        v.insert().values(
            conversation=conversation,
            seq=seq,
            workspace=head.workspace,
            decision=decision,
            rule=rule,
            score=score,
            threshold=threshold,
            negative=negative,
            level=level,
            label=label,
            intensity=intensity,
            evidence=[dict(span) for span in evidence],
            signals=dict(signals),
            trajectory=dict(trajectory),
            reason_zh=reason_zh,
            reason_en=reason_en,
            created=now or utc_now(),
        )
    )
    return True


def _stored(row: Any) -> StoredVerdict:
    return StoredVerdict(**{name: getattr(row, name) for name in _NAMES})


def of(conn: Connection, conversation: str) -> list[StoredVerdict]:
    """All verdicts of a conversation by seq."""
    v = tables.verdicts
    rows = conn.execute(select(v).where(v.c.conversation == conversation).order_by(v.c.seq))
    return [_stored(row) for row in rows]


def latest(conn: Connection, conversation: str, *, before: int | None = None) -> StoredVerdict | None:
    """The last verdict (of a row before `before`): its `trajectory` is where the next turn continues."""
    v = tables.verdicts
    query = select(v).where(v.c.conversation == conversation)
    if before is not None:
        query = query.where(v.c.seq < before)
    row = conn.execute(query.order_by(v.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _stored(row)
