"""Who may do what: principals, one `authorise`, sessions, socket tickets."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection, delete, select

from handoff import agents, tables, visitors
from handoff.clock import utc_now
from handoff.domain import Conversation, Role
from handoff.errors import Forbidden, NotFound, Unauthenticated
from handoff.tokens import digest, new_secret
from handoff.writer import Database

TICKET_LIFE: Final = timedelta(seconds=30)
SESSION_LIFE: Final = timedelta(hours=12)
_hashing = ThreadPoolExecutor(2, "argon2")  # 24 ms and 19 MiB each: two at a time; threads start when used


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks. `role` is an agent's; `inbox` is a visitor's."""

    kind: Literal["visitor", "agent", "bot", "system"]
    id: str
    workspace: str
    name: str = ""
    role: Role | None = None
    queues: frozenset[str] = frozenset()
    inbox: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for. Leave out what does not apply; `workspace` always does.

    Attributes:
        visitor, agent: the owners of a conversation, if any; `agent` also of a presence or an offer.
        queue: the queue in which the conversation waits or would wait.
        waiting: whether it waits in that queue now.
    """

    workspace: str
    visitor: str | None = None
    agent: str | None = None
    queue: str | None = None
    waiting: bool = False

    @classmethod
    def of(cls, head: Conversation, *, queue: str | None = None) -> Resource:
        """A conversation; `queue` is that of its open entry, if it waits."""
        return cls(head.workspace, head.visitor, head.agent, queue, queue is not None)


Scope = Literal["own", "team", "all", "self"]
_VISITOR: Final[dict[str, Scope]] = dict.fromkeys(
    (
        "conversation.read", "conversation.send", "conversation.typing", "conversation.mark_read",
        "conversation.request_human", "conversation.stay_with_bot", "conversation.leave_message",
        "conversation.rate", "conversation.feedback", "conversation.end",
    ),
    "own",
)  # fmt: skip
_AGENT: Final[dict[str, Scope]] = {
    "conversation.read": "team",
    "conversation.note": "team",
    "conversation.mark_read": "team",
    "conversation.take": "team",
    "conversation.send": "own",
    "conversation.typing": "own",
    "conversation.transfer": "own",
    "conversation.return_to_bot": "own",
    "conversation.resolve": "own",
    "offer.accept": "team",
    "offer.decline": "self",
    "presence.set": "self",
    "escalation.judge": "team",
    "queue.read": "all",
    "agents.read": "all",
    "canned.read": "all",
    "left_messages.read": "all",
    "left_messages.write": "all",  # who answers one ticks it off
    "kb.search": "all",
}
_SUPERVISOR: Final[dict[str, Scope]] = {
    **dict.fromkeys(_AGENT, "all"),
    "conversation.send": "own",
    "conversation.typing": "own",
    "offer.decline": "self",
    "presence.set": "self",
    "canned.write": "all",
    "kb.read": "all",
    "kb.write": "all",
    "reports.read": "all",
}
_EDITOR: Final[dict[str, Scope]] = {
    "kb.read": "all",
    "kb.write": "all",
    "kb.search": "all",
    "canned.read": "all",
    "presence.set": "self",
}
_ADMIN: Final[dict[str, Scope]] = {
    **_SUPERVISOR,
    "agents.write": "all",
    "inboxes.write": "all",
    "audit.read": "all",
}
GRANTS: Final[dict[str, dict[str, Scope]]] = {
    "visitor": _VISITOR,
    Role.AGENT: _AGENT,
    Role.SUPERVISOR: _SUPERVISOR,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
}
"""Role → action → how far it reaches. What is not listed is denied."""
ACTIONS: Final = frozenset(action for grants in GRANTS.values() for action in grants)


def authorise(principal: Principal, action: str, resource: Resource) -> None:
    """Deny unless a grant covers it.

    Raises Forbidden(`forbidden`) when the role never may; NotFound(`not_found`) when this thing is not
    theirs to see,
    so that ids of others cannot be probed. An unknown action is a KeyError: a programming mistake, found by
    tests.
    """
    if action not in ACTIONS:
        raise KeyError(action)
    if principal.workspace != resource.workspace:
        raise _hidden()
    if principal.kind in {"bot", "system"}:
        return
    grants = GRANTS["visitor" if principal.kind == "visitor" else str(principal.role)]
    scope = grants.get(action)
    if scope is None:
        raise Forbidden("forbidden", "你没有这项权限。", "You may not do this.")
    if not _covers(scope, principal, resource):
        raise _hidden()


def _covers(scope: Scope, principal: Principal, resource: Resource) -> bool:
    if scope == "all":
        return True
    if principal.kind == "visitor":
        return resource.visitor == principal.id
    if resource.agent == principal.id:
        return True
    return (
        scope == "team" and resource.agent is None and resource.waiting and resource.queue in principal.queues
    )


def _hidden() -> NotFound:
    return NotFound("not_found", "找不到你要的内容。", "There is no such thing.")


def visitor_principal(visitor: visitors.Visitor) -> Principal:
    """The principal that a visitor acts as."""
    return Principal("visitor", visitor.id, visitor.workspace, visitor.name or "", inbox=visitor.inbox)


def agent_principal(agent: agents.Agent) -> Principal:
    """The principal that an account acts as."""
    return Principal("agent", agent.id, agent.workspace, agent.name, agent.role, agent.queues)


# ---- signing in ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: `token` goes into the cookie, `csrf` into the page; neither is stored readably but
    csrf.
    """

    agent: agents.Agent
    token: str
    csrf: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session found by its token."""

    agent: agents.Agent
    principal: Principal
    csrf: str
    expires: datetime


async def sign_in(
    database: Database, *, workspace: str, email: str, password: str, now: datetime | None = None
) -> SignedIn:
    """Check a password and open a session of 12 hours.

    Raises Unauthenticated: `bad_credentials` (no hint which of the two was wrong, and as slow for an
    unknown address), `locked` for 15 minutes after five failures.
    """
    found = await database.write(lambda conn: agents.begin_login(conn, workspace, email, now=now))
    stored = found[1] if found else _NOBODYS_HASH
    loop = asyncio.get_running_loop()
    right = await loop.run_in_executor(_hashing, agents.verify_password, stored, password)
    if found is None or not right:
        raise Unauthenticated("bad_credentials", "邮箱或密码不正确。", "The e-mail or the password is wrong.")
    agent, token, csrf = found[0], new_secret(), new_secret()

    def finish(conn: Connection) -> None:
        agents.login_succeeded(conn, agent.id)
        open_session(conn, agent, token=token, csrf=csrf, now=now)

    await database.write(finish)
    return SignedIn(agent, token, csrf)


_NOBODYS_HASH: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$o6wYSdCsD2kyVpk8Eot2FcHBIEtEqyHnmX6KD3vlcrw"
)


def open_session(
    conn: Connection, agent: agents.Agent, *, token: str, csrf: str, now: datetime | None = None
) -> None:
    """Store a session for secrets that the caller made."""
    now = now or utc_now()
    s = tables.sessions
    conn.execute(delete(s).where(s.c.expires < now))
    conn.execute(
        s.insert().values(
            token_hash=digest(token),
            workspace=agent.workspace,
            agent=agent.id,
            csrf=csrf,
            created=now,
            expires=now + SESSION_LIFE,
        )
    )


def session(conn: Connection, token: str, *, now: datetime | None = None) -> Session:
    """The session of a cookie; Unauthenticated(`no_session`) when it is unknown, expired or its account
    disabled.
    """
    s = tables.sessions
    row = conn.execute(
        select(s).where(s.c.token_hash == digest(token), s.c.expires > (now or utc_now()))
    ).one_or_none()
    if row is not None:
        agent = agents.get(conn, row.workspace, row.agent)
        if not agent.disabled:
            return Session(agent, agent_principal(agent), row.csrf, row.expires)
    raise Unauthenticated("no_session", "请先登录。", "Sign in first.")


def sign_out(conn: Connection, token: str) -> None:
    """End one session."""
    s = tables.sessions
    conn.execute(delete(s).where(s.c.token_hash == digest(token)))


# ---- socket tickets -----------------------------------------------------------------------------


def store_ticket(
    conn: Connection,
    principal: Principal,
    ticket: str,
    *,
    origin: str | None = None,
    now: datetime | None = None,
) -> None:
    """Make `ticket` (`new_secret()`) good for one hello within 30 s, from `origin` if given."""
    now = now or utc_now()
    t = tables.socket_tickets
    conn.execute(delete(t).where(t.c.expires < now))
    conn.execute(
        t.insert().values(
            ticket_hash=digest(ticket),
            workspace=principal.workspace,
            principal=principal.kind,
            principal_id=principal.id,
            origin=origin,
            expires=now + TICKET_LIFE,
        )
    )


async def issue_ticket(
    database: Database, principal: Principal, *, origin: str | None = None, now: datetime | None = None
) -> str:
    """A new ticket: 256 bits, single use, 30 s."""
    ticket = new_secret()
    await database.write(lambda conn: store_ticket(conn, principal, ticket, origin=origin, now=now))
    return ticket


def redeem_ticket(
    conn: Connection, ticket: str, *, origin: str | None = None, now: datetime | None = None
) -> Principal:
    """Use a ticket up (DELETE … RETURNING) and give its principal, read afresh from the database.

    Raises Unauthenticated(`bad_ticket`): unknown, used, expired, or issued to another origin. A write unit.
    """
    t = tables.socket_tickets
    row = conn.execute(
        delete(t)
        .where(t.c.ticket_hash == digest(ticket))
        .returning(t.c.workspace, t.c.principal, t.c.principal_id, t.c.origin, t.c.expires)
    ).one_or_none()
    bad = Unauthenticated("bad_ticket", "连接凭证无效或已过期。", "The ticket is not valid or has expired.")
    if row is None or row.expires <= (now or utc_now()) or (row.origin is not None and row.origin != origin):
        raise bad
    if row.principal == "visitor":
        return visitor_principal(visitors.get(conn, row.workspace, row.principal_id))
    agent = agents.get(conn, row.workspace, row.principal_id)
    if agent.disabled:
        raise bad
    return agent_principal(agent)
