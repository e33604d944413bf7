"""Inboxes: the unit that a web page embeds, with its origins, languages, knowledge, queue, policy, texts
and look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, select, update

from handoff import tables
from handoff.clock import utc_now
from handoff.errors import Invalid, NotFound
from handoff.log import new_id

USUAL_PORTS = {"http": 80, "https": 443}
SETTABLE = frozenset(
    {
        "name",
        "allowed_origins",
        "languages",
        "collections",
        "queue",
        "policy",
        "texts",
        "look",
        "identity_secret",
    }
)


@dataclass(frozen=True, slots=True)
class Inbox:
    """See `tables.inboxes` for the shape of the JSON fields."""

    id: str
    workspace: str
    name: str
    allowed_origins: tuple[str, ...]
    languages: tuple[str, ...]
    collections: tuple[str, ...]
    queue: str
    policy: Mapping[str, Any]
    texts: Mapping[str, Any]
    look: Mapping[str, Any]
    identity_secret: str | None

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin (scheme://host[:port]) may embed the inbox: exact match, or "*" for
        all that have one ("null" is none).
        """
        return origin in self.allowed_origins or ("*" in self.allowed_origins and origin != "null")


def _inbox(row: Any) -> Inbox:
    return Inbox(
        row.id, row.workspace, row.name, tuple(row.allowed_origins), tuple(row.languages),
        tuple(row.collections), row.queue, row.policy, row.texts, row.look, row.identity_secret,
    )  # fmt: skip


def get(conn: Connection, inbox: str) -> Inbox:
    """The inbox; NotFound(`inbox_not_found`)."""
    row = conn.execute(select(tables.inboxes).where(tables.inboxes.c.id == inbox)).one_or_none()
    if row is None:
        raise NotFound(
            "inbox_not_found",
            "找不到这个收件箱,请检查嵌入代码。",
            "There is no such inbox; check the embed code.",
        )
    return _inbox(row)


def all_of(conn: Connection, workspace: str) -> list[Inbox]:
    """The workspace's inboxes by name."""
    i = tables.inboxes
    return [
        _inbox(row) for row in conn.execute(select(i).where(i.c.workspace == workspace).order_by(i.c.name))
    ]


def create(
    conn: Connection,
    *,
    workspace: str,
    name: str,
    queue: str,
    allowed_origins: Sequence[str] = (),
    languages: Sequence[str] = ("zh-CN", "en"),
    collections: Sequence[str] = ("default",),
    policy: Mapping[str, Any] | None = None,
    texts: Mapping[str, Any] | None = None,
    look: Mapping[str, Any] | None = None,
    ident: str | None = None,
    now: datetime | None = None,
) -> Inbox:
    """A new inbox."""
    ident = ident or new_id()
    conn.execute(
        tables.inboxes.insert().values(
            id=ident,
            workspace=workspace,
            name=name,
            allowed_origins=[clean_origin(origin) for origin in allowed_origins],
            languages=list(languages),
            collections=list(collections),
            queue=queue,
            policy=dict(policy or {}),
            texts=dict(texts or {}),
            look=dict(look or {}),
            created=now or utc_now(),
        )
    )
    return get(conn, ident)


def clean_origin(text: str) -> str:
    """An origin as browsers send it, `https://host[:port]` in lower case, or "*".

    Raises:
        Invalid: `bad_allowed_origin`.
    """
    text = text.strip()
    if text == "*":
        return text
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise _no_origin(text) from None
    if parts.scheme not in USUAL_PORTS or not host or parts.path not in {"", "/"} or "@" in parts.netloc:
        raise _no_origin(text)
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in {None, USUAL_PORTS[parts.scheme]} else f":{port}")


def _no_origin(text: str) -> Invalid:
    return Invalid(
        "bad_allowed_origin",
        f"“{text[:80]}”不是网站来源；请写成 https://shop.example.com（可带端口，不带路径）。",
        f"'{text[:80]}' is no origin; write https://shop.example.com, with its port, without a path.",
    )


def change(conn: Connection, workspace: str, inbox: str, **fields: Any) -> Inbox:
    """Set fields of `SETTABLE`; Invalid(`bad_field`, `bad_allowed_origin`), NotFound."""
    unknown = set(fields) - SETTABLE
    if unknown:
        names = ", ".join(sorted(unknown))
        raise Invalid(
            "bad_field", f"收件箱没有这些设置:{names}。", f"An inbox has no such settings: {names}."
        )
    if "allowed_origins" in fields:
        fields["allowed_origins"] = list(dict.fromkeys(map(clean_origin, fields["allowed_origins"])))
    i = tables.inboxes
    if fields:
        conn.execute(update(i).where(i.c.id == inbox, i.c.workspace == workspace).values(**fields))
    found = get(conn, inbox)
    if found.workspace != workspace:
        raise NotFound("inbox_not_found", "找不到这个收件箱。", "There is no such inbox.")
    return found
