"""Handing over without loss: SIGKILL under running chats, and a proof that could fail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.bench.drill_proof import Log, Seen, violations
from bot.cli.main import app
from handoff.protocol import Ack, Msg


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_kills_under_eight_chats_lose_and_double_nothing() -> None:
    done = CliRunner().invoke(
        app, ["bench", "drill", "--chats", "8", "--kills", "2", "--seed", "3", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["jieli"]
    assert found["violations"] == 0 and found["kills"] == 2
    assert found["chats"] == 8 and found["escalations"] >= 3 and found["reconnects"] >= 8


# ---- the proof itself: each broken promise is found -----------------------------------------------


@dataclass
class Told:
    """A small log: a question, an answer, an angry word, an agent."""

    rows: list[SimpleNamespace]
    verdicts: list[SimpleNamespace]
    escalations: list[SimpleNamespace]
    entries: list[SimpleNamespace]
    head: SimpleNamespace

    def log(self) -> Log:
        return Log(
            {"k": self.head}, {"k": self.rows}, {"k": self.verdicts}, {"k": self.escalations},
            {"k": self.entries},
        )  # fmt: skip

    def seen(self, *, visitor: bool = True) -> Seen:
        rows = [
            Msg(conv="k", seq=row.seq, id=row.id, from_=row.author, kind=row.kind, body=row.body, ts=0)
            for row in self.rows
        ]
        acks = {
            row.cid: Ack(cid=row.cid, id=row.id, seq=row.seq) for row in self.rows if row.author == "visitor"
        }
        return Seen("visitor" if visitor else "lin", "k", rows, acks if visitor else {})


def row(seq: int, author: str, body: Mapping[str, Any], *, cid: str | None = None) -> SimpleNamespace:
    kind = "event" if "event" in body else "text"
    who = {"agent": "lin", "visitor": "v", "bot": "bot"}.get(author, "system")
    return SimpleNamespace(
        seq=seq, id=f"m{seq}", author=author, author_id=who, kind=kind, body=dict(body), cid=cid, judged=True
    )


@pytest.fixture
def told() -> Told:
    rows = [
        row(1, "system", {"event": "opened"}),
        row(2, "visitor", {"text": "运费多少？"}, cid="c2"),
        row(3, "bot", {"text": "8 元。"}, cid="answer:2"),
        row(4, "visitor", {"text": "气死我了！"}, cid="c4"),
        row(5, "system", {"event": "queued", "escalation": "e1", "rule": "emotion"}),
        row(6, "system", {"event": "assigned", "agent": "lin"}),
        row(7, "agent", {"text": "抱歉"}, cid="a7"),
    ]
    return Told(
        rows,
        [
            SimpleNamespace(seq=2, decision="answer", rule="none"),
            SimpleNamespace(seq=4, decision="escalate", rule="emotion"),
        ],
        [SimpleNamespace(id="e1", ended=None, rule="emotion")],
        [SimpleNamespace(id="q1", escalation="e1")],
        SimpleNamespace(last_seq=7, version=3, status="with_agent", agent="lin"),
    )


def found(told: Told, *seen: Seen) -> Sequence[str]:
    return violations(told.log(), seen)


def test_a_sound_log_has_nothing_wrong(told: Told) -> None:
    assert found(told, told.seen(), told.seen(visitor=False)) == []


def test_what_a_client_missed_saw_twice_or_saw_otherwise_is_found(told: Told) -> None:
    missed, doubled, other, unsaid = (told.seen() for _ in range(4))
    missed.rows = missed.rows[:-1]
    doubled.rows = [*doubled.rows[:3], doubled.rows[2], *doubled.rows[3:]]
    other.rows = [
        *other.rows[:-1],
        Msg(conv="k", seq=7, id="m7", from_="agent", kind="text", body={"text": "?"}, ts=0),
    ]
    unsaid.acked = {"c9": Ack(cid="c9", id="m9", seq=9)}
    for side, words in (
        (missed, "saw 6 of 7"),
        (doubled, "repeats"),
        (other, "differs"),
        (unsaid, "is lost"),
    ):
        assert any(words in wrong for wrong in found(told, side)), words


def test_a_lost_or_doubled_escalation_is_found(told: Told) -> None:
    told.entries.append(SimpleNamespace(id="q2", escalation="e1"))
    assert any("2 queue entries" in wrong for wrong in found(told))
    told.entries.clear()
    assert any("0 queue entries" in wrong for wrong in found(told))


def test_a_verdict_that_called_nobody_is_found(told: Told) -> None:
    told.rows[4:] = [row(5, "bot", {"text": "亲，请稍等"}, cid="answer:4")]
    told.escalations.clear()
    told.entries.clear()
    told.head = SimpleNamespace(last_seq=5, version=1, status="with_bot", agent=None)
    assert any("nobody was called" in wrong for wrong in found(told))
    assert any("the bot answered it" in wrong for wrong in found(told))


def test_a_bot_that_speaks_after_the_takeover_is_found(told: Told) -> None:
    told.rows.append(row(8, "bot", {"text": "还有什么可以帮您？"}, cid="answer:9"))
    told.head.last_seq = 8
    assert any("the bot speaks while" in wrong for wrong in found(told))


def test_two_owners_of_one_version_are_found(told: Told) -> None:
    told.rows.append(row(8, "system", {"event": "assigned", "agent": "emma"}))
    told.head.last_seq = 8
    wrongs = found(told)
    assert any("assigned while it is with_agent" in wrong for wrong in wrongs)


def test_holes_and_unjudged_turns_are_found(told: Told) -> None:
    told.rows[3].judged = False
    del told.rows[2]
    wrongs = found(told)
    assert any("holes" in wrong for wrong in wrongs) and any("never judged" in wrong for wrong in wrongs)
