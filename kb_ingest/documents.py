"""Units over a connection: documents, their versions and chunks. Each changes the workspace's revision."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from kb_ingest.errors import NotFound
from kb_ingest.tables import chunk, chunk_tokens, collection, document, revision, version

T = TypeVar("T")
PUBLISHED, DRAFT, ARCHIVED = "published", "draft", "archived"


class Store(Protocol):
    """Where units run; `unit` may run twice, so it has no effect outside the database."""

    def read_now(self, unit: Callable[[Connection], T]) -> T:
        """Run a reading unit, blocking."""

    def write_now(self, unit: Callable[[Connection], T]) -> T:
        """Run a writing unit, blocking; durable when it returns."""


@dataclass(frozen=True)
class NewChunk:
    """A chunk to be stored; `vectors` are the float32 bytes of one or more vectors, `tokens` the int8 bytes
    of its word pieces' vectors.
    """

    heading: str
    question: str
    aliases: tuple[str, ...]
    lead: str
    text: str
    start: int
    end: int
    words: dict[str, float]
    length: int
    vectors: bytes
    tokens: bytes = b""


@dataclass(frozen=True)
class NewDocument:
    """A document to be stored or replaced, found by workspace, collection and path."""

    collection: str
    path: str
    title: str
    url: str | None
    language: str
    text: str
    hash: str
    embedder: str
    aliases: tuple[str, ...]
    chunks: tuple[NewChunk, ...]
    vector: bytes = b""
    status: str = PUBLISHED
    effective: datetime | None = None
    expires: datetime | None = None
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class StoredChunk:
    """A chunk as it stands in SQL."""

    id: str
    ordinal: int
    heading: str
    question: str
    aliases: tuple[str, ...]
    lead: str
    text: str
    words: dict[str, float]
    length: int
    vectors: bytes


@dataclass(frozen=True)
class StoredDocument:
    """A document as it stands in SQL; `chunks` is empty where only the list was asked for."""

    id: str
    collection: str
    path: str
    title: str
    url: str | None
    language: str
    status: str
    version: int
    hash: str
    embedder: str
    aliases: tuple[str, ...]
    size: int
    effective: datetime | None
    expires: datetime | None
    updated: datetime
    vector: bytes
    chunks: tuple[StoredChunk, ...] = ()


def _now() -> datetime:
    return datetime.now(UTC)


def current_revision(conn: Connection, workspace: str) -> int:
    """The number of the workspace's last change; 0 before the first."""
    return conn.scalar(select(revision.c.number).where(revision.c.workspace == workspace)) or 0


def _touch(conn: Connection, workspace: str) -> None:
    changed = conn.execute(
        update(revision).where(revision.c.workspace == workspace).values(number=revision.c.number + 1)
    )
    if not changed.rowcount:
        conn.execute(insert(revision).values(workspace=workspace, number=1))


def put(conn: Connection, workspace: str, new: NewDocument) -> str:
    """Store a document, or the next version of the one at the same collection and path; gives its id."""
    found = conn.execute(
        select(document.c.id, document.c.version, document.c.created).where(
            document.c.workspace == workspace,
            document.c.collection == new.collection,
            document.c.path == new.path,
        )
    ).first()
    identifier = found.id if found else new.identifier
    number = found.version + 1 if found else 1
    _ensure_collection(conn, workspace, new.collection)
    values = {
        "title": new.title,
        "url": new.url,
        "language": new.language,
        "status": new.status,
        "version": number,
        "hash": new.hash,
        "embedder": new.embedder,
        "aliases": list(new.aliases),
        "chunks": len(new.chunks),
        "vector": new.vector,
        "effective": new.effective,
        "expires": new.expires,
        "updated": _now(),
    }
    if found:
        conn.execute(update(document).where(document.c.id == identifier).values(**values))
        conn.execute(delete(chunk).where(chunk.c.document == identifier))
        conn.execute(delete(chunk_tokens).where(chunk_tokens.c.document == identifier))
    else:
        key = {"id": identifier, "workspace": workspace, "collection": new.collection, "path": new.path}
        conn.execute(insert(document).values(**key, **values, created=_now()))
    _put_version(conn, workspace, identifier, number, new)
    _put_chunks(conn, workspace, identifier, number, new.chunks)
    names = [f"{identifier}.{number}.{ordinal}" for ordinal in range(len(new.chunks))]
    _put_tokens(conn, identifier, names, [one.tokens for one in new.chunks])
    _touch(conn, workspace)
    return identifier


def _put_version(conn: Connection, workspace: str, identifier: str, number: int, new: NewDocument) -> None:
    conn.execute(
        insert(version).values(
            document=identifier,
            number=number,
            workspace=workspace,
            hash=new.hash,
            title=new.title,
            text=new.text,
            created=_now(),
        )
    )


def _put_chunks(
    conn: Connection, workspace: str, identifier: str, number: int, chunks: Iterable[NewChunk]
) -> None:
    rows = [
        {
            "id": f"{identifier}.{number}.{ordinal}",
            "workspace": workspace,
            "document": identifier,
            "ordinal": ordinal,
            "heading": new.heading,
            "question": new.question,
            "aliases": list(new.aliases),
            "lead": new.lead,
            "text": new.text,
            "start": new.start,
            "end": new.end,
            "words": new.words,
            "length": new.length,
            "vectors": new.vectors,
        }
        for ordinal, new in enumerate(chunks)
    ]
    if rows:
        conn.execute(insert(chunk), rows)


def _put_tokens(conn: Connection, identifier: str, chunks: Sequence[str], tokens: Sequence[bytes]) -> None:
    rows = [
        {"chunk": name, "document": identifier, "tokens": value}
        for name, value in zip(chunks, tokens, strict=True)
        if value
    ]
    if rows:
        conn.execute(insert(chunk_tokens), rows)


def tokens_of(conn: Connection, chunks: Sequence[str]) -> dict[str, bytes]:
    """Chunk id → its word pieces' vectors; without those that have none."""
    rows = conn.execute(
        select(chunk_tokens.c.chunk, chunk_tokens.c.tokens).where(chunk_tokens.c.chunk.in_(chunks))
    )
    return {row.chunk: row.tokens for row in rows}


def _ensure_collection(conn: Connection, workspace: str, name: str) -> None:
    known = conn.scalar(
        select(func.count())
        .select_from(collection)
        .where(collection.c.workspace == workspace, collection.c.name == name)
    )
    if not known:
        conn.execute(insert(collection).values(workspace=workspace, name=name, created=_now()))


def set_vectors(
    conn: Connection,
    workspace: str,
    identifier: str,
    *,
    embedder: str,
    title: bytes,
    vectors: Sequence[bytes],
    tokens: Sequence[bytes],
) -> None:
    """Replace the vectors of a document's chunks, in their order, by those of another embedder."""
    rows = conn.execute(select(chunk.c.id).where(chunk.c.document == identifier).order_by(chunk.c.ordinal))
    names = rows.scalars().all()
    for found, value in zip(names, vectors, strict=True):
        conn.execute(update(chunk).where(chunk.c.id == found).values(vectors=value))
    conn.execute(delete(chunk_tokens).where(chunk_tokens.c.document == identifier))
    _put_tokens(conn, identifier, names, tokens)
    conn.execute(update(document).where(document.c.id == identifier).values(embedder=embedder, vector=title))
    _touch(conn, workspace)


def set_status(conn: Connection, workspace: str, identifier: str, status: str) -> StoredDocument:
    """Publish, archive, or take back to draft.

    Raises:
        NotFound: no such document in this workspace.
    """
    _require(conn, workspace, identifier)
    conn.execute(update(document).where(document.c.id == identifier).values(status=status, updated=_now()))
    _touch(conn, workspace)
    return get(conn, workspace, identifier)


def remove(conn: Connection, workspace: str, identifier: str) -> StoredDocument:
    """Delete a document with its versions and chunks; gives what it was.

    Raises:
        NotFound: no such document in this workspace.
    """
    gone = get(conn, workspace, identifier)
    conn.execute(delete(chunk).where(chunk.c.document == identifier))
    conn.execute(delete(chunk_tokens).where(chunk_tokens.c.document == identifier))
    conn.execute(delete(version).where(version.c.document == identifier))
    conn.execute(delete(document).where(document.c.id == identifier))
    _touch(conn, workspace)
    return gone


def _require(conn: Connection, workspace: str, identifier: str) -> Row[Any]:
    row = conn.execute(
        select(document).where(document.c.id == identifier, document.c.workspace == workspace)
    ).first()
    if row is None:
        raise NotFound(identifier)
    return row


def _stored(row: Row[Any], chunks: tuple[StoredChunk, ...] = ()) -> StoredDocument:
    return StoredDocument(
        id=row.id,
        collection=row.collection,
        path=row.path,
        title=row.title,
        url=row.url,
        language=row.language,
        status=row.status,
        version=row.version,
        hash=row.hash,
        embedder=row.embedder,
        aliases=tuple(row.aliases),
        size=row.chunks,
        effective=row.effective,
        expires=row.expires,
        updated=row.updated,
        vector=row.vector,
        chunks=chunks,
    )


def _chunk(row: Row[Any]) -> StoredChunk:
    return StoredChunk(
        id=row.id,
        ordinal=row.ordinal,
        heading=row.heading,
        question=row.question,
        aliases=tuple(row.aliases),
        lead=row.lead,
        text=row.text,
        words=row.words,
        length=row.length,
        vectors=row.vectors,
    )


def get(conn: Connection, workspace: str, identifier: str) -> StoredDocument:
    """A document with its chunks.

    Raises:
        NotFound: no such document in this workspace.
    """
    row = _require(conn, workspace, identifier)
    rows = conn.execute(select(chunk).where(chunk.c.document == identifier).order_by(chunk.c.ordinal))
    return _stored(row, tuple(_chunk(r) for r in rows))


def text_of(conn: Connection, stored: StoredDocument) -> str:
    """The text of the document's current version."""
    found = conn.scalar(
        select(version.c.text).where(version.c.document == stored.id, version.c.number == stored.version)
    )
    return found or ""


def find(conn: Connection, workspace: str, name: str, path: str) -> StoredDocument | None:
    """The document at a path of a collection, without its chunks."""
    row = conn.execute(
        select(document).where(
            document.c.workspace == workspace, document.c.collection == name, document.c.path == path
        )
    ).first()
    return _stored(row) if row else None


def listed(
    conn: Connection,
    workspace: str,
    *,
    name: str | None = None,
    words: str | None = None,
    status: str | None = None,
    limit: int = 1000,
) -> list[StoredDocument]:
    """Documents without chunks, newest change first; `words` is looked for in titles and paths."""
    query = select(document).where(document.c.workspace == workspace)
    if name:
        query = query.where(document.c.collection == name)
    if status:
        query = query.where(document.c.status == status)
    if words:
        query = query.where(
            document.c.title.icontains(words, autoescape=True)
            | document.c.path.icontains(words, autoescape=True)
        )
    rows = conn.execute(query.order_by(document.c.updated.desc(), document.c.path).limit(limit))
    return [_stored(row) for row in rows]


def collections(conn: Connection, workspace: str) -> list[tuple[str, int, int]]:
    """(name, documents, chunks) of every collection, archived ones left out of the counts."""
    rows = conn.execute(
        select(collection.c.name, func.count(document.c.id), func.coalesce(func.sum(document.c.chunks), 0))
        .select_from(
            collection.outerjoin(
                document,
                (document.c.workspace == collection.c.workspace)
                & (document.c.collection == collection.c.name)
                & (document.c.status != ARCHIVED),
            )
        )
        .where(collection.c.workspace == workspace)
        .group_by(collection.c.name)
        .order_by(collection.c.name)
    )
    return [(name, int(documents), int(chunks)) for name, documents, chunks in rows]


def versions(conn: Connection, workspace: str) -> dict[str, int]:
    """Id → version of every published document."""
    rows = conn.execute(
        select(document.c.id, document.c.version).where(
            document.c.workspace == workspace, document.c.status == PUBLISHED
        )
    )
    return {row.id: row.version for row in rows}


def published(conn: Connection, workspace: str, identifiers: Sequence[str]) -> list[StoredDocument]:
    """The published documents of `identifiers`, with their chunks."""
    found: list[StoredDocument] = []
    for at in range(0, len(identifiers), 500):
        part = identifiers[at : at + 500]
        chunks: dict[str, list[StoredChunk]] = {}
        for row in conn.execute(
            select(chunk).where(chunk.c.document.in_(part)).order_by(chunk.c.document, chunk.c.ordinal)
        ):
            chunks.setdefault(row.document, []).append(_chunk(row))
        rows = conn.execute(
            select(document).where(
                document.c.id.in_(part), document.c.workspace == workspace, document.c.status == PUBLISHED
            )
        )
        found += [_stored(row, tuple(chunks.get(row.id, ()))) for row in rows]
    return found
