"""The database as the account and inbox commands use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handoff.writer import Database


@contextmanager
def open_database() -> Iterator[Database]:
    """The configured database, upgraded and with its defaults, closed at the end.

    Raises:
        ConfigurationError: it cannot be used.
    """
    from bot.migrate import migrate
    from bot.settings import load_settings
    from handoff.seed import ensure_defaults
    from handoff.writer import Database

    settings = load_settings()
    migrate(settings.database)
    database = Database(settings.database)
    try:
        database.write_now(ensure_defaults)
        yield database
    finally:
        database.close()
