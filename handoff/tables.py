"""The tables of the handoff package, the same on SQLite and PostgreSQL.

Every row carries its workspace. Instants are aware UTC, durations integer milliseconds.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps it without the offset, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC instant."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id() -> Column[str]:
    return Column("id", String(36), primary_key=True)


def _workspace() -> Column[str]:
    return Column("workspace", String(36), nullable=False, index=True)


meta = Table(  # one row per key: epoch, …
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

workspaces = Table(
    "workspace",
    metadata,
    _id(),
    Column("name", String(200), nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

inboxes = Table(
    "inbox",
    metadata,
    _id(),
    _workspace(),
    Column("name", String(200), nullable=False),
    Column("allowed_origins", JSON, nullable=False),  # list of scheme://host[:port], or ["*"] for the demo
    Column("languages", JSON, nullable=False),  # ["zh-CN", "en"], the first is the default
    Column("collections", JSON, nullable=False),  # knowledge collections by name
    Column("queue", String(36), nullable=False),
    Column("policy", JSON, nullable=False),  # escalation policy overrides
    Column("texts", JSON, nullable=False),  # {"zh-CN": {"title", "greeting", "suggestions"}, "en": …}
    Column("look", JSON, nullable=False),  # {"color", "position", "theme"}
    Column("identity_secret", String(128)),
    Column("created", UtcDateTime, nullable=False),
)

visitors = Table(
    "visitor",
    metadata,
    _id(),
    _workspace(),
    Column("inbox", String(36), nullable=False),
    Column("secret_hash", String(64), nullable=False),  # SHA-256 of the 256-bit secret
    Column("external_id", String(200)),  # from a verified identity
    Column("verified", Boolean, nullable=False, default=False),
    Column("name", String(200)),
    Column("email", String(320)),
    Column("phone", String(64)),
    Column("tier", String(32)),
    Column("attributes", JSON, nullable=False, default=dict),
    Column("created", UtcDateTime, nullable=False),
    Column("last_seen", UtcDateTime, nullable=False),
    UniqueConstraint("workspace", "inbox", "external_id"),
)

conversations = Table(
    "conversation",
    metadata,
    _id(),
    _workspace(),
    Column("inbox", String(36), nullable=False),
    Column("visitor", String(36), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("last_seq", Integer, nullable=False, default=0),
    Column("agent", String(36), index=True),
    Column("language", String(16), nullable=False),
    Column("attributes", JSON, nullable=False, default=dict),
    Column("offered_person", Boolean, nullable=False, default=False),  # the bot offered a person once
    Column("opened", UtcDateTime, nullable=False),
    Column("last_activity", UtcDateTime, nullable=False),
    Column("resolved", UtcDateTime),
    Column("resolved_by", String(36)),
    Column("visitor_read_seq", Integer, nullable=False, default=0),
    Column("agent_read_seq", Integer, nullable=False, default=0),
    Index("ix_conversation_list", "workspace", "status", "last_activity"),
)

messages = Table(
    "message",
    metadata,
    Column("conversation", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("workspace", String(36), nullable=False),
    Column("cid", String(64)),
    Column("author", String(16), nullable=False),
    Column("author_id", String(36), nullable=False),
    Column("author_name", String(200), nullable=False, default=""),
    Column("kind", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("body_hash", String(64)),  # same cid and hash: a repeat; another hash: a conflict
    Column("judged", Boolean, nullable=False, default=True),  # False: a turn without a verdict
    Column("created", BigInteger, nullable=False),  # ms since 1970; an integer keeps the hot path cheap
    UniqueConstraint("conversation", "author_id", "cid"),
    Index("ix_message_unjudged", "judged"),
)

verdicts = Table(  # one per judged visitor turn, also when it says "answer"
    "verdict",
    metadata,
    Column("conversation", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("workspace", String(36), nullable=False),
    Column("decision", String(16), nullable=False),  # answer | offer | escalate
    Column("rule", String(32), nullable=False),
    Column("score", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("negative", Float, nullable=False),
    Column("level", Float, nullable=False),
    Column("label", String(32), nullable=False),
    Column("intensity", Float, nullable=False),
    Column("evidence", JSON, nullable=False),  # [{"start", "end", "text"}]
    Column("signals", JSON, nullable=False),  # contributions, nearest misses, policy version
    Column("trajectory", JSON, nullable=False),  # state to continue from at the next turn
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

queues = Table(
    "queue",
    metadata,
    _id(),
    _workspace(),
    Column("name", String(200), nullable=False),
    Column("skills", JSON, nullable=False, default=list),
    Column("offer_ms", Integer, nullable=False, default=30_000),
    Column("created", UtcDateTime, nullable=False),
)

escalations = Table(
    "escalation",
    metadata,
    _id(),
    _workspace(),
    Column("conversation", String(36), nullable=False, index=True),
    Column("rule", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("negative", Float, nullable=False),
    Column("briefing", JSON),
    Column("requested", UtcDateTime, nullable=False),
    Column("accepted", UtcDateTime),
    Column("accepted_by", String(36)),
    Column("ended", UtcDateTime),
    Column("outcome", String(32)),  # resolved | returned_to_bot | transferred | abandoned | left_message
    Column("wait_ms", Integer),
    Column("handle_ms", Integer),
    Column("judgement", String(16)),  # right | needless | too_late
    Index("ix_escalation_requested", "workspace", "requested"),
)

queue_entries = Table(
    "queue_entry",
    metadata,
    _id(),
    _workspace(),
    Column("queue", String(36), nullable=False),
    Column("conversation", String(36), nullable=False, index=True),
    Column("escalation", String(36), nullable=False),
    Column("skills", JSON, nullable=False, default=list),
    Column("language", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("offered_to", String(36)),
    Column("offer_expires", UtcDateTime),
    Column("enqueued", UtcDateTime, nullable=False),
    Column("declined_by", JSON, nullable=False, default=list),
    Column("direct_to", String(36)),  # transfer to one agent
    Index("ix_queue_entry_open", "workspace", "state", "enqueued"),
)

agents = Table(
    "agent",
    metadata,
    _id(),
    _workspace(),
    Column("email", String(320), nullable=False),
    Column("name", String(200), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("skills", JSON, nullable=False, default=list),
    Column("languages", JSON, nullable=False, default=list),
    Column("queues", JSON, nullable=False, default=list),
    Column("capacity", Integer, nullable=False, default=4),
    Column("availability", String(16), nullable=False, default="offline"),
    Column("availability_since", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("idle_since", UtcDateTime, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("failed_logins", Integer, nullable=False, default=0),
    Column("locked_until", UtcDateTime),
    Column("created", UtcDateTime, nullable=False),
    UniqueConstraint("workspace", "email"),
)

sessions = Table(  # signed-in agents
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    _workspace(),
    Column("agent", String(36), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime, nullable=False),
)

socket_tickets = Table(  # single use: taken by DELETE … RETURNING
    "socket_ticket",
    metadata,
    Column("ticket_hash", String(64), primary_key=True),
    _workspace(),
    Column("principal", String(16), nullable=False),  # visitor | agent
    Column("principal_id", String(36), nullable=False),
    Column("origin", String(300)),
    Column("expires", UtcDateTime, nullable=False),
)

left_messages = Table(
    "left_message",
    metadata,
    _id(),
    _workspace(),
    Column("conversation", String(36), nullable=False),
    Column("visitor", String(36), nullable=False),
    Column("contact", String(320), nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(16), nullable=False, default="open"),
    Column("created", UtcDateTime, nullable=False),
)

ratings = Table(
    "rating",
    metadata,
    Column("conversation", String(36), primary_key=True),
    _workspace(),
    Column("score", Integer, nullable=False),  # 1..5
    Column("comment", Text, nullable=False, default=""),
    Column("created", UtcDateTime, nullable=False),
)

feedback = Table(  # thumbs on a bot answer
    "feedback",
    metadata,
    Column("conversation", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _workspace(),
    Column("helpful", Boolean, nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

canned_replies = Table(
    "canned_reply",
    metadata,
    _id(),
    _workspace(),
    Column("short_code", String(64), nullable=False),
    Column("language", String(16), nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("workspace", "short_code", "language"),
)

audit_entries = Table(
    "audit_entry",
    metadata,
    _id(),
    _workspace(),
    Column("actor", String(36), nullable=False),
    Column("action", String(64), nullable=False),
    Column("resource", String(200), nullable=False),
    Column("detail", JSON, nullable=False, default=dict),
    Column("created", UtcDateTime, nullable=False),
)
