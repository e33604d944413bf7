"""One turn as it stands in the database: the question, what was said before, and who owns the
conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from bot.answers import Question
from bot.settings import Settings
from bot.textparts import language_of
from handoff import agents, conversations, inboxes, log, tables, verdicts
from handoff.clock import utc_now
from handoff.domain import Author, Conversation, Kind, Message
from handoff.emotion_text import Exchange
from handoff.inboxes import Inbox

LOOK_BACK = 60  # rows


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict that is stored already (the turn was cut off after it)."""

    decision: str
    rule: str


@dataclass(frozen=True, slots=True)
class TurnState:
    """Everything that judging and answering need, read in one snapshot."""

    head: Conversation
    inbox: Inbox
    message: Message
    question: Question
    answered_before: tuple[bool, ...]
    trajectory: Mapping[str, Any] | None
    human_available: bool
    decided: Decided | None
    closed: bool  # the bot's answer stands in the log already


def load_turn(conn: Connection, conversation: str, seq: int, settings: Settings) -> TurnState | None:
    """The turn of the visitor's message `seq`; None when that row is not a visitor's text."""
    message = log.row(conn, conversation, seq)
    if message is None or message.author is not Author.VISITOR or message.kind is not Kind.TEXT:
        return None
    head = conversations.get(conn, conversation)
    inbox = inboxes.get(conn, head.inbox)
    rows = log.before(conn, conversation, before=seq, limit=LOOK_BACK)
    text = str(message.body["text"])
    history = exchanges(rows)[-settings.history_turns :] if settings.history_turns else ()
    before = verdicts.latest(conn, conversation, before=seq)
    v = tables.verdicts.c
    own = conn.execute(
        select(v.decision, v.rule).where(v.conversation == conversation, v.seq == seq)
    ).one_or_none()
    m = tables.messages.c
    answer = select(m.seq).where(
        m.conversation == conversation, m.author_id == "bot", m.cid == f"answer:{seq}"
    )
    return TurnState(
        head=head,
        inbox=inbox,
        message=message,
        question=Question(text, language_of(text, head.language), tuple(history), inbox.collections),
        answered_before=answered(rows),
        trajectory=before.trajectory if before else None,
        human_available=agents.anyone_for(conn, head.workspace, inbox.queue, utc_now()),
        decided=Decided(own.decision, own.rule) if own else None,
        closed=conn.execute(answer).first() is not None,
    )


def exchanges(rows: Sequence[Message]) -> tuple[Exchange, ...]:
    """Visitor turns with what they were answered, by bot or agent, oldest first."""
    found: list[Exchange] = []
    for row in rows:
        if row.kind is not Kind.TEXT:
            continue
        text = str(row.body.get("text", ""))
        if row.author is Author.VISITOR:
            found.append(Exchange(text, ""))
        elif found and row.author in {Author.BOT, Author.AGENT}:
            last = found[-1]
            found[-1] = Exchange(last.user, f"{last.reply}\n{text}".strip())
    return tuple(found)


def answered(rows: Sequence[Message]) -> tuple[bool, ...]:
    """For each turn that was looked up (small talk is not), oldest first: did the bot answer it?"""
    return tuple(
        bool(row.body.get("answered", True))
        for row in rows
        if row.author is Author.BOT and row.kind is Kind.TEXT and row.body.get("source") != "smalltalk"
    )
