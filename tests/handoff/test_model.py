"""Two visitors, two agents, a bot, time and crashes in any order: the record's invariants hold.

I1 acknowledged is never lost · I2 one row for each (conversation, sender, cid) · I3 seq is dense · I4 the
acknowledged seq is the stored one · I5 at most one agent at any version · I6 the bot never speaks after a
handoff · I7 after recovery every angry message has its conversation queued or with an agent.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import create_engine, select

from handoff import agents, conversations, escalation, log, queues, tables, verdicts
from handoff.conversations import Posted
from handoff.domain import Author, Availability, Conversation, Kind, Message, QueueEntry, Status
from handoff.errors import Conflict
from handoff.seed import ensure_defaults
from handoff.writer import Database
from tests.doubles import Clock
from tests.handoff.scene import Guest, Scene

EXAMPLES = int(os.environ.get("JIELI_MODEL_EXAMPLES", "10"))
STEPS = 30
who = st.integers(0, 1)
Seen = tuple[Conversation, list[Message], list[dict[str, Any]]]

OWNER_AFTER = {
    "opened": Status.WITH_BOT,
    "reopened": Status.WITH_BOT,
    "returned_to_bot": Status.WITH_BOT,
    "queued": Status.QUEUED,
    "requeued": Status.QUEUED,
    "assigned": Status.WITH_AGENT,
    "resolved": Status.RESOLVED,
}


class Model(RuleBasedStateMachine):
    """The system under any sequence of events."""

    def __init__(self, opened: Callable[[], Database]) -> None:
        super().__init__()
        self.opened = opened
        self.acknowledged: dict[tuple[str, str, str], tuple[str, int]] = {}
        self.turns: list[tuple[Guest, Posted]] = []  # bot turns in flight; a crash forgets them
        self.owners: dict[tuple[str, int], str | None] = {}
        self.count = 0

    @initialize()
    def everybody_arrives(self) -> None:
        self.scene = Scene(self.opened(), Clock())
        self.scene.database.write_now(ensure_defaults)
        self.guests = [self.scene.guest(), self.scene.guest("en")]
        self.desks = [self.scene.desk("ling", capacity=1), self.scene.desk("mei", capacity=2)]

    # ---- visitors -------------------------------------------------------------------------------

    def _remember(self, guest: Guest, posted: Posted) -> None:
        message = posted.message
        assert message.cid is not None
        key = (guest.conversation, message.author_id, message.cid)
        known = self.acknowledged.get(key)
        assert posted.dup == (known is not None)
        assert known is None or known == (message.body["text"], message.seq)
        self.acknowledged[key] = (message.body["text"], message.seq)

    @rule(guest=who, angry=st.booleans())
    def says(self, guest: int, angry: bool) -> None:
        self.count += 1
        someone = self.guests[guest]
        posted = someone.says("气死我了!" if angry else "请问怎么退货?", cid=f"m{self.count}")
        self._remember(someone, posted)
        if posted.status is Status.WITH_BOT:
            self.turns.append((someone, posted))

    @rule(guest=who, data=st.data())
    def sends_again(self, guest: int, data: st.DataObject) -> None:
        someone = self.guests[guest]
        mine = [key for key in self.acknowledged if key[1] == someone.visitor]
        if mine:
            key = data.draw(st.sampled_from(mine))
            self._remember(someone, someone.says(self.acknowledged[key][0], cid=key[2]))

    @rule(guest=who, act=st.sampled_from(["asks_for_a_person", "stays_with_the_bot", "ends"]))
    def visitor_acts(self, guest: int, act: str) -> None:
        self._unless_refused(getattr(self.guests[guest], act))

    @rule(guest=who)
    def leaves_a_message(self, guest: int) -> None:
        self._unless_refused(lambda: self.guests[guest].leaves("li@example.com", "请回电"))

    # ---- the bot --------------------------------------------------------------------------------

    def _judge(self, conversation: str, row: Message) -> None:
        angry = "气" in row.body["text"]

        def unit(conn: Any) -> None:
            verdicts.store(
                conn, conversation=conversation, seq=row.seq, decision="escalate" if angry else "answer",
                rule="emotion", score=float(angry), threshold=0.5, negative=float(angry), level=0.0, label="",
                intensity=0.0, evidence=[], signals={}, trajectory={}, reason_zh="", reason_en="",
                now=self.scene.clock(),
            )  # fmt: skip
            if angry and conversations.get(conn, conversation).status is not Status.RESOLVED:
                escalation.request(
                    conn, conversation, rule="emotion", priority=2, reason_zh="生气", reason_en="angry",
                    now=self.scene.clock(),
                )  # fmt: skip

        self.scene.database.write_now(unit)

    @rule(data=st.data())
    def bot_judges(self, data: st.DataObject) -> None:
        if self.turns:
            guest, posted = data.draw(st.sampled_from(self.turns))
            self._judge(guest.conversation, posted.message)

    @rule(data=st.data())
    def bot_answers(self, data: st.DataObject) -> None:
        if self.turns:
            self._answer(*self.turns.pop(data.draw(st.integers(0, len(self.turns) - 1))))

    @rule(guest=who, desk=who, act=st.sampled_from(["asks_for_a_person", "ends", "takes"]))
    def bot_is_overtaken(self, guest: int, desk: int, act: str) -> None:
        """The conversation changes hands while the answer is being written."""
        self.says(guest, False)
        if act == "takes":
            self.agent_acts(desk, guest, act)
        else:
            self.visitor_acts(guest, act)
        if self.turns:
            self._answer(*self.turns.pop())

    def _answer(self, guest: Guest, posted: Posted) -> None:
        before = guest.head
        mine = before.status is Status.WITH_BOT and before.version == posted.version
        try:
            answered = guest.is_answered("请看退货说明", posted.version, cid=f"answer:{posted.message.seq}")
        except Conflict as fenced:
            assert fenced.code == "fenced"
            assert not mine
        else:
            assert mine or answered.dup
            self._remember(guest, answered)

    # ---- agents ---------------------------------------------------------------------------------

    @rule(desk=who, availability=st.sampled_from(Availability))
    def agent_is(self, desk: int, availability: Availability) -> None:
        self.desks[desk].is_now(availability)

    @rule(desk=who, data=st.data())
    def agent_answers_an_offer(self, desk: int, data: st.DataObject) -> None:
        line = self.scene.line()
        if line:
            entry = data.draw(st.sampled_from(line)).id
            act = data.draw(st.sampled_from([self.desks[desk].accepts, self.desks[desk].declines]))
            self._unless_refused(lambda: act(entry))

    @rule(desk=who, guest=who, act=st.sampled_from(["takes", "gives_back", "resolves"]))
    def agent_acts(self, desk: int, guest: int, act: str) -> None:
        self._unless_refused(lambda: getattr(self.desks[desk], act)(self.guests[guest]))

    @rule(desk=who, guest=who, to_colleague=st.booleans())
    def agent_transfers(self, desk: int, guest: int, to_colleague: bool) -> None:
        target = {"to_agent": self.desks[1 - desk].id} if to_colleague else {"to_queue": "default"}
        self._unless_refused(lambda: self.desks[desk].transfers(self.guests[guest], **target))

    @rule(desk=who, guest=who)
    def agent_says(self, desk: int, guest: int) -> None:
        self.count += 1
        someone, agent = self.guests[guest], self.desks[desk]
        owned = someone.head.agent == agent.id
        try:
            self._remember(someone, agent.says(someone, "您好", cid=f"m{self.count}"))
        except Conflict as refused:
            assert refused.code == "not_yours"
            assert not owned
        else:
            assert owned

    # ---- the world ------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0, 1, 20, 31, 80]), alive=st.lists(who, unique=True))
    def time_passes(self, seconds: int, alive: list[int]) -> None:
        self.scene.clock.forward(seconds=seconds)
        for desk in alive:
            self.desks[desk].shows_life()
        self.scene.tick()

    @rule()
    def a_unit_explodes(self) -> None:
        def explode(conn: Any) -> None:
            head = conversations.get(conn, self.guests[0].conversation)
            draft = log.Draft(Author.SYSTEM, "system", "", Kind.EVENT, {"event": "opened"})
            log.append(conn, head.id, draft, self.scene.clock())
            raise ZeroDivisionError

        try:
            self.scene.database.write_now(explode)
        except ZeroDivisionError:
            return
        raise AssertionError("the failure was swallowed")

    @rule()
    def crash_and_recovery(self) -> None:
        self.scene.database.close()
        self.turns.clear()
        self.scene.database = self.opened()
        for row in self.scene.database.read_now(conversations.unjudged):
            self._judge(row.conversation, row)
            status = next(
                guest for guest in self.guests if guest.conversation == row.conversation
            ).head.status
            if "气" in row.body["text"]:
                assert status in {Status.QUEUED, Status.WITH_AGENT, Status.RESOLVED}, "I7"
        assert self.scene.database.read_now(conversations.unjudged) == []

    def _unless_refused(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Conflict:
            return

    # ---- what always holds ----------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        line, offers, seen = self.scene.database.read_now(self._look)
        for head, rows, records in seen:
            self._the_log_is_dense_and_complete(head, rows)
            self._ownership_is_single_and_the_log_tells_it(head, rows)
            waiting = [entry for entry in line if entry.conversation == head.id]
            assert len(waiting) == (head.status is Status.QUEUED)
            going_on = [record for record in records if record["ended"] is None]
            assert len(going_on) == (head.status in {Status.QUEUED, Status.WITH_AGENT})
            assert all(record["outcome"] for record in records if record["ended"] is not None)
        for desk, capacity in zip(self.desks, (1, 2), strict=True):
            assert sum(head.agent == desk.id for head, _, _ in seen) <= capacity
            assert offers.get(desk.id, 0) <= 1

    def _look(self, conn: Any) -> tuple[list[QueueEntry], dict[str, int], list[Seen]]:
        seen = [
            (
                conversations.get(conn, guest.conversation),
                log.history(conn, guest.conversation, limit=1000),
                escalation.of(conn, guest.conversation),
            )
            for guest in self.guests
        ]
        return queues.open_entries(conn, "default"), agents.pending_offers(conn, "default"), seen

    def _the_log_is_dense_and_complete(self, head: Conversation, rows: list[Message]) -> None:
        assert [row.seq for row in rows] == list(range(1, head.last_seq + 1)), "I3"
        sent = [(row.author_id, row.cid) for row in rows if row.cid is not None]
        assert len(sent) == len(set(sent)), "I2"
        for (conversation, sender, cid), (text, seq) in self.acknowledged.items():
            if conversation == head.id:
                row = rows[seq - 1]
                assert (row.author_id, row.cid, row.body["text"]) == (sender, cid, text), "I1, I4"

    def _ownership_is_single_and_the_log_tells_it(self, head: Conversation, rows: list[Message]) -> None:
        assert (head.agent is not None) == (head.status is Status.WITH_AGENT), "I5"
        assert self.owners.setdefault((head.id, head.version), head.agent) == head.agent, "I5"
        owner = Status.WITH_BOT
        for row in rows:
            if row.kind is Kind.EVENT:
                owner = OWNER_AFTER.get(row.body["event"], owner)
            elif row.author is Author.BOT:
                assert owner is Status.WITH_BOT, "I6"
            elif row.author is Author.AGENT and row.kind is Kind.TEXT:
                assert owner is Status.WITH_AGENT
        assert owner is head.status

    def teardown(self) -> None:
        if hasattr(self, "scene"):
            self.scene.database.close()


def _empty(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        for table in tables.metadata.sorted_tables:
            conn.execute(table.delete())
        assert conn.execute(select(tables.conversations.c.id)).first() is None
    engine.dispose()


def test_the_invariants_hold_whatever_happens(database_url: str) -> None:
    class Here(Model):
        def __init__(self) -> None:
            _empty(database_url)
            super().__init__(lambda: Database(database_url))

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
