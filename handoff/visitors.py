"""Visitors: the people on the host page, known by a secret of which only the hash is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from handoff import tables
from handoff.clock import utc_now
from handoff.errors import NotFound, Unauthenticated
from handoff.log import new_id
from handoff.tokens import digest, matches, new_secret


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor of one inbox; `verified` when the host page proved who they are."""

    id: str
    workspace: str
    inbox: str
    external_id: str | None
    verified: bool
    name: str | None
    email: str | None
    phone: str | None
    tier: str | None
    attributes: Mapping[str, Any]
    created: datetime
    last_seen: datetime


def _visitor(row: Any) -> Visitor:
    return Visitor(
        row.id, row.workspace, row.inbox, row.external_id, row.verified, row.name, row.email, row.phone,
        row.tier, row.attributes, row.created, row.last_seen,
    )  # fmt: skip


def create(
    conn: Connection,
    *,
    workspace: str,
    inbox: str,
    name: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    secret: str | None = None,
    now: datetime | None = None,
) -> tuple[Visitor, str]:
    """A new anonymous visitor. Returns (visitor, secret): the only time the secret is seen.

    A caller may make the `secret` (`new_secret()`) outside the unit, so that a re-run gives the same one.
    """
    now = now or utc_now()
    secret = secret or new_secret()
    ident = new_id()
    conn.execute(
        tables.visitors.insert().values(
            id=ident,
            workspace=workspace,
            inbox=inbox,
            secret_hash=digest(secret),
            verified=False,
            name=name,
            attributes=dict(attributes or {}),
            created=now,
            last_seen=now,
        )
    )
    return get(conn, workspace, ident), secret


def get(conn: Connection, workspace: str, visitor: str) -> Visitor:
    """The visitor; NotFound(`visitor_not_found`)."""
    v = tables.visitors
    row = conn.execute(select(v).where(v.c.id == visitor, v.c.workspace == workspace)).one_or_none()
    if row is None:
        raise NotFound("visitor_not_found", "找不到这位访客。", "There is no such visitor.")
    return _visitor(row)


def authenticate(conn: Connection, visitor: str, secret: str) -> Visitor:
    """The visitor whose id and secret these are; Unauthenticated(`bad_visitor`)."""
    v = tables.visitors
    row = conn.execute(select(v).where(v.c.id == visitor)).one_or_none()
    if not matches(secret, row.secret_hash if row is not None else None) or row is None:
        raise Unauthenticated(
            "bad_visitor",
            "访客凭证无效,请刷新页面。",
            "The visitor's credentials are not valid; reload the page.",
        )
    return _visitor(row)


def seen(conn: Connection, visitor: str, *, now: datetime | None = None) -> None:
    """The visitor is here now."""
    v = tables.visitors
    conn.execute(update(v).where(v.c.id == visitor).values(last_seen=now or utc_now()))


def change(
    conn: Connection,
    workspace: str,
    visitor: str,
    *,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    tier: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Visitor:
    """Fill in what is known; None leaves a field as it is, `attributes` are merged."""
    old = get(conn, workspace, visitor)
    values: dict[str, Any] = {
        key: value
        for key, value in (("name", name), ("email", email), ("phone", phone), ("tier", tier))
        if value is not None
    }
    if attributes is not None:
        values["attributes"] = {**old.attributes, **attributes}
    if values:
        conn.execute(update(tables.visitors).where(tables.visitors.c.id == visitor).values(**values))
    return get(conn, workspace, visitor)
