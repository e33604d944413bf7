"""Alembic's entry: runs the revisions on the connection that `bot.migrate` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Our column type as the plain one beneath it: revisions import nothing of the application."""
    if kind == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=connection,
    target_metadata=context.config.attributes["metadata"],
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
