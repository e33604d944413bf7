"""The small things around a conversation: defaults, queue positions, canned replies, left messages, inboxes."""

from __future__ import annotations

import pytest

from handoff import canned_replies, dispatch, inboxes, left_messages, queues, seed
from handoff.domain import Availability
from handoff.errors import Invalid, NotFound
from handoff.writer import Database
from tests.handoff.scene import Scene


def test_defaults_are_made_once_and_the_epoch_stays(database: Database) -> None:
    first = database.write_now(seed.ensure_defaults)
    again = database.write_now(seed.ensure_defaults)
    assert first == again
    assert (first.workspace, first.inbox, first.queue) == ("default", "default", "default")
    assert len(first.epoch) == 32
    restored = database.write_now(seed.new_epoch)
    assert restored != first.epoch
    assert database.read_now(seed.epoch) == restored
    inbox = database.read_now(lambda conn: inboxes.get(conn, "default"))
    assert set(inbox.texts) == {"zh-CN", "en"}
    with pytest.raises(NotFound, match="inbox_not_found"):
        database.read_now(lambda conn: inboxes.get(conn, "nothing"))


def test_everybody_in_the_line_knows_their_place(scene: Scene) -> None:
    ling = scene.desk("ling", capacity=1)
    for seconds in (10, 20, 30):
        served = scene.guest()
        entry = served.asks_for_a_person().entry
        scene.clock.forward(seconds=seconds)
        ling.shows_life()
        ling.accepts(entry)
        ling.resolves(served)
    busy, first, second = scene.guest(), scene.guest(), scene.guest()
    ling.accepts(busy.asks_for_a_person().entry)
    first.asks_for_a_person()
    scene.clock.forward(seconds=1)
    second.asks_for_a_person()

    def place(conversation: str) -> queues.Position | None:
        return scene.database.read_now(lambda conn: queues.position(conn, conversation, now=scene.clock()))

    here = place(first.conversation)
    assert here is not None
    assert (here.position, here.size) == (1, 2)
    assert here.wait_low_ms is not None
    assert here.wait_high_ms is not None
    assert 0 <= here.wait_low_ms < here.wait_high_ms <= 30_000
    behind = place(second.conversation)
    assert behind is not None
    assert behind.position == 2
    assert behind.wait_high_ms is not None
    assert behind.wait_high_ms > here.wait_high_ms
    assert place(busy.conversation) is None
    ling.is_now(Availability.OFFLINE)
    nobody = place(first.conversation)
    assert nobody is not None
    assert nobody.wait_low_ms is nobody.wait_high_ms is None


def test_an_idle_server_has_nothing_due(scene: Scene) -> None:
    def due() -> bool:
        return scene.database.read_now(lambda conn: dispatch.due(conn, scene.clock()))

    ling = scene.desk("ling")
    assert not due()
    guest = scene.guest()
    guest.asks_for_a_person()
    assert due()
    first = scene.tick()
    assert first.changed
    assert [(state.waiting, state.longest_wait_ms) for state in first.states] == [(1, 0)]
    assert not scene.tick().changed
    ling.accepts(first.offers[0].entry)
    assert not due()
    scene.clock.forward(seconds=46)
    assert due(), "a lease has run out"


def test_skills_of_the_queue_and_of_the_request_are_both_needed(scene: Scene) -> None:
    scene.desk("ling")
    expert = scene.desk("mei", skills=["refund"])
    guest = scene.guest()
    guest.asks_for_a_person(skills=["refund"])
    offer = scene.tick().offers[0]
    assert offer.agent == expert.id
    assert "refund" in offer.why_zh


def test_canned_replies_are_found_by_code_and_language(database: Database) -> None:
    def put(code: str, language: str, text: str) -> canned_replies.CannedReply:
        return database.write_now(
            lambda conn: canned_replies.put(conn, "default", short_code=code, language=language, text=text)
        )

    put("/hello", "zh-CN", "您好!")
    put("hello", "en", "Hello!")
    kept = put("hello", "zh-CN", "您好,很高兴为您服务。")
    found = database.read_now(lambda conn: canned_replies.all_of(conn, "default"))
    assert [(reply.short_code, reply.language, reply.text) for reply in found] == [
        ("hello", "en", "Hello!"),
        ("hello", "zh-CN", "您好,很高兴为您服务。"),
    ]
    with pytest.raises(Invalid, match="bad_short_code"):
        put("two words", "en", "x")
    assert not database.write_now(lambda conn: canned_replies.remove(conn, "other", kept.id))
    assert database.write_now(lambda conn: canned_replies.remove(conn, "default", kept.id))


def test_left_messages_are_worked_off(scene: Scene) -> None:
    one, two = scene.guest(), scene.guest()
    one.leaves("a@example.com", "第一条")
    scene.clock.forward(seconds=5)
    two.leaves("b@example.com", "第二条")
    open_ones = scene.database.read_now(lambda conn: left_messages.all_of(conn, "default"))
    assert [message.text for message in open_ones] == ["第二条", "第一条"]
    done = scene.database.write_now(lambda conn: left_messages.finish(conn, "default", open_ones[0].id))
    assert done.state == "done"
    assert [m.text for m in scene.database.read_now(lambda conn: left_messages.all_of(conn, "default"))] == [
        "第一条",
        "第二条",
    ]
    with pytest.raises(NotFound):
        scene.database.write_now(lambda conn: left_messages.finish(conn, "other", open_ones[1].id))
