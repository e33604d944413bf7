"""The words of the field as values. No I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Who owns a conversation."""

    WITH_BOT = "with_bot"
    QUEUED = "queued"
    WITH_AGENT = "with_agent"
    RESOLVED = "resolved"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.WITH_BOT: frozenset({Status.QUEUED, Status.RESOLVED}),
    Status.QUEUED: frozenset({Status.WITH_AGENT, Status.WITH_BOT, Status.RESOLVED}),
    Status.WITH_AGENT: frozenset({Status.QUEUED, Status.WITH_BOT, Status.RESOLVED}),
    Status.RESOLVED: frozenset({Status.WITH_BOT}),
}


class Author(StrEnum):
    """Who wrote a row of the log."""

    VISITOR = "visitor"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class Kind(StrEnum):
    """What a row of the log is. `NOTE` and `BRIEFING` are private: visitors see a `PRIVATE` shell."""

    TEXT = "text"
    NOTE = "note"
    BRIEFING = "briefing"
    EVENT = "event"
    BOT_FAILED = "bot_failed"
    PRIVATE = "private"


PRIVATE_KINDS = frozenset({Kind.NOTE, Kind.BRIEFING})


class Role(StrEnum):
    """What an account may do; see `handoff.auth.authorise`."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    EDITOR = "editor"
    ADMIN = "admin"


class Availability(StrEnum):
    """What an agent says of themselves; `offline` also follows from a lapsed lease."""

    ONLINE = "online"
    BUSY = "busy"
    AWAY = "away"
    OFFLINE = "offline"


class EntryState(StrEnum):
    """Life of a queue entry."""

    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Message:
    """One row of a conversation's log; `seq` is dense from 1 within the conversation."""

    conversation: str
    seq: int
    id: str
    cid: str | None
    author: Author
    author_id: str
    author_name: str
    kind: Kind
    body: dict[str, Any]
    created: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """Head of a conversation; `version` rises with each change of ownership (fencing token)."""

    id: str
    workspace: str
    inbox: str
    visitor: str
    status: Status
    version: int
    last_seq: int
    agent: str | None
    language: str
    attributes: dict[str, Any]
    opened: datetime
    last_activity: datetime
    resolved: datetime | None
    resolved_by: str | None
    offered_person: bool = False
    visitor_read_seq: int = 0
    agent_read_seq: int = 0


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A conversation waiting for a person."""

    id: str
    conversation: str
    escalation: str
    queue: str
    skills: frozenset[str]
    language: str
    priority: int
    state: EntryState
    offered_to: str | None
    offer_expires: datetime | None
    enqueued: datetime
    declined_by: frozenset[str] = field(default_factory=frozenset)
    direct_to: str | None = None  # a transfer to one agent
    workspace: str = "default"


@dataclass(frozen=True, slots=True)
class AgentState:
    """What routing needs to know of an agent."""

    id: str
    name: str
    skills: frozenset[str]
    languages: tuple[str, ...]  # the one they work in best comes first
    queues: frozenset[str]
    capacity: int
    active: int
    availability: Availability
    idle_since: datetime
    connected: bool = True  # False: the last socket is gone, and only a reload keeps the lease


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """An offer is over for `agent`; `why` is accepted, taken, expired, declined or withdrawn, `by` the
    winner's name.
    """

    conversation: str
    entry: str
    agent: str
    why: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """An entry is offered to `agent` until `expires`, because of `why_zh`/`why_en`."""

    conversation: str
    entry: str
    escalation: str
    agent: str
    expires: datetime
    why_zh: str
    why_en: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one use case did, for whoever must tell the sockets: publish `rows`, then the head, then ended
    offers.

    `changed` is False when the call found everything already as asked (then `rows` is empty).
    """

    conversation: Conversation
    rows: tuple[Message, ...] = ()
    changed: bool = True
    escalation: str | None = None
    entry: str | None = None
    ended: tuple[OfferEnded, ...] = ()
    nobody_available: bool = False
