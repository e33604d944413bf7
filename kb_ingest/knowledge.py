"""The knowledge base: documents in, the best passages for a question out."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kb_ingest import answerable, documents
from kb_ingest.documents import NewDocument, Store, StoredDocument
from kb_ingest.embedder import Embedder, Tokens, Vectors
from kb_ingest.errors import KnowledgeError, Unreadable
from kb_ingest.index import ChromaIndex
from kb_ingest.late import WordVectors
from kb_ingest.loaders.base import Parsed
from kb_ingest.loaders.worker import Reader
from kb_ingest.prepare import digest, embedded, prepared, vectors_again
from kb_ingest.reports import Report, unchanged
from kb_ingest.shelf import Found, Shelf
from kb_ingest.sources import Source, expand
from kb_ingest.text import mend
from kb_ingest.web import fetch
from kb_ingest.words import Words

log = logging.getLogger(__name__)

MAX_QUERY = 1_000  # characters of a question that are looked at
_TOGETHER = 32  # records of one file that are embedded and committed together
# Below, comparing all vectors is quicker than asking Chroma, and misses nothing (11 against 18 ms of CPU a
# question at 17,000 vectors in five collections).
EXACT_UP_TO = 20_000
Progress = Callable[[Report], None]


@dataclass(frozen=True)
class Hit:
    """A passage that may answer a question.

    Attributes:
        path: where the document stands below what was ingested; its parts as `file#key`.
        heading: the headings above the passage; for questions with answers, the question.
        score: 0…1, comparable between questions.
        stages: how it was found: `dense` and `title` (cosines), `keyword`, `coverage` and `rarest` (0…1:
        share of the question's words and of its three rarest ones that stand in the passage), `words` (how
        near the question's words come to the passage's, a cosine), `low` and `least` (the same of the worst
        third of them and of the worst one), `fused`.
    """

    document: str
    chunk: str
    title: str
    path: str
    url: str | None
    heading: str
    text: str
    language: str
    score: float
    stages: dict[str, float]


class KnowledgeBase:
    """One workspace's knowledge. Thread-safe; cheap to construct."""

    def __init__(
        self,
        store: Store,
        *,
        data_dir: Path,
        embedder: Embedder,
        workspace: str = "default",
        chroma: bool = True,
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        """`data_dir` takes the index (`chroma/`) and caches; `chroma=False` always compares all vectors."""
        self._exact_up_to = exact_up_to
        self.workspace = workspace
        self._store = store
        self._embedder = embedder
        self._words = Words(data_dir / "models")
        self._shelf = Shelf(self._words)
        self._reader = Reader()
        self._index = ChromaIndex(data_dir / "chroma", workspace, embedder.name) if chroma else None
        self._lock = threading.RLock()
        self._near = WordVectors(lambda ids: store.read_now(lambda conn: documents.tokens_of(conn, ids)))
        self._near_lock = threading.Lock()
        self._revision = -1
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="knowledge")
        self._opening: threading.Thread | None = None

    def warm_up(self) -> None:
        """Load the models and every published chunk; Chroma opens, and mends itself, in the background.

        Raises:
            ModelMissing: the embedder cannot be loaded.
        """
        self._embedder.warm_up()
        self._words.warm_up()
        self._embedder.read_query("你好 hello")
        self._refresh()
        if self._index is not None and self._opening is None:
            self._opening = threading.Thread(target=self._open_index, name="chroma", daemon=True)
            self._opening.start()

    def close(self) -> None:
        """Stop the parser, the pool and the index."""
        if self._opening is not None:
            self._opening.join()
        self._pool.shutdown(cancel_futures=True)
        self._reader.close()
        if self._index is not None:
            self._index.close()

    @property
    def index_state(self) -> str:
        """`ready`, `closed` (still opening), `foreign`, `broken`, or `off`: by what vectors are searched."""
        return self._index.state if self._index is not None else "off"

    @property
    def size(self) -> int:
        """Chunks that can be found."""
        return len(self._shelf)

    def _open_index(self) -> None:
        assert self._index is not None
        with self._lock:
            held = [item for name in self._shelf.versions for item in self._shelf.vectors_of(name)]
            self._index.open(held)
        log.info("chroma %s with %d chunks", self._index.state, len(held))

    # searching

    async def search(
        self, query: str, *, collections: Sequence[str] = (), k: int = 10, language: str | None = None
    ) -> list[Hit]:
        """The passages that meet a question best, best first; off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool,
            lambda: self.search_now(query, collections=collections, k=k, language=language),
        )

    def search_now(
        self, query: str, *, collections: Sequence[str] = (), k: int = 10, language: str | None = None
    ) -> list[Hit]:
        """As `search`, blocking. With `language`, passages in it come before equally good ones in another."""
        asked = mend(query).strip()[:MAX_QUERY]
        if not asked:
            return []
        self._refresh()
        read = self._embedder.read_query(asked)
        many = self._index is not None and self._shelf.vectors > self._exact_up_to
        dense = self._index.query if self._index is not None and many else None
        found = self._shelf.search(
            asked,
            read.vector,
            k=2 * k if language else k,
            collections=collections,
            dense=dense,
            closer=lambda chunks: self._met(read.tokens, chunks),
        )
        if language:
            found.sort(key=lambda f: -(f.score + (0.02 if f.entry.language == language else 0.0)))
        return [_hit(one) for one in found[:k]]

    def _met(self, question: Tokens, chunks: Sequence[str]) -> Vectors | None:
        with self._near_lock:
            return self._near.met(question, chunks)

    def answerability(self, query: str, hits: Sequence[Hit]) -> float:
        """How likely the passages answer the question: a calibrated probability."""
        return answerable.probability(answerable.features(mend(query), hits))

    # documents in

    def ingest_now(
        self,
        sources: Sequence[str | Path],
        *,
        collection: str = "default",
        publish: bool = True,
        on_progress: Progress | None = None,
    ) -> Iterator[Report]:
        """Read, split, embed and store; one report per document, as it is done. Nothing unreadable stops the
        rest.
        """
        for source in expand(sources):
            for report in self.ingest_source(source, collection=collection, publish=publish):
                if on_progress is not None:
                    on_progress(report)
                yield report

    def ingest_source(self, source: Source, *, collection: str, publish: bool) -> Iterator[Report]:
        """The reports of one file or address."""
        started = time.perf_counter()
        try:
            parsed = self._read(source)
        except Unreadable as error:
            yield Report(
                None, source.path, "failed", 0, error.code, error.zh, error.en, _since(started), None
            )
            return
        for at in range(0, len(parsed), _TOGETHER):
            part = parsed[at : at + _TOGETHER]
            paths = [f"{source.path}#{one.key}" if one.key else source.path for one in part]
            yield from self._store_all(part, [path[:1000] for path in paths], collection, publish)

    def _read(self, source: Source) -> list[Parsed]:
        if source.url is not None:
            return [fetch(source.url)]
        assert source.file is not None
        return self._reader.read(source.file, Path(source.path).name)

    def _store_all(
        self, parsed: list[Parsed], paths: list[str], collection: str, publish: bool
    ) -> Iterator[Report]:
        """Store documents with one pass of the encoder and one commit; unchanged ones stay."""
        started = time.perf_counter()
        status = documents.PUBLISHED if publish else documents.DRAFT
        known = self._store.read_now(
            lambda conn: [documents.find(conn, self.workspace, collection, path) for path in paths]
        )
        new: dict[str, NewDocument] = {}
        for one, path, old in zip(parsed, paths, known, strict=True):
            if old is None or old.hash != digest(one) or old.embedder != self._embedder.name:
                new[path] = prepared(one, collection=collection, path=path, status=status, words=self._words)
        ready = dict(zip(new, embedded(list(new.values()), self._embedder), strict=True))
        ids = self._put(ready)
        spent = _since(started) // len(parsed)
        for path, old in zip(paths, known, strict=True):
            if path in ready:
                made = ready[path]
                yield Report(ids[path], path, "indexed", len(made.chunks), ms=spent, title=made.title)
            elif old is not None and publish and old.status != documents.PUBLISHED:
                self.publish(old.id)
                yield Report(old.id, path, "indexed", old.size, ms=spent, title=old.title)
            elif old is not None:
                yield unchanged(old.id, path, old.size, old.title, spent)

    def _put(self, new: dict[str, NewDocument]) -> dict[str, str]:
        if not new:
            return {}
        ids = self._store.write_now(
            lambda conn: {path: documents.put(conn, self.workspace, one) for path, one in new.items()}
        )
        self._refresh()
        return ids

    # documents as they stand

    def collections(self) -> list[tuple[str, int, int]]:
        """(name, documents, chunks) of every collection."""
        return self._store.read_now(lambda conn: documents.collections(conn, self.workspace))

    def documents(
        self, *, collection: str | None = None, words: str | None = None, status: str | None = None
    ) -> list[StoredDocument]:
        """Documents without their chunks, newest change first."""
        return self._store.read_now(
            lambda conn: documents.listed(conn, self.workspace, name=collection, words=words, status=status)
        )

    def document(self, identifier: str) -> StoredDocument:
        """One document with its chunks; raises NotFound."""
        return self._store.read_now(lambda conn: documents.get(conn, self.workspace, identifier))

    def text(self, stored: StoredDocument) -> str:
        """The full text of a document's current version."""
        return self._store.read_now(lambda conn: documents.text_of(conn, stored))

    def publish(self, identifier: str) -> StoredDocument:
        """Make a document findable; raises NotFound."""
        return self._set_status(identifier, documents.PUBLISHED)

    def archive(self, identifier: str) -> StoredDocument:
        """Take a document out of the answers, keep it; raises NotFound."""
        return self._set_status(identifier, documents.ARCHIVED)

    def _set_status(self, identifier: str, status: str) -> StoredDocument:
        changed = self._store.write_now(
            lambda conn: documents.set_status(conn, self.workspace, identifier, status)
        )
        self._refresh()
        return changed

    def delete(self, identifier: str) -> StoredDocument:
        """Remove a document and its versions for good; raises NotFound."""
        gone = self._store.write_now(lambda conn: documents.remove(conn, self.workspace, identifier))
        self._refresh()
        return gone

    # keeping memory like SQL

    def _refresh(self) -> None:
        """Bring memory up to the workspace's revision, whoever changed it."""
        number = self._store.read_now(lambda conn: documents.current_revision(conn, self.workspace))
        if number == self._revision:
            return
        with self._lock:
            wanted = self._store.read_now(lambda conn: documents.versions(conn, self.workspace))
            here = self._shelf.versions
            gone = [name for name in here if name not in wanted]
            changed = [name for name, version in wanted.items() if here.get(name) != version]
            for name in gone:
                self._exchange(name, None)
            for at in range(0, len(changed), 200):
                self._load(changed[at : at + 200])
            self._revision = number

    def _load(self, identifiers: list[str]) -> None:
        read = self._store.read_now(lambda conn: documents.published(conn, self.workspace, identifiers))
        for stored in read:
            self._exchange(stored.id, self._with_own_vectors(stored))

    def _with_own_vectors(self, stored: StoredDocument) -> StoredDocument:
        """The document as it is, or embedded again when another embedder made its vectors."""
        if stored.embedder == self._embedder.name:
            return stored
        title, made = vectors_again(stored, self._embedder)
        vectors, tokens = [one for one, _ in made], [one for _, one in made]
        self._store.write_now(
            lambda conn: documents.set_vectors(
                conn,
                self.workspace,
                stored.id,
                embedder=self._embedder.name,
                title=title,
                vectors=vectors,
                tokens=tokens,
            )
        )
        with self._near_lock:
            self._near.clear()
        return self.document(stored.id)

    def _exchange(self, identifier: str, stored: StoredDocument | None) -> None:
        gone = self._shelf.vectors_of(identifier)
        if stored is None:
            self._shelf.take(identifier)
        else:
            self._shelf.put(stored, self._embedder.dimension)
        if self._index is not None:
            self._index.change(gone, self._shelf.vectors_of(identifier))


def _since(started: float) -> int:
    return int((time.perf_counter() - started) * 1000)


def _hit(found: Found) -> Hit:
    entry = found.entry
    return Hit(
        document=entry.document,
        chunk=entry.chunk,
        title=entry.title,
        path=entry.path,
        url=entry.url,
        heading=entry.question or entry.heading,
        text=entry.text,
        language=entry.language,
        score=found.score,
        stages=found.stages,
    )


__all__ = ["Hit", "KnowledgeBase", "KnowledgeError", "Report"]
