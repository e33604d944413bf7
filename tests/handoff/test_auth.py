"""Who gets in, and who may do what."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest

from handoff import agents, auth, inboxes, visitors
from handoff.auth import ACTIONS, GRANTS, Principal, Resource, Scope, authorise
from handoff.domain import Availability, Role
from handoff.errors import Conflict, Forbidden, HandoffError, Invalid, NotFound, Unauthenticated
from handoff.tokens import digest, new_secret
from handoff.writer import Database
from tests.doubles import Clock

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def password_hash() -> str:
    """Hashed once: 24 ms."""
    return agents.hash_password(PASSWORD)


@pytest.fixture
def ling(database: Database, password_hash: str, clock: Clock) -> agents.Agent:
    return database.write_now(
        lambda conn: agents.create(
            conn,
            workspace="default",
            email="Ling@Shop.example ",
            name="玲",
            password_hash=password_hash,
            now=clock(),
        )
    )


async def sign_in(
    database: Database, clock: Clock, password: str = PASSWORD, email: str = "ling@shop.example"
) -> auth.SignedIn:
    return await auth.sign_in(database, workspace="default", email=email, password=password, now=clock())


def test_passwords_are_argon2id_as_owasp_says(password_hash: str) -> None:
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert agents.verify_password(password_hash, PASSWORD)
    assert not agents.verify_password(password_hash, PASSWORD + " ")
    assert not agents.verify_password("not a hash", PASSWORD)
    with pytest.raises(Invalid, match="password_too_short"):
        agents.hash_password("short")


async def test_signing_in_opens_a_session_that_signing_out_ends(
    database: Database, ling: agents.Agent, clock: Clock
) -> None:
    signed = await sign_in(database, clock, email=" LING@shop.example")
    session = await database.read(lambda conn: auth.session(conn, signed.token, now=clock()))
    assert session.agent.id == ling.id
    assert session.csrf == signed.csrf
    assert session.principal.role is Role.AGENT
    await database.write(lambda conn: auth.sign_out(conn, signed.token))
    with pytest.raises(Unauthenticated, match="no_session"):
        await database.read(lambda conn: auth.session(conn, signed.token, now=clock()))


async def test_sessions_end_after_twelve_hours(database: Database, ling: agents.Agent, clock: Clock) -> None:
    signed = await sign_in(database, clock)
    clock.forward(seconds=12 * 3600)
    with pytest.raises(Unauthenticated):
        await database.read(lambda conn: auth.session(conn, signed.token, now=clock()))


async def test_an_unknown_address_and_a_wrong_password_look_the_same(
    database: Database, ling: agents.Agent, clock: Clock
) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        await sign_in(database, clock, "wrong password")
    with pytest.raises(Unauthenticated) as unknown:
        await sign_in(database, clock, email="nobody@shop.example")
    assert wrong.value.code == unknown.value.code == "bad_credentials"


async def test_five_failures_lock_the_account_for_fifteen_minutes(
    database: Database, ling: agents.Agent, clock: Clock
) -> None:
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="bad_credentials"):
            await sign_in(database, clock, "wrong password")
    with pytest.raises(Unauthenticated, match="locked"):
        await sign_in(database, clock)
    clock.forward(seconds=15 * 60)
    await sign_in(database, clock)
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await sign_in(database, clock, "wrong password")


async def test_a_burst_of_guesses_cannot_outrun_the_lock(
    database: Database, ling: agents.Agent, clock: Clock
) -> None:
    guesses = [sign_in(database, clock, f"guess number {number}") for number in range(12)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, HandoffError)]
    assert codes.count("bad_credentials") == 5
    assert codes.count("locked") == 7


async def test_a_new_password_or_role_ends_sessions_and_tickets(
    database: Database, ling: agents.Agent, clock: Clock, password_hash: str
) -> None:
    signed = await sign_in(database, clock)
    ticket = await auth.issue_ticket(database, auth.agent_principal(ling), now=clock())
    await database.write(lambda conn: agents.set_role(conn, "default", ling.id, Role.SUPERVISOR))
    with pytest.raises(Unauthenticated):
        await database.read(lambda conn: auth.session(conn, signed.token, now=clock()))
    with pytest.raises(Unauthenticated, match="bad_ticket"):
        await database.write(lambda conn: auth.redeem_ticket(conn, ticket, now=clock()))
    signed = await sign_in(database, clock)
    await database.write(lambda conn: agents.set_password(conn, "default", ling.id, password_hash))
    with pytest.raises(Unauthenticated):
        await database.read(lambda conn: auth.session(conn, signed.token, now=clock()))


async def test_a_disabled_account_is_out(database: Database, ling: agents.Agent, clock: Clock) -> None:
    signed = await sign_in(database, clock)
    off = await database.write(lambda conn: agents.set_disabled(conn, "default", ling.id, True))
    assert off.availability is Availability.OFFLINE
    with pytest.raises(Unauthenticated):
        await database.read(lambda conn: auth.session(conn, signed.token, now=clock()))
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await sign_in(database, clock)


def test_addresses_are_unique_and_plausible(
    database: Database, ling: agents.Agent, password_hash: str
) -> None:
    def create(email: str, capacity: int = 4) -> None:
        database.write_now(
            lambda conn: agents.create(
                conn,
                workspace="default",
                email=email,
                name="x",
                password_hash=password_hash,
                capacity=capacity,
            )
        )

    with pytest.raises(Conflict, match="email_taken"):
        create("LING@shop.example")
    for bad in ("", "ling", "@shop.example", "a b@shop.example", "a@b"):
        with pytest.raises(Invalid, match="bad_email"):
            create(bad)
    with pytest.raises(Invalid, match="bad_capacity"):
        create("new@shop.example", 0)


async def test_a_ticket_works_once_for_thirty_seconds_from_its_origin(
    database: Database, ling: agents.Agent, clock: Clock
) -> None:
    principal = auth.agent_principal(ling)

    async def redeem(ticket: str, origin: str | None = None) -> Principal:
        return await database.write(lambda conn: auth.redeem_ticket(conn, ticket, origin=origin, now=clock()))

    ticket = await auth.issue_ticket(database, principal, origin="https://shop.example", now=clock())
    assert len(ticket) == 43
    assert await redeem(ticket, "https://shop.example") == principal
    with pytest.raises(Unauthenticated, match="bad_ticket"):
        await redeem(ticket, "https://shop.example")

    stolen = await auth.issue_ticket(database, principal, origin="https://shop.example", now=clock())
    with pytest.raises(Unauthenticated, match="bad_ticket"):
        await redeem(stolen, "https://evil.example")

    late = await auth.issue_ticket(database, principal, now=clock())
    clock.forward(seconds=30)
    with pytest.raises(Unauthenticated, match="bad_ticket"):
        await redeem(late)
    with pytest.raises(Unauthenticated, match="bad_ticket"):
        await redeem("made up")


async def test_of_many_redeemers_one_gets_in(database: Database, ling: agents.Agent, clock: Clock) -> None:
    ticket = await auth.issue_ticket(database, auth.agent_principal(ling), now=clock())
    tries = [database.write(lambda conn: auth.redeem_ticket(conn, ticket, now=clock())) for _ in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, Principal) for outcome in outcomes) == 1


def test_a_visitor_is_known_by_a_secret_of_which_only_the_hash_is_kept(database: Database) -> None:
    visitor, secret = database.write_now(
        lambda conn: visitors.create(conn, workspace="default", inbox="default")
    )
    found = database.read_now(lambda conn: visitors.authenticate(conn, visitor.id, secret))
    assert found.id == visitor.id

    def refused(who: str, what: str) -> None:
        with pytest.raises(Unauthenticated, match="bad_visitor"):
            database.read_now(lambda conn: visitors.authenticate(conn, who, what))

    refused(visitor.id, new_secret())
    refused(visitor.id, digest(secret))
    refused("nobody", secret)
    refused(visitor.id, "\ud800")
    changed = database.write_now(
        lambda conn: visitors.change(conn, "default", visitor.id, name="李", attributes={"plan": "gold"})
    )
    assert (changed.name, changed.attributes) == ("李", {"plan": "gold"})


def test_inboxes_allow_exact_origins(database: Database) -> None:
    inbox = database.write_now(
        lambda conn: inboxes.change(conn, "default", "default", allowed_origins=["https://shop.example"])
    )
    assert inbox.allows("https://shop.example")
    for origin in ("http://shop.example", "https://shop.example:8443", "https://evil.example", "null", ""):
        assert not inbox.allows(origin)
    with pytest.raises(Invalid, match="bad_field"):
        database.write_now(lambda conn: inboxes.change(conn, "default", "default", id="mine"))
    with pytest.raises(NotFound):
        database.write_now(lambda conn: inboxes.change(conn, "other", "default", name="mine"))


# ---- authorise: the whole table -----------------------------------------------------------------

ME, OTHER = "me", "other"


def principal(role: str) -> Principal:
    if role == "visitor":
        return Principal("visitor", ME, "default", inbox="default")
    return Principal("agent", ME, "default", role=Role(role), queues=frozenset({"sales"}))


RESOURCES = {
    "own": Resource("default", visitor=ME, agent=ME),
    "waiting in my queue": Resource("default", visitor=OTHER, queue="sales", waiting=True),
    "waiting elsewhere": Resource("default", visitor=OTHER, queue="tech", waiting=True),
    "a colleague's": Resource("default", visitor=OTHER, agent=OTHER),
    "with the bot": Resource("default", visitor=OTHER),
    "another tenant's": Resource("elsewhere", visitor=ME, agent=ME, queue="sales", waiting=True),
}
REACH: dict[Scope, set[str]] = {
    "all": set(RESOURCES) - {"another tenant's"},
    "team": {"own", "waiting in my queue"},
    "own": {"own"},
    "self": {"own"},
}


@pytest.mark.parametrize("role", ["visitor", *Role])
@pytest.mark.parametrize("what", RESOURCES)
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_what_is_not_granted_is_denied(role: str, what: str, action: str) -> None:
    scope = GRANTS[role].get(action)
    allowed = scope is not None and what in REACH[scope]
    if allowed:
        authorise(principal(role), action, RESOURCES[what])
        return
    expected = NotFound if scope is not None or what == "another tenant's" else Forbidden
    with pytest.raises(expected):
        authorise(principal(role), action, RESOURCES[what])


def test_the_lines_that_must_never_be_crossed() -> None:
    assert not any(action.startswith(("conversation", "offer", "queue")) for action in GRANTS[Role.EDITOR])
    assert all(scope == "own" for scope in GRANTS["visitor"].values())
    assert "agents.write" not in GRANTS[Role.SUPERVISOR]
    assert "kb.write" not in GRANTS[Role.AGENT]
    assert GRANTS[Role.ADMIN]["conversation.send"] == "own", "nobody speaks in a colleague's chat unseen"
    assert set(get_args(Scope)) == set(REACH)


def test_an_unlisted_action_is_a_mistake_not_a_permission() -> None:
    with pytest.raises(KeyError):
        authorise(principal("admin"), "conversation.delete_everything", RESOURCES["own"])
