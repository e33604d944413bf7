"""Every published chunk of a workspace in memory: words, vectors and texts, and how well each meets a
question.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from kb_ingest.documents import StoredChunk, StoredDocument
from kb_ingest.embedder import Vectors
from kb_ingest.keyword import KeywordIndex
from kb_ingest.words import Words


@dataclass(frozen=True)
class Shares:
    """What each figure counts in the score; the sum is 1."""

    dense: float
    keyword: float
    title: float
    words: float = 0.0


# Fitted centre by centre (docs/knowledge.md, training/answerability/measure.py).
FIRST = Shares(dense=0.61, keyword=0.28, title=0.11)
SECOND = Shares(dense=0.20, keyword=0.17, title=0.12, words=0.51)
PER_DOCUMENT = 2
POOL = 60
CLOSER = 32  # chunks that are compared word by word


@dataclass(frozen=True)
class Entry:
    """One chunk and what it is shown with."""

    document: str
    collection: str
    chunk: str
    title: str
    path: str
    url: str | None
    heading: str
    question: str
    text: str
    language: str
    effective: datetime | None
    expires: datetime | None


@dataclass(frozen=True)
class Found:
    """A chunk with the strengths by which it was found."""

    entry: Entry
    score: float
    stages: dict[str, float]


def _entry(stored: StoredDocument, chunk: StoredChunk) -> Entry:
    return Entry(
        document=stored.id,
        collection=stored.collection,
        chunk=chunk.id,
        title=stored.title,
        path=stored.path,
        url=stored.url,
        heading=chunk.heading,
        question=chunk.question,
        text=chunk.text,
        language=stored.language,
        effective=stored.effective,
        expires=stored.expires,
    )


Dense = Callable[[Vectors, Sequence[str], int], list[str] | None]
Closer = Callable[[Sequence[str]], Vectors | None]


class Shelf:
    """Thread-safe. Documents are put and taken whole."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._lock = threading.RLock()
        self._clear()

    def _clear(self) -> None:
        self._entries: list[Entry] = []
        self._collections: dict[str, int] = {}
        self._collection_of = np.zeros(0, np.int32)
        self._timed: set[int] = set()
        self._title_list: list[Vectors] = []
        self._titles = np.zeros((0, 0), np.float32)
        self._title_of = np.zeros(0, np.int32)
        self._alive = np.zeros(0, bool)
        self._matrix = np.zeros((0, 0), np.float32)
        self._owner = np.zeros(0, np.int32)
        self._filled = 0
        self._rows: dict[str, list[int]] = {}
        self._versions: dict[str, int] = {}
        self._by_chunk: dict[str, int] = {}
        self._keyword = KeywordIndex()

    @property
    def versions(self) -> dict[str, int]:
        """Id → version of the documents that stand here."""
        with self._lock:
            return dict(self._versions)

    @property
    def vectors(self) -> int:
        """How many vectors a question is compared with."""
        return self._filled

    def __len__(self) -> int:
        return int(self._alive.sum())

    def put(self, stored: StoredDocument, dimension: int) -> None:
        """Add a document, or replace its earlier version."""
        with self._lock:
            self.take(stored.id)
            rows = []
            for chunk in stored.chunks:
                row = self._keyword.add(chunk.words, float(chunk.length))
                self._entries.append(_entry(stored, chunk))
                self._append_vectors(np.frombuffer(chunk.vectors, "<f4").reshape(-1, dimension), row)
                self._by_chunk[chunk.id] = row
                rows.append(row)
            code = self._collections.setdefault(stored.collection, len(self._collections))
            self._alive = np.concatenate([self._alive, np.ones(len(rows), bool)])
            self._collection_of = np.concatenate([self._collection_of, np.full(len(rows), code, np.int32)])
            self._title_of = np.concatenate(
                [self._title_of, np.full(len(rows), len(self._title_list), np.int32)]
            )
            self._title_list.append(np.frombuffer(stored.vector, "<f4"))
            if stored.effective is not None or stored.expires is not None:
                self._timed.update(rows)
            self._rows[stored.id] = rows
            self._versions[stored.id] = stored.version

    def vectors_of(self, identifier: str) -> list[tuple[str, str, Vectors]]:
        """(collection, chunk, vectors [n, dimension]) of every chunk of a document."""
        with self._lock:
            found = []
            for row in self._rows.get(identifier, ()):
                entry = self._entries[row]
                picked = np.flatnonzero(self._owner[: self._filled] == row)
                found.append((entry.collection, entry.chunk, self._matrix[picked]))
            return found

    def take(self, identifier: str) -> None:
        """Remove a document if it is here."""
        with self._lock:
            for row in self._rows.pop(identifier, ()):
                self._alive[row] = False
                self._by_chunk.pop(self._entries[row].chunk, None)
            self._versions.pop(identifier, None)
            if len(self._alive) > 200 and self._alive.sum() < 0.7 * len(self._alive):
                self._compact()

    def _append_vectors(self, vectors: Vectors, row: int) -> None:
        count, dimension = vectors.shape
        if self._filled + count > len(self._matrix):
            size = max(256, 2 * (self._filled + count))
            matrix = np.zeros((size, dimension), np.float32)
            matrix[: self._filled] = self._matrix[: self._filled] if self._filled else 0
            owner = np.zeros(size, np.int32)
            owner[: self._filled] = self._owner[: self._filled]
            self._matrix, self._owner = matrix, owner
        self._matrix[self._filled : self._filled + count] = vectors
        self._owner[self._filled : self._filled + count] = row
        self._filled += count

    def _compact(self) -> None:
        """Close the gaps that removed documents leave."""
        keep = np.flatnonzero(self._alive)
        new_row = np.full(len(self._alive), -1, np.int32)
        new_row[keep] = np.arange(len(keep))
        kept = self._alive[self._owner[: self._filled]]
        self._matrix = np.ascontiguousarray(self._matrix[: self._filled][kept])
        self._owner = new_row[self._owner[: self._filled][kept]].astype(np.int32)
        self._filled = len(self._owner)
        self._entries = [self._entries[i] for i in keep]
        self._collection_of = self._collection_of[keep]
        used, renamed = np.unique(self._title_of[keep], return_inverse=True)
        self._title_of = renamed.astype(np.int32)
        self._title_list = [self._title_list[i] for i in used]
        self._titles = np.zeros((0, 0), np.float32)
        self._timed = {int(new_row[r]) for r in self._timed if new_row[r] >= 0}
        self._rows = {name: [int(new_row[r]) for r in rows] for name, rows in self._rows.items()}
        self._by_chunk = {name: int(new_row[r]) for name, r in self._by_chunk.items()}
        self._alive = np.ones(len(keep), bool)
        self._keyword = self._keyword.compacted(new_row)

    def search(
        self,
        query: str,
        vector: Vectors,
        *,
        k: int,
        collections: Sequence[str] = (),
        dense: Dense | None = None,
        closer: Closer | None = None,
    ) -> list[Found]:
        """The best `k` chunks for a question.

        Args:
            vector: the question's unit vector, float32 [dimension].
            dense: an index that proposes chunk ids by vector; without one every vector is compared.
            closer: chunk ids → how near each word of the question comes to them, [chunks, words]; None where
                it cannot say.
        """
        proposed = dense(vector, collections, POOL) if dense is not None else None
        words = self._words.of(query)
        content = self._words.content(query)
        with self._lock:
            if not self._entries:
                return []
            keyword = self._keyword.scores(words)
            cosine = self._cosines(vector, keyword, proposed)
            usable = self._usable(collections)
            if len(self._titles) != len(self._title_list):
                self._titles = np.stack(self._title_list)
            title = (self._titles @ vector)[self._title_of]
            figures = {"dense": cosine, "keyword": keyword, "title": title}
            figures["fused"] = _fused(figures, FIRST)
            figures["fused"][~usable] = -1.0
            rows = _best(figures["fused"], max(POOL, 6 * k))
            rows, met = self._closer(rows, figures, max(CLOSER, k), closer)
            kept = _spread(rows, self._document_of, k)
            return [self._found(row, figures, content, met) for row in kept]

    def _closer(
        self, rows: list[int], figures: dict[str, Vectors], size: int, closer: Closer | None
    ) -> tuple[list[int], dict[int, Vectors]]:
        """The first rows in a better order, and how near each word of the question comes to them."""
        near = closer([self._entries[row].chunk for row in rows[:size]]) if closer and rows else None
        if near is None:
            return rows, {}
        figures["words"] = np.zeros(len(self._entries), np.float32)
        figures["words"][rows[:size]] = near.mean(axis=1)
        picked = np.array(rows[:size])
        of_picked = {name: values[picked] for name, values in figures.items()}
        figures["fused"][picked] = _fused(of_picked, SECOND)
        better = [int(row) for row in picked[np.argsort(-figures["fused"][picked], kind="stable")]]
        return better, dict(zip(picked.tolist(), near, strict=True))

    def _document_of(self, row: int) -> str:
        return self._entries[row].document

    def _cosines(self, vector: Vectors, keyword: NDArray[np.float32], proposed: list[str] | None) -> Vectors:
        cosine = np.zeros(len(self._entries), np.float32)
        if not self._filled:
            return cosine
        owner = self._owner[: self._filled]
        if proposed is None:
            # A row's vectors lie next to each other; reduceat is ten times as fast as maximum.at.
            first = np.flatnonzero(np.diff(owner, prepend=-1))
            cosine[owner[first]] = np.maximum.reduceat(self._matrix[: self._filled] @ vector, first)
            return cosine
        strongest = np.argsort(-keyword)[:POOL]
        rows = {self._by_chunk[chunk] for chunk in proposed if chunk in self._by_chunk} | set(
            strongest.tolist()
        )
        picked = np.flatnonzero(np.isin(owner, np.fromiter(rows, np.int32, len(rows))))
        np.maximum.at(cosine, owner[picked], self._matrix[picked] @ vector)
        return cosine

    def _usable(self, collections: Sequence[str]) -> NDArray[np.bool_]:
        usable = self._alive.copy()
        if collections:
            codes = [self._collections[name] for name in collections if name in self._collections]
            usable &= np.isin(self._collection_of, codes)
        now = datetime.now(UTC)
        for row in self._timed:
            entry = self._entries[row]
            early = entry.effective is not None and entry.effective > now
            if early or (entry.expires is not None and entry.expires <= now):
                usable[row] = False
        return usable

    def _found(
        self, row: int, figures: dict[str, Vectors], content: set[str], met: dict[int, Vectors]
    ) -> Found:
        stages = {name: float(values[row]) for name, values in figures.items()}
        weights = sorted(((self._keyword.idf(word), word) for word in content), reverse=True)
        there = [weight for weight, word in weights if self._keyword.has(word, row)]
        total = sum(weight for weight, _ in weights)
        rare = weights[:3]
        stages["coverage"] = sum(there) / total if total else 0.0
        stages["rarest"] = sum(self._keyword.has(word, row) for _, word in rare) / len(rare) if rare else 0.0
        if row in met:
            worst = np.sort(met[row])
            stages["least"] = float(worst[0])
            stages["low"] = float(worst[: max(1, len(worst) // 3)].mean())
        return Found(self._entries[row], stages["fused"], stages)


def _fused(figures: dict[str, Vectors], shares: Shares) -> Vectors:
    fused = np.zeros(len(figures["dense"]), np.float32)
    for name, values in figures.items():
        fused += getattr(shares, name, 0.0) * np.clip(values, 0.0, 1.0)
    return fused


def _best(fused: Vectors, size: int) -> list[int]:
    """The usable rows with the highest scores, best first."""
    size = min(len(fused), size)
    order = np.argpartition(-fused, size - 1)[:size]
    order = order[np.argsort(-fused[order], kind="stable")]
    return [int(row) for row in order if fused[row] >= 0]


def _spread(rows: list[int], document_of: Callable[[int], str], k: int) -> list[int]:
    """The first `k` rows with at most `PER_DOCUMENT` of one document, filled up with the rest in order."""
    taken: dict[str, int] = {}
    first: list[int] = []
    later: list[int] = []
    for row in rows:
        name = document_of(row)
        taken[name] = taken.get(name, 0) + 1
        (first if taken[name] <= PER_DOCUMENT else later).append(row)
    return (first + later)[:k]
