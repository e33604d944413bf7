"""A stage for tests that read like the conversation they check: guests, desks and a dispatcher over one
database.
"""

from __future__ import annotations

import itertools
from typing import Any

from handoff import agents, conversations, dispatch, escalation, log, queues, visitors
from handoff.clock import to_ms
from handoff.conversations import Posted
from handoff.dispatch import Dispatched
from handoff.domain import Availability, Change, Conversation, Message, QueueEntry
from handoff.writer import Database
from tests.doubles import Clock

_cids = itertools.count(1)
FAKE_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$o6wYSdCsD2kyVpk8Eot2FcHBIEtEqyHnmX6KD3vlcrw"
)


class Scene:
    """One database, one clock."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def guest(self, language: str = "zh-CN") -> Guest:
        """A new visitor with an open conversation."""

        def unit(conn: Any) -> tuple[str, str]:
            visitor, _ = visitors.create(conn, workspace="default", inbox="default", now=self.clock())
            head, _ = conversations.open_conversation(
                conn,
                workspace="default",
                inbox="default",
                visitor=visitor.id,
                language=language,
                now=self.clock(),
            )
            return visitor.id, head.id

        visitor, conversation = self.database.write_now(unit)
        return Guest(self, visitor, conversation)

    def desk(self, name: str, *, online: bool = True, **fields: Any) -> Desk:
        """A new agent, at the desk unless told otherwise."""
        created = self.database.write_now(
            lambda conn: agents.create(
                conn, workspace="default", email=f"{name}@shop.example", name=name, password_hash=FAKE_HASH,
                now=self.clock(), **fields,
            )
        )  # fmt: skip
        desk = Desk(self, created.id, name)
        if online:
            desk.is_now(Availability.ONLINE)
        return desk

    def tick(self) -> Dispatched:
        """The dispatcher's step."""
        return self.database.write_now(lambda conn: dispatch.tick(conn, self.clock()))

    def later(self, seconds: float) -> Dispatched:
        """Let time pass, then the dispatcher's step."""
        self.clock.forward(seconds=seconds)
        return self.tick()

    def line(self) -> list[QueueEntry]:
        """Who waits."""
        return self.database.read_now(lambda conn: queues.open_entries(conn, "default"))


class Guest:
    """A visitor and their conversation."""

    def __init__(self, scene: Scene, visitor: str, conversation: str) -> None:
        self.scene = scene
        self.visitor = visitor
        self.conversation = conversation

    def says(self, text: str, cid: str | None = None) -> Posted:
        """Post a message."""
        chosen = cid or f"c{next(_cids)}"
        return self.scene.database.write_now(
            lambda conn: conversations.post(
                conn,
                self.conversation,
                visitor=self.visitor,
                cid=chosen,
                body={"text": text},
                now=self.scene.clock(),
            )
        )

    def asks_for_a_person(self, **fields: Any) -> Change:
        """Escalate."""
        wanted: dict[str, Any] = {
            "rule": "request", "priority": 0, "reason_zh": "客户要求人工", "reason_en": "Asked for a person",
        } | fields  # fmt: skip
        return self.scene.database.write_now(
            lambda conn: escalation.request(conn, self.conversation, now=self.scene.clock(), **wanted)
        )

    def stays_with_the_bot(self) -> Change:
        """Leave the queue."""
        return self.scene.database.write_now(
            lambda conn: escalation.stay_with_bot(
                conn, self.conversation, visitor=self.visitor, now=self.scene.clock()
            )
        )

    def ends(self) -> Change:
        """Resolve as the visitor."""
        return self.scene.database.write_now(
            lambda conn: escalation.resolve(
                conn, self.conversation, by=self.visitor, by_visitor=True, now=self.scene.clock()
            )
        )

    def leaves(self, contact: str, text: str) -> Change:
        """Leave a message for the team."""
        return self.scene.database.write_now(
            lambda conn: escalation.leave_message(
                conn,
                self.conversation,
                visitor=self.visitor,
                contact=contact,
                text=text,
                now=self.scene.clock(),
            )
        )

    def is_answered(self, text: str, version: int, **fields: Any) -> Posted:
        """The bot answers, starting from `version`."""
        return self.scene.database.write_now(
            lambda conn: conversations.post_as_bot(
                conn, self.conversation, expected_version=version, body={"text": text},
                now=self.scene.clock(), **fields,
            )
        )  # fmt: skip

    @property
    def head(self) -> Conversation:
        """The conversation now."""
        return self.scene.database.read_now(lambda conn: conversations.get(conn, self.conversation))

    @property
    def log(self) -> list[Message]:
        """All rows."""
        return self.scene.database.read_now(lambda conn: log.history(conn, self.conversation, limit=1000))

    @property
    def events(self) -> list[str]:
        """Names of the event rows."""
        return [row.body["event"] for row in self.log if row.kind == "event"]

    @property
    def escalations(self) -> list[dict[str, Any]]:
        """Escalation records."""
        return self.scene.database.read_now(lambda conn: escalation.of(conn, self.conversation))


class Desk:
    """An agent at work."""

    def __init__(self, scene: Scene, ident: str, name: str) -> None:
        self.scene = scene
        self.id = ident
        self.name = name

    def is_now(self, availability: Availability) -> None:
        """Set availability (and renew the lease)."""
        self.scene.database.write_now(
            lambda conn: agents.set_availability(
                conn, "default", self.id, availability, now=self.scene.clock()
            )
        )

    def shows_life(self) -> None:
        """A pong: the lease is renewed."""
        self.scene.database.write_now(
            lambda conn: agents.renew_leases(conn, [self.id], now=self.scene.clock())
        )

    def accepts(self, entry: str | None, database: Database | None = None) -> Change:
        """Accept an entry (through another process's database, if given)."""
        assert entry is not None
        return (database or self.scene.database).write_now(
            lambda conn: escalation.accept(
                conn, entry, workspace="default", agent=self.id, now=self.scene.clock()
            )
        )

    def declines(self, entry: str | None) -> Change:
        """Say no to an offer."""
        assert entry is not None
        return self.scene.database.write_now(
            lambda conn: escalation.decline(conn, entry, workspace="default", agent=self.id)
        )

    def takes(self, guest: Guest) -> Change:
        """Take a conversation without an offer."""
        return self.scene.database.write_now(
            lambda conn: escalation.take(
                conn, guest.conversation, workspace="default", agent=self.id, now=self.scene.clock()
            )
        )

    def says(self, guest: Guest, text: str, cid: str | None = None) -> Posted:
        """Write to the visitor."""
        chosen = cid or f"a{next(_cids)}"
        return self.scene.database.write_now(
            lambda conn: conversations.post_as_agent(
                conn, guest.conversation, agent=self.id, cid=chosen, body={"text": text}, name=self.name,
                now=self.scene.clock(),
            )
        )  # fmt: skip

    def transfers(self, guest: Guest, **target: Any) -> Change:
        """Hand over to `to_queue` or `to_agent`."""
        return self.scene.database.write_now(
            lambda conn: escalation.transfer(
                conn, guest.conversation, workspace="default", agent=self.id, now=self.scene.clock(), **target
            )
        )

    def gives_back(self, guest: Guest) -> Change:
        """Return to the bot."""
        return self.scene.database.write_now(
            lambda conn: escalation.return_to_bot(
                conn, guest.conversation, workspace="default", agent=self.id, now=self.scene.clock()
            )
        )

    def resolves(self, guest: Guest) -> Change:
        """Close the conversation."""
        return self.scene.database.write_now(
            lambda conn: escalation.resolve(
                conn, guest.conversation, by=self.id, workspace="default", now=self.scene.clock()
            )
        )


def milliseconds(clock: Clock) -> int:
    """The clock in wire units."""
    return to_ms(clock())
