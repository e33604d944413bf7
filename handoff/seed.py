"""What every database needs before the first visitor: epoch, default workspace, queue and inbox."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from handoff import inboxes, queues, tables
from handoff.clock import utc_now

DEFAULT: Final = "default"
TEXTS: Final = {
    "zh-CN": {
        "title": "在线客服",
        "greeting": "您好!请问有什么可以帮您?",
        "suggestions": [],
    },
    "en": {
        "title": "Support",
        "greeting": "Hello! How can we help you?",
        "suggestions": [],
    },
}


@dataclass(frozen=True, slots=True)
class Defaults:
    """Ids of what is always there. `epoch` names this incarnation of the database: a changed one voids
    every cursor.
    """

    workspace: str
    inbox: str
    queue: str
    epoch: str


def ensure_defaults(conn: Connection, *, now: datetime | None = None) -> Defaults:
    """Create what is missing; safe to call at every start."""
    now = now or utc_now()
    if _missing(conn, tables.workspaces):
        conn.execute(tables.workspaces.insert().values(id=DEFAULT, name="Jieli", created=now))
    if _missing(conn, tables.queues):
        queues.create(conn, workspace=DEFAULT, name="客服", ident=DEFAULT, now=now)
    if _missing(conn, tables.inboxes):
        inboxes.create(
            conn, workspace=DEFAULT, name="Website", queue=DEFAULT, texts=TEXTS, ident=DEFAULT, now=now
        )
    return Defaults(DEFAULT, DEFAULT, DEFAULT, epoch(conn) or new_epoch(conn))


def _missing(conn: Connection, table: object) -> bool:
    t = getattr(table, "c")  # noqa: B009 a Table of any kind
    return conn.execute(select(t.id).where(t.id == DEFAULT)).first() is None


def epoch(conn: Connection) -> str | None:
    """The database's epoch, None before `ensure_defaults`."""
    m = tables.meta
    return conn.execute(select(m.c.value).where(m.c.key == "epoch")).scalar_one_or_none()


def new_epoch(conn: Connection) -> str:
    """Void every cursor: call after restoring a backup."""
    m = tables.meta
    value = uuid.uuid4().hex
    conn.execute(m.delete().where(m.c.key == "epoch"))
    conn.execute(m.insert().values(key="epoch", value=value))
    return value
