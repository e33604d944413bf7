"""SQLAlchemy engines set up for one durable writer and many snapshot readers, and what their failures
mean.
"""

from __future__ import annotations

import sqlite3
from enum import Enum
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

BUSY_TIMEOUT_MS: Final = 5_000
_RETRY_STATES: Final = frozenset({"40001", "40P01"})  # serialization, deadlock
_UNIQUE: Final = "23505"


class Trouble(Enum):
    """What an exception out of a transaction means to the writer."""

    UNIT = "unit"  # the unit's own fault
    TAKEN = "taken"  # a unique key: another process was first (a re-run sees that), or the unit's own fault
    CLASH = "clash"  # another process was in the way: try again
    BUSY = "busy"  # the file is locked by another process
    FULL = "full"  # the disk is full: refuse, recover when it is freed
    LOST = "lost"  # the server is gone: refuse, reconnect
    FATAL = "fatal"  # an I/O error: nothing may be acknowledged any more


def _dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def make_writer(url: str, connect_args: dict[str, Any]) -> Engine:
    """An engine for the writer thread alone: one connection, SQLite with WAL, FULL and BEGIN IMMEDIATE."""
    parsed = make_url(url)
    engine = create_engine(
        parsed,
        pool_size=1,
        max_overflow=1,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args=connect_args,
    )
    if _is_sqlite(parsed):
        _set_up_sqlite(engine, begin="BEGIN IMMEDIATE", pragmas=("synchronous=FULL",))
    return engine


def make_reader(url: str, size: int) -> Engine:
    """An engine whose connections cannot write and see one snapshot from BEGIN to the end."""
    parsed = make_url(url)
    options: dict[str, Any] = (
        {}
        if _is_sqlite(parsed)
        else {
            "isolation_level": "REPEATABLE READ",
            "pool_pre_ping": True,
        }
    )
    engine = create_engine(
        parsed,
        pool_size=size,
        max_overflow=16,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        **options,
    )
    if _is_sqlite(parsed):
        _set_up_sqlite(engine, begin="BEGIN", pragmas=("query_only=ON",))
    return engine


def _set_up_sqlite(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "foreign_keys=ON", *pragmas):
            raw.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def on_begin(conn: Connection) -> None:
        raw: Any = conn.connection.dbapi_connection
        raw.execute(begin).close()


def classify(failure: BaseException) -> Trouble:
    """Sort an exception, SQLAlchemy's or the driver's own, by what the writer must do."""
    lost = isinstance(failure, DBAPIError) and failure.connection_invalidated
    cause = failure.orig if isinstance(failure, DBAPIError) and failure.orig is not None else failure
    if isinstance(cause, sqlite3.Error):
        return _classify_sqlite(cause)
    state = getattr(cause, "sqlstate", None)
    module = type(cause).__module__
    if not module.startswith("psycopg"):
        return Trouble.UNIT
    if state in _RETRY_STATES:
        return Trouble.CLASH
    if state == _UNIQUE:
        return Trouble.TAKEN
    if state == "53100":  # disk_full
        return Trouble.FULL
    if lost or state is None or state[:2] in {"08", "57"}:
        return Trouble.LOST if _is_operational(cause) else Trouble.UNIT
    if state[:2] == "58":  # system error: I/O
        return Trouble.FATAL
    return Trouble.UNIT


def _is_operational(cause: BaseException) -> bool:
    return any(base.__name__ in {"OperationalError", "InterfaceError"} for base in type(cause).__mro__)


def _classify_sqlite(cause: sqlite3.Error) -> Trouble:
    code = getattr(cause, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return Trouble.BUSY
    if primary == sqlite3.SQLITE_FULL:
        return Trouble.FULL
    if primary in {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
    }:
        return Trouble.FATAL
    return Trouble.UNIT
