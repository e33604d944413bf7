"""What a drill must not find: the log against what visitors and agents saw, and against its own rules. Pure,
but for reading the log.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, select

from handoff import tables
from handoff.protocol import Ack, Msg

AFTER: Final = {  # event row → who owns the conversation after it
    "opened": "with_bot", "reopened": "with_bot", "returned_to_bot": "with_bot", "queued": "queued",
    "requeued": "queued", "assigned": "with_agent", "resolved": "resolved",
}  # fmt: skip
BY_HAND: Final = frozenset({"transfer", "manual", "request"})  # escalations that may come without a verdict
PRIVATE: Final = frozenset({"note", "briefing"})


@dataclass(frozen=True, slots=True)
class Log:
    """Everything that the server stored, by conversation."""

    heads: Mapping[str, Any]
    rows: Mapping[str, list[Any]]
    verdicts: Mapping[str, list[Any]]
    escalations: Mapping[str, list[Any]]
    entries: Mapping[str, list[Any]]


@dataclass(slots=True)
class Seen:
    """One side of one conversation.

    Attributes:
        who: "visitor" or the agent's id.
        rows: its transcript.
        acked: what was acknowledged to it, by cid.
        asked: how often this visitor pressed "talk to a person".
    """

    who: str
    conversation: str
    rows: Sequence[Msg]
    acked: Mapping[str, Ack] = field(default_factory=dict)
    asked: int = 0


def read_log(conn: Connection) -> Log:
    """The whole log."""

    def grouped(query: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for row in conn.execute(query):
            found[row.conversation].append(row)
        return found

    m, v, e, q = tables.messages, tables.verdicts, tables.escalations, tables.queue_entries
    return Log(
        {row.id: row for row in conn.execute(select(tables.conversations))},
        grouped(select(m).order_by(m.c.conversation, m.c.seq)),
        grouped(select(v).order_by(v.c.conversation, v.c.seq)),
        grouped(select(e).order_by(e.c.requested)),
        grouped(select(q).order_by(q.c.enqueued)),
    )


def violations(log: Log, seen: Iterable[Seen]) -> list[str]:
    """Everything that is wrong, one sentence each; empty when the promises were kept."""
    found = []
    for conversation, rows in log.rows.items():
        for check in (_dense, _one_owner, _every_turn_judged, _escalated_once):
            found += [f"{conversation}: {wrong}" for wrong in check(log, conversation, rows)]
    for side in seen:
        who = "visitor" if side.who == "visitor" else f"agent {side.who}"
        found += [f"{side.conversation} ({who}): {wrong}" for wrong in _same(log, side)]
    return found


def _dense(log: Log, conversation: str, rows: Sequence[Any]) -> Iterator[str]:
    seqs = [row.seq for row in rows]
    if seqs != list(range(1, len(seqs) + 1)):
        yield f"the log has holes: {seqs}"
    if log.heads[conversation].last_seq != len(rows):
        yield f"last_seq is {log.heads[conversation].last_seq}, rows are {len(rows)}"
    said = Counter((row.author_id, row.cid) for row in rows if row.cid)
    yield from (f"cid {cid} of {who} stands {n} times" for (who, cid), n in said.items() if n > 1)


def owners(rows: Sequence[Any]) -> Iterator[tuple[Any, str, str | None]]:
    """Each row with the status and the agent that held *before* it."""
    status, agent = "", None
    for row in rows:
        yield row, status, agent
        event = row.body.get("event") if row.kind == "event" else None
        if event in AFTER:
            status = AFTER[event]
            agent = row.body.get("agent") if event == "assigned" else None


def _one_owner(log: Log, conversation: str, rows: Sequence[Any]) -> Iterator[str]:
    version, status, agent = 0, "", None
    for row, held, by in owners(rows):
        event = row.body.get("event") if row.kind == "event" else None
        if row.author == "bot" and row.kind == "text" and held != "with_bot":
            yield f"row {row.seq}: the bot speaks while the conversation is {held}"
        if row.author == "agent" and row.kind == "text" and (held, by) != ("with_agent", row.author_id):
            yield f"row {row.seq}: {row.author_id} speaks while it is {held} of {by}"
        if event == "assigned" and held != "queued":
            yield f"row {row.seq}: assigned while it is {held}"
        if event in AFTER:
            version += 1
            status, agent = AFTER[event], row.body.get("agent") if event == "assigned" else None
    head = log.heads[conversation]
    if (head.version, head.status, head.agent) != (version, status, agent):
        yield (
            f"the head says version {head.version} {head.status} {head.agent},"
            f" the rows say {version} {status} {agent}"
        )


def _every_turn_judged(log: Log, conversation: str, rows: Sequence[Any]) -> Iterator[str]:
    judged = Counter(verdict.seq for verdict in log.verdicts.get(conversation, ()))
    for row, held, _ in owners(rows):
        if row.author != "visitor" or row.kind != "text":
            continue
        if not row.judged:
            yield f"turn {row.seq} was never judged"
        elif held == "with_bot" and judged[row.seq] != 1:
            yield f"turn {row.seq} has {judged[row.seq]} verdicts"
        answers = [one for one in rows if one.cid == f"answer:{row.seq}" and one.author == "bot"]
        if len(answers) > 1:
            yield f"turn {row.seq} was answered {len(answers)} times"


def _escalated_once(log: Log, conversation: str, rows: Sequence[Any]) -> Iterator[str]:
    """Verdicts that escalate, `queued` rows, escalations and queue entries belong together one to one."""
    stored = log.escalations.get(conversation, [])
    queued = {row.body["escalation"]: row for row in rows if row.body.get("event") == "queued"}
    told = Counter(row.body["escalation"] for row in rows if row.body.get("event") == "queued")
    entries = Counter(entry.escalation for entry in log.entries.get(conversation, ()))
    for escalation in stored:
        if (told[escalation.id], entries[escalation.id]) != (1, 1):
            yield (
                f"escalation {escalation.id} has {told[escalation.id]} queued rows"
                f" and {entries[escalation.id]} queue entries"
            )
    unknown = (set(told) | set(entries)) - {one.id for one in stored}
    yield from (f"escalation {one} is told of but not stored" for one in unknown)
    still = sum(one.ended is None for one in stored)
    if still != (log.heads[conversation].status in {"queued", "with_agent"}):
        yield f"{still} escalations are open while it is {log.heads[conversation].status}"
    yield from _verdicts_escalated(log, conversation, rows, sorted(queued.values(), key=lambda row: row.seq))


def _verdicts_escalated(
    log: Log, conversation: str, rows: Sequence[Any], queued: Sequence[Any]
) -> Iterator[str]:
    """Each escalating verdict has one `queued` row of its own rule; or somebody was called before it."""
    free = list(queued)
    answered = {row.cid: row.seq for row in rows if row.author == "bot" and row.cid}
    for verdict in log.verdicts.get(conversation, ()):
        if verdict.decision != "escalate":
            continue
        own = next((row for row in free if row.seq > verdict.seq and row.body["rule"] == verdict.rule), None)
        if own is not None:
            free.remove(own)
        elif not any(_away(rows, verdict.seq)):
            yield f"turn {verdict.seq} was to be escalated ({verdict.rule}) and nobody was called"
        if f"answer:{verdict.seq}" in answered:
            yield f"turn {verdict.seq} was to be escalated and the bot answered it"
    yield from (
        f"row {row.seq} calls a person ({row.body['rule']}) without a verdict"
        for row in free
        if row.body["rule"] not in BY_HAND
    )


def _away(rows: Sequence[Any], seq: int) -> Iterator[bool]:
    """Whether the conversation left the bot after turn `seq` had come."""
    yield from (held not in {"", "with_bot"} for row, held, _ in owners(rows) if row.seq > seq)
    yield bool(rows) and rows[-1].body.get("event") in {"queued", "resolved"}


def _same(log: Log, side: Seen) -> Iterator[str]:
    stored = log.rows.get(side.conversation, [])
    if [row.seq for row in side.rows] != list(range(1, len(side.rows) + 1)):
        yield f"the transcript has holes or repeats: {[row.seq for row in side.rows]}"
    wanted = len(stored) if side.who == "visitor" else _owned_until(stored, side.who)
    if len(side.rows) < wanted:
        yield f"saw {len(side.rows)} of {wanted} rows"
    for row, truth in zip(side.rows, stored, strict=False):
        if _told(row) != _stored(truth, visitor=side.who == "visitor"):
            yield f"row {truth.seq} differs: {_told(row)} is not {_stored(truth, visitor=True)}"
    if side.who == "visitor":
        yield from _asked(log, side, stored)
    by_cid = {row.cid: row for row in stored if row.cid and row.author in {"visitor", "agent"}}
    for cid, ack in side.acked.items():
        kept = by_cid.get(cid)
        if kept is None:
            yield f"message {cid} was acknowledged and is lost"
        elif (kept.seq, kept.id) != (ack.seq, ack.id):
            yield f"message {cid} was acknowledged as row {ack.seq} and is row {kept.seq}"


def _asked(log: Log, side: Seen, rows: Sequence[Any]) -> Iterator[str]:
    called = sum(row.body.get("event") == "queued" and row.body["rule"] == "request" for row in rows)
    judged = sum(
        verdict.decision == "escalate" and verdict.rule == "request"
        for verdict in log.verdicts.get(side.conversation, ())
    )
    if called > judged + side.asked:
        yield f"called a person {called} times, {judged} verdicts and {side.asked} presses asked for it"


def _owned_until(rows: Sequence[Any], agent: str) -> int:
    """The last row that was written while the agent had the conversation; 0 if never."""
    return max((row.seq for row, held, by in owners(rows) if held == "with_agent" and by == agent), default=0)


def _told(row: Msg) -> tuple[Any, ...]:
    return (row.seq, row.id, row.from_, row.kind, row.body.get("text"), row.body.get("event"))


def _stored(row: Any, *, visitor: bool) -> tuple[Any, ...]:
    if visitor and row.kind in PRIVATE:
        return (row.seq, row.id, row.author, "private", None, None)
    return (row.seq, row.id, row.author, row.kind, row.body.get("text"), row.body.get("event"))
