"""Hand-written SQL for the hot path: one text with `?` marks, run on either database's raw connection.

SQLAlchemy Core costs some 30 µs a statement, the raw driver 4; appending a message is the one place where
it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import Connection

_WITHOUT_OFFSET: Final = len("2026-03-02 09:00:00.000000")


@lru_cache(maxsize=256)
def _percent_s(statement: str) -> str:
    return statement.replace("?", "%s")


def is_postgres(conn: Connection) -> bool:
    """Whether this connection speaks to PostgreSQL (else SQLite)."""
    return conn.dialect.name == "postgresql"


def execute(conn: Connection, statement: str, values: Sequence[Any] = ()) -> Any:
    """Run `statement` (marks are `?`; no other `?` or `%` in it) inside the connection's transaction.

    Returns the driver's cursor. Errors are the driver's own, not SQLAlchemy's.
    """
    raw: Any = conn.connection.dbapi_connection
    if conn.dialect.name == "postgresql":
        return raw.execute(_percent_s(statement), values)
    return raw.execute(statement, values)


def instant(conn: Connection, value: datetime) -> object:
    """`value` as `tables.UtcDateTime` stores it."""
    if conn.dialect.name == "postgresql":
        return value
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:_WITHOUT_OFFSET]


def loads(value: Any) -> Any:
    """A JSON column as the driver gives it: text on SQLite, already parsed by psycopg."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value
