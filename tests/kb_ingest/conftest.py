"""A knowledge base over an in-memory store of its own, and the packaged encoder built once a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool

from kb_ingest.embedder import PackagedEmbedder
from kb_ingest.knowledge import KnowledgeBase
from kb_ingest.tables import metadata

T = TypeVar("T")


class SmallStore:
    """The `Store` protocol over one SQLite file, a transaction per unit."""

    def __init__(self, path: Path) -> None:
        self.engine: Engine = create_engine(
            f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        event.listen(self.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        metadata.create_all(self.engine)

    def read_now(self, unit: Callable[[Connection], T]) -> T:
        with self.engine.connect() as conn:
            return unit(conn)

    def write_now(self, unit: Callable[[Connection], T]) -> T:
        with self.engine.begin() as conn:
            return unit(conn)


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> PackagedEmbedder:
    """The packaged encoder, written once."""
    return PackagedEmbedder(tmp_path_factory.mktemp("models"), threads=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SmallStore]:
    """An empty store."""
    small = SmallStore(tmp_path / "kb.db")
    yield small
    small.engine.dispose()


@pytest.fixture
def kb(store: SmallStore, tmp_path: Path, embedder: PackagedEmbedder) -> Iterator[KnowledgeBase]:
    """An empty knowledge base without Chroma."""
    base = KnowledgeBase(store, data_dir=tmp_path, embedder=embedder, chroma=False)
    yield base
    base.close()
