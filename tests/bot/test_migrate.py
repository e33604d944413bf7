"""The database upgrades to what the code expects, and one from the future is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from bot.errors import ConfigurationError
from bot.migrate import all_metadata, migrate


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text("CREATE DATABASE migrations"))
    yield create_engine(postgres_server).url.set(database="migrations").render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.execute(text("DROP DATABASE migrations WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres"))
    return f"sqlite:///{tmp_path / 'new' / 'jieli.db'}"


def test_an_empty_database_becomes_what_the_tables_say(empty_url: str) -> None:
    revision = migrate(empty_url)
    assert migrate(empty_url) == revision  # again changes nothing
    engine = create_engine(empty_url)
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, all_metadata()) == []  # type: ignore[arg-type]  # a list is taken too
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(empty_url: str) -> None:
    migrate(empty_url)
    engine = create_engine(empty_url)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigurationError) as refused:
        migrate(empty_url)
    assert refused.value.code == "database_newer" and refused.value.exit_status == 2


@pytest.mark.parametrize("url", ["nonsense", "oracle://x", "sqlite:////proc/nowhere/x.db"])
def test_an_address_that_cannot_be_used_says_so(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        migrate(url)
    assert refused.value.code in {"bad_database_url", "database_unreachable"}


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigurationError) as refused:
        migrate(f"sqlite:///{tmp_path / 'x.db'}")
    assert refused.value.code == "database_unreachable"
