"""Create or upgrade the database, and refuse one that a newer Jieli wrote."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from bot.errors import ConfigurationError

HERE = Path(__file__).parent / "migrations"


def all_metadata() -> list[MetaData]:
    """The metadata of both packages that keep tables."""
    from handoff.tables import metadata as conversation_tables
    from kb_ingest.tables import metadata as knowledge_tables

    return [conversation_tables, knowledge_tables]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = all_metadata()
    return config


def _refuse_newer(connection: Connection, script: ScriptDirectory) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    for found in MigrationContext.configure(connection).get_current_heads():
        if found not in known:
            raise ConfigurationError(
                "database_newer",
                f"数据库由更新版本的接力写入（结构版本 {found}）；请升级接力，或换一个 JIELI_HOME。",
                f"The database was written by a newer Jieli (schema {found}); upgrade Jieli,"
                " or point JIELI_HOME elsewhere.",
            )


def migrate(url: str) -> str:
    """Bring the database at `url` to the newest schema; returns the revision.

    Raises:
        ConfigurationError: `database_newer`, `bad_database_url` or `database_unreachable`.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            config = _config(connection)
            script = ScriptDirectory.from_config(config)
            _refuse_newer(connection, script)
            command.upgrade(config, "head")
            return script.get_current_head() or ""
    except DatabaseError as error:
        raise ConfigurationError(
            "database_unreachable",
            f"无法使用数据库 {_shown(url)}：{error.orig}。请检查 JIELI_DATABASE_URL 和权限。",
            f"The database {_shown(url)} cannot be used: {error.orig}. Check JIELI_DATABASE_URL and its"
            f" rights.",
        ) from error
    finally:
        engine.dispose()


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        return create_engine(parsed, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OSError) as error:
        raise ConfigurationError(
            "bad_database_url",
            "JIELI_DATABASE_URL 无法使用；例如 sqlite:////path/jieli.db 或 postgresql+psycopg://user@host/db。",
            "JIELI_DATABASE_URL cannot be used; examples: sqlite:////path/jieli.db,"
            " postgresql+psycopg://user@host/db.",
        ) from error
