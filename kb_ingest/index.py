"""Chroma as a cache of the vectors that stand in SQL: proposes chunks by vector, rebuilt whenever it differs.

Embedded Chroma belongs to one process; a lock file says to which. Its index stays in RAM and is made again
from its log at open (`sync_threshold`), because its default way of writing does not survive a kill. Every
collection is made with `embedding_function=None`. Where Chroma is missing, broken, still opening, or another
process's, `query` gives None and the caller compares all vectors itself.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from kb_ingest.embedder import Vectors

log = logging.getLogger(__name__)

_HNSW = {
    "space": "cosine",
    "sync_threshold": 1_000_000,
    "ef_search": 300,
    "ef_construction": 200,
    "max_neighbors": 32,
}
_BATCH = 1_000
_SAMPLE = 20
Item = tuple[str, str, Vectors]  # collection, chunk, vectors [n, dimension]


class ChromaIndex:
    """One workspace's vectors in an embedded Chroma. Thread-safe."""

    def __init__(self, folder: Path, workspace: str, embedder: str) -> None:
        self._folder = folder
        self._key = f"{workspace}\n{embedder}"
        self._lock = threading.RLock()
        self._client: Any = None
        self._collections: dict[str, Any] = {}
        self._owned: IO[bytes] | None = None
        self.state = "closed"

    def open(self, items: Iterable[Item]) -> None:
        """Open the store and make it hold exactly `items`; afterwards `state` is `ready`, `foreign` or
        `broken`.
        """
        with self._lock:
            if not self._own():
                self.state = "foreign"
                return
            wanted = list(items)
            for attempt in ("as it is", "from nothing"):
                try:
                    self._connect(anew=attempt != "as it is")
                    self._reconcile(wanted)
                except BaseException as error:  # the Rust core panics with a BaseException of its own
                    if isinstance(error, KeyboardInterrupt | SystemExit):
                        raise
                    log.warning("chroma cannot be used %s: %s", attempt, type(error).__name__)
                    continue
                self.state = "ready"
                return
            self.state = "broken"

    def close(self) -> None:
        """Give the store back."""
        with self._lock:
            self._collections.clear()
            if self._client is not None:
                self._client.close()
                self._client = None
            if self._owned is not None:
                self._owned.close()
                self._owned = None
            self.state = "closed"

    def query(self, vector: Vectors, collections: Sequence[str], limit: int) -> list[str] | None:
        """Chunks whose vectors are nearest, best first; None when the index cannot be asked."""
        if self.state != "ready":
            return None
        from chromadb.errors import ChromaError

        names = [name for name in self._collections if not collections or name in collections]
        nearest: list[tuple[float, str]] = []
        try:
            for name in names:
                answer = self._collections[name].query(
                    query_embeddings=vector[None, :], n_results=limit, include=["distances"]
                )
                nearest += zip(answer["distances"][0], answer["ids"][0], strict=True)
        except ChromaError as error:
            log.warning("chroma stopped answering: %s", type(error).__name__)
            self.state = "broken"
            return None
        return list(dict.fromkeys(identifier.rpartition(":")[0] for _, identifier in sorted(nearest)))

    def change(self, gone: Iterable[Item], items: Iterable[Item]) -> None:
        """Take chunks out and put others in."""
        with self._lock:
            if self.state != "ready":
                return
            from chromadb.errors import ChromaError

            try:
                self._remove(gone)
                self._add(items)
            except ChromaError as error:
                log.warning("chroma refused a change: %s", type(error).__name__)
                self.state = "broken"

    def _own(self) -> bool:
        if self._owned is not None:
            return True
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / "owner.lock").open("ab")
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._owned = file
        return True

    def _connect(self, *, anew: bool) -> None:
        import chromadb
        from chromadb.config import Settings

        store, mark = self._folder / "store", self._folder / "opening"
        self._collections.clear()
        if self._client is not None:
            self._client.close()
            self._client = None
        # A damaged store can kill the process that opens it: the mark is still there then.
        if anew or mark.exists():
            shutil.rmtree(store, ignore_errors=True)
        mark.write_text(str(os.getpid()))
        self._client = chromadb.PersistentClient(str(store), Settings(anonymized_telemetry=False))
        for found in self._client.list_collections():
            name = (found.metadata or {}).get("name")
            if (found.metadata or {}).get("key") != self._key or name is None:
                self._client.delete_collection(found.name)
            else:
                self._collections[str(name)] = self._client.get_collection(
                    found.name, embedding_function=None
                )
                self._collections[str(name)].count()
        mark.unlink(missing_ok=True)

    def _collection(self, name: str) -> Any:
        if name not in self._collections:
            digest = hashlib.sha256(f"{self._key}\n{name}".encode()).hexdigest()[:32]
            self._collections[name] = self._client.create_collection(
                f"kb-{digest}",
                embedding_function=None,
                configuration={"hnsw": _HNSW},
                metadata={"name": name, "key": self._key},
            )
        return self._collections[name]

    def _reconcile(self, items: list[Item]) -> None:
        wanted: dict[str, dict[str, Vectors]] = {}
        for name, chunk, vectors in items:
            for number, vector in enumerate(vectors):
                wanted.setdefault(name, {})[f"{chunk}:{number}"] = vector
        for name in {*wanted, *self._collections}:
            there = self._collection(name)
            expected = wanted.get(name, {})
            known = set(there.get(include=[])["ids"])
            _delete(there, sorted(known - expected.keys()))
            missing = [(key, vector) for key, vector in expected.items() if key not in known]
            _upsert(there, missing)
            self._check(there, expected)

    def _check(self, there: Any, expected: dict[str, Vectors]) -> None:
        """Count, and let a sample of the stored vectors find themselves; a miss puts all of them in again."""
        keys = sorted(expected)[:: max(1, len(expected) // _SAMPLE)][:_SAMPLE]
        if there.count() == len(expected) and all(_finds(there, expected[key]) for key in keys):
            return
        raise LookupError("the index does not find its own vectors")

    def _remove(self, items: Iterable[Item]) -> None:
        keys: dict[str, list[str]] = {}
        for name, chunk, vectors in items:
            keys.setdefault(name, []).extend(f"{chunk}:{number}" for number in range(len(vectors)))
        for name, gone in keys.items():
            _delete(self._collection(name), gone)

    def _add(self, items: Iterable[Item]) -> None:
        new: dict[str, list[tuple[str, Vectors]]] = {}
        for name, chunk, vectors in items:
            new.setdefault(name, []).extend((f"{chunk}:{n}", vector) for n, vector in enumerate(vectors))
        for name, pairs in new.items():
            _upsert(self._collection(name), pairs)


def _delete(there: Any, keys: list[str]) -> None:
    for at in range(0, len(keys), _BATCH):
        there.delete(ids=keys[at : at + _BATCH])


def _upsert(there: Any, pairs: list[tuple[str, Vectors]]) -> None:
    for at in range(0, len(pairs), _BATCH):
        part = pairs[at : at + _BATCH]
        there.upsert(ids=[key for key, _ in part], embeddings=np.stack([vector for _, vector in part]))


def _finds(there: Any, vector: Vectors) -> bool:
    distances = there.query(query_embeddings=vector[None, :], n_results=1, include=["distances"])[
        "distances"
    ][0]
    return bool(distances) and distances[0] < 1e-3
