"""Canned replies: texts that agents insert by a short code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from handoff import tables
from handoff.errors import Invalid
from handoff.log import clean_text, new_id


@dataclass(frozen=True, slots=True)
class CannedReply:
    """A ready text in one language; (`short_code`, `language`) is unique in a workspace."""

    id: str
    short_code: str
    language: str
    text: str


def _reply(row: Any) -> CannedReply:
    return CannedReply(row.id, row.short_code, row.language, row.text)


def put(conn: Connection, workspace: str, *, short_code: str, language: str, text: str) -> CannedReply:
    """Add a reply or replace the one with the same code and language. Invalid(`bad_short_code`, `text_…`)."""
    code = short_code.strip().lstrip("/")
    if not 0 < len(code) <= 64 or not code.isprintable() or " " in code:
        raise Invalid(
            "bad_short_code",
            "快捷码为 1 至 64 个字符,不含空格。",
            "A short code has 1 to 64 characters and no space.",
        )
    r = tables.canned_replies
    conn.execute(
        delete(r).where(r.c.workspace == workspace, r.c.short_code == code, r.c.language == language)
    )
    reply = CannedReply(new_id(), code, language, clean_text(text))
    conn.execute(
        r.insert().values(
            id=reply.id, workspace=workspace, short_code=code, language=language, text=reply.text
        )
    )
    return reply


def all_of(conn: Connection, workspace: str) -> list[CannedReply]:
    """The workspace's replies by code and language."""
    r = tables.canned_replies
    rows = conn.execute(select(r).where(r.c.workspace == workspace).order_by(r.c.short_code, r.c.language))
    return [_reply(row) for row in rows]


def remove(conn: Connection, workspace: str, ident: str) -> bool:
    """Whether there was such a reply to remove."""
    r = tables.canned_replies
    return conn.execute(delete(r).where(r.c.id == ident, r.c.workspace == workspace)).rowcount == 1
