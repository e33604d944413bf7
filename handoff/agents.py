"""Agents: accounts, passwords, presence and lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import Connection, func, or_, select, update

from handoff import tables
from handoff.clock import utc_now
from handoff.domain import AgentState, Availability, EntryState, Role, Status
from handoff.errors import Conflict, Invalid, NotFound, Unauthenticated
from handoff.log import new_id

LEASE: Final = timedelta(seconds=45)  # renewed while a socket lives
LEAVING: Final = timedelta(seconds=6)  # what is left of the lease without a socket: time for a reload
GRACE: Final = timedelta(seconds=30)  # after a lapsed lease, before the agent's chats go back to the queue
MAX_FAILURES: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
MIN_PASSWORD: Final = 10
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP; some 24 ms


@dataclass(frozen=True, slots=True)
class Agent:
    """An account at the desk."""

    id: str
    workspace: str
    email: str
    name: str
    role: Role
    skills: frozenset[str]
    languages: tuple[str, ...]
    queues: frozenset[str]
    capacity: int
    availability: Availability
    availability_since: datetime
    lease_until: datetime | None
    idle_since: datetime
    disabled: bool
    created: datetime


def hash_password(password: str) -> str:
    """Argon2id (m=19456 t=2 p=1); about 24 ms of CPU, so run it on a worker thread, never inside a unit.

    Raises Invalid(`password_too_short`) under ten characters.
    """
    if len(password) < MIN_PASSWORD:
        raise Invalid(
            "password_too_short",
            f"密码至少 {MIN_PASSWORD} 个字符。",
            f"A password has at least {MIN_PASSWORD} characters.",
        )
    return _hasher.hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Whether the password is right; as slow as hashing."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def normal_email(email: str) -> str:
    """The form in which addresses are compared; Invalid(`bad_email`) when it is none."""
    cleaned = email.strip().lower()
    local, at, domain = cleaned.rpartition("@")
    if (
        not at
        or not local
        or "." not in domain
        or len(cleaned) > 320
        or not cleaned.isprintable()
        or " " in cleaned
    ):
        raise Invalid("bad_email", "邮箱地址不正确。", "This is not an e-mail address.")
    return cleaned


def _agent(row: Any) -> Agent:
    return Agent(
        id=row.id, workspace=row.workspace, email=row.email, name=row.name, role=Role(row.role),
        skills=frozenset(row.skills), languages=tuple(row.languages), queues=frozenset(row.queues),
        capacity=row.capacity, availability=Availability(row.availability),
        availability_since=row.availability_since, lease_until=row.lease_until, idle_since=row.idle_since,
        disabled=row.disabled, created=row.created,
    )  # fmt: skip


def create(
    conn: Connection,
    *,
    workspace: str,
    email: str,
    name: str,
    password_hash: str,
    role: Role = Role.AGENT,
    skills: Sequence[str] = (),
    languages: Sequence[str] = ("zh-CN", "en"),
    queues: Sequence[str] = ("default",),
    capacity: int = 4,
    now: datetime | None = None,
) -> Agent:
    """A new account, offline. Conflict(`email_taken`), Invalid(`bad_email`, `bad_capacity`)."""
    now = now or utc_now()
    email = normal_email(email)
    if not 0 < capacity <= 100:
        raise Invalid("bad_capacity", "同时会话数须在 1 到 100 之间。", "Capacity is 1 to 100 conversations.")
    if find(conn, workspace, email) is not None:
        raise Conflict("email_taken", "这个邮箱已有账号。", "There already is an account with this e-mail.")
    ident = new_id()
    conn.execute(
        tables.agents.insert().values(
            id=ident,
            workspace=workspace,
            email=email,
            name=name,
            password_hash=password_hash,
            role=role,
            skills=list(skills),
            languages=list(languages),
            queues=list(queues),
            capacity=capacity,
            availability=Availability.OFFLINE,
            availability_since=now,
            idle_since=now,
            disabled=False,
            failed_logins=0,
            created=now,
        )
    )
    return get(conn, workspace, ident)


def get(conn: Connection, workspace: str, agent: str) -> Agent:
    """The account; NotFound(`agent_not_found`)."""
    a = tables.agents
    row = conn.execute(select(a).where(a.c.id == agent, a.c.workspace == workspace)).one_or_none()
    if row is None:
        raise NotFound("agent_not_found", "找不到这位客服。", "There is no such agent.")
    return _agent(row)


def find(conn: Connection, workspace: str, email: str) -> Agent | None:
    """The account with this address, or None."""
    a = tables.agents
    row = conn.execute(
        select(a).where(a.c.workspace == workspace, a.c.email == email.strip().lower())
    ).one_or_none()
    return None if row is None else _agent(row)


def all_of(conn: Connection, workspace: str) -> list[Agent]:
    """The workspace's accounts by name, disabled ones included."""
    a = tables.agents
    return [
        _agent(row)
        for row in conn.execute(select(a).where(a.c.workspace == workspace).order_by(a.c.name, a.c.id))
    ]


def set_password(conn: Connection, workspace: str, agent: str, password_hash: str) -> None:
    """A new password ends every session and open ticket of the account."""
    get(conn, workspace, agent)
    a = tables.agents
    conn.execute(
        update(a)
        .where(a.c.id == agent)
        .values(password_hash=password_hash, failed_logins=0, locked_until=None)
    )
    _forget_logins(conn, agent)


def set_role(conn: Connection, workspace: str, agent: str, role: Role) -> Agent:
    """A new role ends every session and open ticket of the account."""
    get(conn, workspace, agent)
    conn.execute(update(tables.agents).where(tables.agents.c.id == agent).values(role=role))
    _forget_logins(conn, agent)
    return get(conn, workspace, agent)


def set_disabled(conn: Connection, workspace: str, agent: str, disabled: bool) -> Agent:
    """A disabled account cannot sign in and is offline."""
    get(conn, workspace, agent)
    values: dict[str, Any] = {"disabled": disabled}
    if disabled:
        values |= {"availability": Availability.OFFLINE, "lease_until": None}
        _forget_logins(conn, agent)
    conn.execute(update(tables.agents).where(tables.agents.c.id == agent).values(**values))
    return get(conn, workspace, agent)


def _forget_logins(conn: Connection, agent: str) -> None:
    conn.execute(tables.sessions.delete().where(tables.sessions.c.agent == agent))
    conn.execute(tables.socket_tickets.delete().where(tables.socket_tickets.c.principal_id == agent))


def begin_login(
    conn: Connection, workspace: str, email: str, *, now: datetime | None = None
) -> tuple[Agent, str] | None:
    """Count an attempt *before* the password is checked, so that a burst of guesses cannot outrun the lock.

    Returns (account, password hash), None when there is no such account.
    Raises Unauthenticated(`locked`) during the 15 minutes after five failures.
    """
    now = now or utc_now()
    a = tables.agents
    row = conn.execute(
        select(a)
        .where(a.c.workspace == workspace, a.c.email == email.strip().lower(), a.c.disabled.is_(False))
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    if row.locked_until is not None and row.locked_until > now:
        raise Unauthenticated(
            "locked",
            "密码错误次数过多,账号已锁定,请 15 分钟后再试。",
            "Too many wrong passwords; the account is locked. Try again in 15 minutes.",
        )
    fresh_start = row.locked_until is not None  # an old lock has run out
    failures = 1 if fresh_start else row.failed_logins + 1
    conn.execute(
        update(a)
        .where(a.c.id == row.id)
        .values(failed_logins=failures, locked_until=now + LOCKED_FOR if failures >= MAX_FAILURES else None)
    )
    return _agent(row), row.password_hash


def login_succeeded(conn: Connection, agent: str) -> None:
    """Forget the failures, the attempt just counted included."""
    a = tables.agents
    conn.execute(update(a).where(a.c.id == agent).values(failed_logins=0, locked_until=None))


# ---- presence -----------------------------------------------------------------------------------


def set_availability(
    conn: Connection, workspace: str, agent: str, availability: Availability, *, now: datetime | None = None
) -> Agent:
    """What the agent says of themselves; anything but offline renews the lease."""
    now = now or utc_now()
    before = get(conn, workspace, agent)
    values: dict[str, Any] = {"availability": availability}
    values["lease_until"] = None if availability is Availability.OFFLINE else now + LEASE
    if availability is not before.availability:
        values["availability_since"] = now
        if availability is Availability.ONLINE:
            values["idle_since"] = now
    conn.execute(update(tables.agents).where(tables.agents.c.id == agent).values(**values))
    return get(conn, workspace, agent)


def renew_leases(conn: Connection, agents: Sequence[str], *, now: datetime | None = None) -> None:
    """These agents' sockets are alive (a pong came): one call for all of a process, every few seconds."""
    if agents:
        a = tables.agents
        conn.execute(
            update(a)
            .where(a.c.id.in_(agents), a.c.availability != Availability.OFFLINE)
            .values(lease_until=(now or utc_now()) + LEASE)
        )


def shorten_lease(conn: Connection, agent: str, *, now: datetime | None = None) -> None:
    """The agent's last socket is gone: after `LEAVING` they are offline to routing unless they come back."""
    a, until = tables.agents, (now or utc_now()) + LEAVING
    conn.execute(update(a).where(a.c.id == agent, a.c.lease_until > until).values(lease_until=until))


def stamps(conn: Connection, agents: Sequence[str]) -> dict[str, tuple[str, str]]:
    """(role, password hash) of those of these accounts that may be signed in; a socket lives as long as its
    owner's stamp does not change.
    """
    a = tables.agents.c
    rows = conn.execute(select(a.id, a.role, a.password_hash).where(a.id.in_(agents), a.disabled.is_(False)))
    return {row.id: (str(Role(row.role)), row.password_hash) for row in rows}


def touch_idle(conn: Connection, agent: str, now: datetime) -> None:
    """The agent has just finished with a conversation: the idle clock starts again."""
    conn.execute(update(tables.agents).where(tables.agents.c.id == agent).values(idle_since=now))


def lapsed(conn: Connection, now: datetime) -> list[Agent]:
    """Agents whose lease ran out (they are offline to routing at once; see `GRACE` for their chats)."""
    a = tables.agents
    rows = conn.execute(
        select(a).where(
            a.c.availability != Availability.OFFLINE, or_(a.c.lease_until.is_(None), a.c.lease_until < now)
        )
    )
    return [_agent(row) for row in rows]


def active_chats(conn: Connection, workspace: str) -> dict[str, int]:
    """Conversations each agent has now."""
    c = tables.conversations.c
    rows = conn.execute(
        select(c.agent, func.count())
        .where(c.workspace == workspace, c.status == Status.WITH_AGENT)
        .group_by(c.agent)
    )
    return {str(agent): int(count) for agent, count in rows.all()}


def states(conn: Connection, workspace: str, now: datetime) -> list[AgentState]:
    """What routing needs: every enabled agent; a lapsed lease shows as offline."""
    active = active_chats(conn, workspace)
    return [
        AgentState(
            id=agent.id, name=agent.name, skills=agent.skills, languages=agent.languages,
            queues=agent.queues, capacity=agent.capacity, active=active.get(agent.id, 0),
            availability=present(agent, now), idle_since=agent.idle_since,
            connected=agent.lease_until is not None and agent.lease_until > now + LEAVING,
        )
        for agent in all_of(conn, workspace)
        if not agent.disabled and agent.role is not Role.EDITOR  # who may see no chats is offered none
    ]  # fmt: skip


def present(agent: Agent, now: datetime) -> Availability:
    """What is true of the agent now: offline once the lease ran out, whatever they last said."""
    if agent.lease_until is None or agent.lease_until < now:
        return Availability.OFFLINE
    return agent.availability


def anyone_for(conn: Connection, workspace: str, queue: str, now: datetime) -> bool:
    """Whether somebody of this queue is at the desk (online, or busy and so back soon)."""
    return any(
        queue in state.queues and state.availability in {Availability.ONLINE, Availability.BUSY}
        for state in states(conn, workspace, now)
    )


def pending_offers(conn: Connection, workspace: str) -> dict[str, int]:
    """Open offers of each agent."""
    q = tables.queue_entries.c
    rows = conn.execute(
        select(q.offered_to, func.count())
        .where(q.workspace == workspace, q.state == EntryState.OFFERED)
        .group_by(q.offered_to)
    )
    return {str(agent): int(count) for agent, count in rows.all()}
