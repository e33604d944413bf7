"""From bot to person and back, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handoff import escalation, left_messages, ratings
from handoff.domain import Availability, Kind, Status
from handoff.errors import Conflict, Invalid, NotFound
from tests.handoff.scene import Scene


def test_an_angry_guest_is_offered_to_the_agent_who_then_has_the_chat(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    guest.says("问了三遍了!你们到底管不管?")
    change = guest.asks_for_a_person(rule="emotion", priority=2, evidence=["三遍"], negative=0.93)
    assert change.changed
    assert [row.body["event"] for row in change.rows] == ["queued"]
    assert change.conversation.status is Status.QUEUED

    ticked = scene.later(2)
    offer = ticked.offers[0]
    assert (offer.agent, offer.entry, offer.conversation) == (ling.id, change.entry, guest.conversation)
    assert "空闲" in offer.why_zh
    assert "idle" in offer.why_en

    scene.clock.forward(seconds=3)
    accepted = ling.accepts(offer.entry)
    assert accepted.conversation.status is Status.WITH_AGENT
    assert accepted.conversation.agent == ling.id
    assert accepted.conversation.version == change.conversation.version + 1
    assert [ended.why for ended in accepted.ended] == ["accepted"]
    record = guest.escalations[0]
    assert record["wait_ms"] == 5_000
    assert record["evidence"] == ["你们到底管不管?"], "two characters say little: the last sentence does"

    ling.says(guest, "您好,我来处理。")
    scene.clock.forward(seconds=60)
    ling.resolves(guest)
    assert guest.head.status is Status.RESOLVED
    assert guest.head.resolved_by == ling.id
    assert guest.head.agent is None
    assert guest.escalations[0]["outcome"] == "resolved"
    assert guest.escalations[0]["handle_ms"] == 60_000
    assert [row.seq for row in guest.log] == list(range(1, len(guest.log) + 1))


def test_asking_twice_queues_once_and_keeps_the_higher_priority(scene: Scene) -> None:
    guest = scene.guest()
    first = guest.asks_for_a_person(priority=1)
    again = guest.asks_for_a_person(priority=3)
    assert not again.changed
    assert again.rows == ()
    assert (again.entry, again.escalation) == (first.entry, first.escalation)
    assert [entry.priority for entry in scene.line()] == [3]
    assert len(guest.escalations) == 1


def test_with_nobody_at_the_desk_the_guest_is_told_and_may_leave_a_message(scene: Scene) -> None:
    guest = scene.guest()
    scene.desk("ling", online=False)
    change = guest.asks_for_a_person()
    assert change.nobody_available
    assert guest.events == ["opened", "queued", "nobody_available"]
    left = guest.leaves("li@example.com", "请回电话")
    assert left.conversation.status is Status.WITH_BOT
    assert guest.escalations[0]["outcome"] == "left_message"
    assert scene.line() == []
    stored = scene.database.read_now(lambda conn: left_messages.all_of(conn, "default"))
    assert [(message.contact, message.text) for message in stored] == [("li@example.com", "请回电话")]
    with pytest.raises(Invalid, match="contact_empty"):
        guest.leaves("  ", "请回电话")


def test_a_waiting_guest_may_stay_with_the_bot(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    guest.asks_for_a_person()
    offer = scene.tick().offers[0]
    change = guest.stays_with_the_bot()
    assert change.conversation.status is Status.WITH_BOT
    assert [(ended.agent, ended.why) for ended in change.ended] == [(ling.id, "withdrawn")]
    assert guest.escalations[0]["outcome"] == "abandoned"
    assert not guest.stays_with_the_bot().changed
    with pytest.raises(Conflict, match="taken"):
        ling.accepts(offer.entry)


def test_a_declined_offer_goes_to_somebody_else_and_keeps_its_place(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    change = guest.asks_for_a_person()
    enqueued = scene.line()[0].enqueued
    offer = scene.tick().offers[0]
    mei = scene.desk("mei")
    assert offer.agent == ling.id
    declined = ling.declines(offer.entry)
    assert [ended.why for ended in declined.ended] == ["declined"]
    second = scene.later(1).offers[0]
    assert (second.agent, second.entry) == (mei.id, change.entry)
    assert scene.line()[0].enqueued == enqueued
    mei.declines(second.entry)
    assert scene.tick().offers[0].agent in {ling.id, mei.id}, "everybody declined: asked again"


def test_an_unanswered_offer_expires_back_to_the_head(scene: Scene) -> None:
    guest, ling, mei = scene.guest(), scene.desk("ling"), scene.desk("mei")
    guest.asks_for_a_person()
    first = scene.tick().offers[0]
    assert scene.later(29).ended == ()
    ling.shows_life()
    mei.shows_life()
    ticked = scene.later(1)
    assert [(ended.agent, ended.why) for ended in ticked.ended] == [(first.agent, "expired")]
    assert ticked.offers[0].agent == ({ling.id, mei.id} - {first.agent}).pop()
    assert ("default", "default") in ticked.moved


def test_capacity_is_never_exceeded(scene: Scene) -> None:
    ling = scene.desk("ling", capacity=1)
    one, two = scene.guest(), scene.guest()
    first, second = one.asks_for_a_person(), two.asks_for_a_person()
    ling.accepts(first.entry)
    with pytest.raises(Conflict, match="full"):
        ling.accepts(second.entry)
    assert two.head.status is Status.QUEUED
    assert scene.tick().offers == ()
    ling.resolves(one)
    assert scene.tick().offers[0].entry == second.entry


def test_accepting_twice_changes_nothing_and_the_loser_hears_who_won(scene: Scene) -> None:
    guest, ling, mei = scene.guest(), scene.desk("ling"), scene.desk("mei")
    entry = guest.asks_for_a_person().entry
    ling.accepts(entry)
    assert not ling.accepts(entry).changed
    with pytest.raises(Conflict, match="taken") as lost:
        mei.accepts(entry)
    assert "ling" in lost.value.zh
    assert guest.head.agent == ling.id


def test_an_offer_is_for_one_agent_but_may_be_taken_over(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    guest.asks_for_a_person()
    offer = scene.tick().offers[0]
    boss = scene.desk("boss")
    with pytest.raises(Conflict, match="offered_elsewhere"):
        boss.accepts(offer.entry)
    taken = boss.takes(guest)
    assert [(ended.agent, ended.why, ended.by) for ended in taken.ended] == [(ling.id, "taken", "boss")]
    assert guest.head.agent == boss.id
    with pytest.raises(Conflict, match="taken"):
        ling.takes(guest)


def test_an_agent_may_take_a_chat_from_the_bot(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    answer_from = guest.says("在吗").version
    taken = ling.takes(guest)
    assert [row.body["event"] for row in taken.rows] == ["queued", "assigned"]
    with pytest.raises(Conflict, match="fenced"):
        guest.is_answered("在的", answer_from)


def test_transfer_to_a_colleague_keeps_the_context(scene: Scene) -> None:
    guest, ling, mei = scene.guest(), scene.desk("ling"), scene.desk("mei")
    ling.accepts(guest.asks_for_a_person(rule="emotion", evidence=["投诉"], negative=0.8).entry)
    change = ling.transfers(guest, to_agent=mei.id, note="客户要退款")
    assert change.conversation.status is Status.QUEUED
    assert [row.kind for row in change.rows] == [Kind.NOTE, Kind.EVENT]
    offer = scene.tick().offers[0]
    assert offer.agent == mei.id
    mei.accepts(offer.entry)
    first, second = guest.escalations
    assert first["outcome"] == "transferred"
    assert (second["rule"], second["evidence"], second["negative"]) == ("transfer", ["投诉"], 0.8)
    with pytest.raises(Conflict, match="not_yours"):
        ling.says(guest, "还在吗")
    with pytest.raises(Invalid, match="transfer_target"):
        mei.transfers(guest)


def test_a_transfer_to_somebody_who_left_goes_to_the_queue(scene: Scene) -> None:
    guest, ling, mei = scene.guest(), scene.desk("ling"), scene.desk("mei")
    ling.accepts(guest.asks_for_a_person().entry)
    ling.transfers(guest, to_agent=mei.id)
    mei.is_now(Availability.OFFLINE)
    assert scene.tick().offers[0].agent == ling.id


def test_back_to_the_bot_with_a_new_version(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    ling.accepts(guest.asks_for_a_person().entry)
    change = ling.gives_back(guest)
    assert change.conversation.status is Status.WITH_BOT
    assert guest.escalations[0]["outcome"] == "returned_to_bot"
    posted = guest.is_answered("还有什么可以帮您?", change.conversation.version)
    assert posted.message.author == "bot"
    with pytest.raises(Conflict, match="not_yours"):
        ling.gives_back(guest)


def test_when_an_agent_vanishes_the_chat_goes_to_the_head_of_the_queue(scene: Scene) -> None:
    lost, ling = scene.guest(), scene.desk("ling")
    asked = scene.clock()
    ling.accepts(lost.asks_for_a_person().entry)
    ling.says(lost, "您好")
    scene.clock.forward(seconds=20)
    other = scene.guest()
    other.asks_for_a_person(priority=5)
    assert scene.later(30).requeued == (), "the lease ran out, the grace did not"
    ticked = scene.later(26)
    assert [agent.id for agent in ticked.gone] == [ling.id]
    assert [change.conversation.id for change in ticked.requeued] == [lost.conversation]
    assert lost.events[-1] == "requeued"
    assert lost.head.status is Status.QUEUED
    mei = scene.desk("mei")
    offer = scene.tick().offers[0]
    assert (offer.conversation, offer.agent) == (lost.conversation, mei.id)
    entry = next(item for item in scene.line() if item.id == offer.entry)
    assert entry.enqueued == asked
    mei.accepts(offer.entry)
    assert len(lost.escalations) == 1
    assert lost.escalations[0]["wait_ms"] == 76_000


def test_a_lease_that_is_renewed_never_lapses(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    ling.accepts(guest.asks_for_a_person().entry)
    for _ in range(6):
        ling.shows_life()
        assert scene.later(25).requeued == ()


def test_a_chat_survives_its_agent_going_offline_by_choice(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    ling.accepts(guest.asks_for_a_person().entry)
    ling.is_now(Availability.AWAY)
    assert scene.later(1).requeued == ()
    assert guest.head.agent == ling.id


def test_the_guest_ends_while_waiting(scene: Scene) -> None:
    guest = scene.guest()
    guest.asks_for_a_person()
    assert guest.ends().conversation.status is Status.RESOLVED
    assert guest.escalations[0]["outcome"] == "abandoned"
    assert not guest.ends().changed
    with pytest.raises(Conflict, match="bad_transition"):
        guest.asks_for_a_person()


def test_rating_comes_after_the_end_and_can_be_changed(scene: Scene) -> None:
    guest = scene.guest()

    def rate(score: int) -> None:
        scene.database.write_now(
            lambda conn: ratings.rate(conn, guest.conversation, visitor=guest.visitor, score=score)
        )

    with pytest.raises(Conflict, match="not_resolved"):
        rate(5)
    guest.ends()
    rate(2)
    rate(4)
    with pytest.raises(Invalid, match="bad_score"):
        rate(6)
    rating = scene.database.read_now(lambda conn: ratings.of(conn, guest.conversation))
    assert rating is not None
    assert rating.score == 4
    assert guest.events.count("rated") == 1


def test_agents_judge_escalations(scene: Scene) -> None:
    guest = scene.guest()
    escalation_id = guest.asks_for_a_person().escalation
    assert escalation_id is not None

    def judge(word: str, workspace: str = "default") -> None:
        scene.database.write_now(
            lambda conn: escalation.judge(conn, workspace=workspace, escalation=escalation_id, judgement=word)
        )

    judge("too_late")
    assert guest.escalations[0]["judgement"] == "too_late"
    with pytest.raises(Invalid, match="bad_judgement"):
        judge("maybe")
    with pytest.raises(NotFound):
        judge("right", workspace="other")


def test_a_strangers_conversation_cannot_be_touched(scene: Scene) -> None:
    guest, stranger = scene.guest(), scene.guest()
    stranger.conversation = guest.conversation
    for act in (stranger.stays_with_the_bot, stranger.ends, lambda: stranger.says("hi")):
        with pytest.raises(NotFound):
            act()


def test_every_escalation_ends_with_its_entry(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    ling.accepts(guest.asks_for_a_person().entry)
    ling.transfers(guest, to_queue="default")
    ling.accepts(scene.line()[0].id)
    scene.clock.now += timedelta(minutes=1)
    ling.resolves(guest)
    assert scene.line() == []
    assert [record["outcome"] for record in guest.escalations] == ["transferred", "resolved"]
