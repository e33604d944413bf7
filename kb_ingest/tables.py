"""The tables of the kb_ingest package, the same on SQLite and PostgreSQL: the truth that every index is built
from.

Every row carries its workspace. Instants are aware UTC. Vectors are float32, little-endian, rows of the
embedder's dimension one after the other.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
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


# `number` grows with every change of a workspace's knowledge: how other processes notice that theirs is old.
revision = Table(
    "kb_revision",
    metadata,
    Column("workspace", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
)

collection = Table(
    "kb_collection",
    metadata,
    Column("workspace", String(64), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("created", UtcDateTime, nullable=False),
)

document = Table(
    "kb_document",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace", String(64), nullable=False),
    Column("collection", String(120), nullable=False),
    Column("path", String(1000), nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("language", String(8), nullable=False),
    Column("status", String(16), nullable=False),  # draft · review · published · archived
    Column("version", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("embedder", String(200), nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # of the title
    Column("effective", UtcDateTime),
    Column("expires", UtcDateTime),
    Column("created", UtcDateTime, nullable=False),
    Column("updated", UtcDateTime, nullable=False),
    UniqueConstraint("workspace", "collection", "path"),
    Index("ix_kb_document_workspace_status", "workspace", "status"),
)

version = Table(
    "kb_version",
    metadata,
    Column("document", String(36), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("workspace", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

chunk = Table(
    "kb_chunk",
    metadata,
    Column(
        "id", String(64), primary_key=True
    ),  # document, version and ordinal: never used again for other text
    Column("workspace", String(64), nullable=False),
    Column("document", String(36), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("heading", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("lead", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("words", JSON, nullable=False),  # word → weight, as kb_ingest.keyword.weigh gives them
    Column("length", Integer, nullable=False),  # in words
    Column("vectors", LargeBinary, nullable=False),
    Index("ix_kb_chunk_workspace_document", "workspace", "document"),
)

# Apart from the chunks: 96 bytes a word piece, read only for the few chunks that may answer a question.
chunk_tokens = Table(
    "kb_chunk_tokens",
    metadata,
    Column("chunk", String(64), primary_key=True),
    Column("document", String(36), nullable=False),
    Column("tokens", LargeBinary, nullable=False),
    Index("ix_kb_chunk_tokens_document", "document"),
)
