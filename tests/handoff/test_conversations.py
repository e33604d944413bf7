"""What a conversation promises to those who write and read it, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff import conversations, feedback, log, verdicts
from handoff.domain import Author, Kind, Message, Status
from handoff.errors import Conflict, Invalid, NotFound
from tests.handoff.scene import Guest, Scene


def test_rows_are_dense_and_say_who_wrote_them(scene: Scene) -> None:
    guest, ling = scene.guest(), scene.desk("ling")
    version = guest.says("我的订单到哪了?").version
    guest.is_answered("请提供订单号。", version)
    ling.accepts(guest.asks_for_a_person().entry)
    ling.says(guest, "您好")
    rows = guest.log
    assert [row.seq for row in rows] == list(range(1, 7))
    assert [row.author for row in rows] == ["system", "visitor", "bot", "system", "system", "agent"]
    assert rows[-1].author_name == "ling"
    assert rows[1].body == {"text": "我的订单到哪了?"}
    assert rows[1].created == scene.clock()
    assert guest.head.last_seq == 6


def test_the_same_cid_and_text_is_stored_once(scene: Scene) -> None:
    guest = scene.guest()
    first = guest.says("你好", cid="one")
    again = guest.says("你好", cid="one")
    assert (first.dup, again.dup) == (False, True)
    assert again.message == first.message
    assert again.rows == ()
    assert len(guest.log) == 2


def test_the_same_cid_with_another_text_is_a_conflict(scene: Scene) -> None:
    guest = scene.guest()
    guest.says("你好", cid="one")
    with pytest.raises(Conflict, match="idem_conflict"):
        guest.says("再见", cid="one")
    assert len(guest.log) == 2


def test_a_cid_belongs_to_its_sender_and_conversation(scene: Scene) -> None:
    one, two, ling = scene.guest(), scene.guest(), scene.desk("ling")
    ling.accepts(one.asks_for_a_person().entry)
    assert not one.says("a", cid="same").dup
    assert not two.says("b", cid="same").dup
    assert not ling.says(one, "c", cid="same").dup


def test_a_repeat_after_the_end_is_still_the_same_message(scene: Scene) -> None:
    guest = scene.guest()
    guest.says("谢谢", cid="bye")
    guest.ends()
    assert guest.says("谢谢", cid="bye").dup
    assert guest.head.status is Status.RESOLVED, "a repeat reopens nothing"


def test_a_new_message_after_the_end_reopens_with_the_bot(scene: Scene) -> None:
    guest = scene.guest()
    guest.ends()
    version = guest.head.version
    posted = guest.says("还有一个问题")
    assert [row.body.get("event") for row in posted.rows] == ["reopened", None]
    assert posted.status is Status.WITH_BOT
    assert posted.version == version + 1
    assert guest.head.resolved is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text_empty"),
        (" \n\t", "text_empty"),
        ("x" * 8_001, "text_too_long"),
        ("a\x00b", "text_control"),
        ("a\x1b[2Jb", "text_control"),
        ("a\x85b", "text_control"),
        ("half \ud83d", "text_surrogate"),
        (7, "text_not_string"),
        (None, "text_not_string"),
    ],
)
def test_text_that_cannot_be_stored_is_refused_by_name(text: object, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        log.clean_text(text)
    assert refused.value.code == code
    assert refused.value.zh
    assert refused.value.en


@pytest.mark.parametrize(
    "text",
    ["x" * 8_000, "第一行\n第二行\t列\r\n", "👨‍👩‍👧 家", "a\u202eb", "e\u0301" * 100, "? % %s :name ?"],
)
def test_any_other_text_comes_back_as_it_was(scene: Scene, text: str) -> None:
    guest = scene.guest()
    guest.says(text)
    assert guest.log[-1].body["text"] == text


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=50))
def test_text_is_either_refused_or_encodable(text: str) -> None:
    try:
        assert log.clean_text(text) == text
    except Invalid:
        return
    text.encode()
    assert "\x00" not in text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["甲", "乙"])), max_size=15))
def test_however_often_it_is_sent_each_cid_is_stored_once(scene: Scene, sends: list[tuple[int, str]]) -> None:
    guest = scene.guest()
    stored: dict[int, tuple[str, int]] = {}
    for cid, text in sends:
        if cid in stored and stored[cid][0] != text:
            with pytest.raises(Conflict, match="idem_conflict"):
                guest.says(text, cid=str(cid))
            continue
        posted = guest.says(text, cid=str(cid))
        assert posted.dup == (cid in stored)
        assert stored.setdefault(cid, (text, posted.message.seq)) == (text, posted.message.seq)
    assert [row.seq for row in guest.log] == list(range(1, len(stored) + 2))


@pytest.mark.parametrize("cid", ["", "x" * 65, "a\nb"])
def test_a_cid_has_a_shape(scene: Scene, cid: str) -> None:
    guest = scene.guest()
    with pytest.raises(Invalid, match="bad_cid"):
        scene.database.write_now(
            lambda conn: conversations.post(
                conn, guest.conversation, visitor=guest.visitor, cid=cid, body={"text": "x"}
            )
        )


def test_the_bots_answer_is_fenced_after_a_handoff(scene: Scene) -> None:
    guest = scene.guest()
    version = guest.says("问题").version
    guest.asks_for_a_person()
    with pytest.raises(Conflict, match="fenced"):
        guest.is_answered("答案", version)
    guest.stays_with_the_bot()
    with pytest.raises(Conflict, match="fenced"):
        guest.is_answered("答案", version)
    guest.is_answered("答案", guest.head.version)
    assert [row.body["text"] for row in guest.log if row.author is Author.BOT] == ["答案"]


def test_an_answer_is_stored_once_and_remembers_that_it_offered_a_person(scene: Scene) -> None:
    guest = scene.guest()
    version = guest.says("问题").version

    def answer() -> bool:
        return scene.database.write_now(
            lambda conn: conversations.post_as_bot(
                conn, guest.conversation, expected_version=version, cid="answer:2",
                body={"text": "没找到", "offer_person": True},
            ).dup
        )  # fmt: skip

    assert [answer(), answer()] == [False, True]
    assert guest.head.offered_person


def test_only_the_owner_writes_to_the_visitor_but_anybody_at_the_desk_writes_notes(scene: Scene) -> None:
    guest, ling, mei = scene.guest(), scene.desk("ling"), scene.desk("mei")
    ling.accepts(guest.asks_for_a_person().entry)
    with pytest.raises(Conflict, match="not_yours"):
        mei.says(guest, "插话")
    note = scene.database.write_now(
        lambda conn: conversations.post_note(
            conn, guest.conversation, agent=mei.id, cid="n1", body={"text": "老客户,小心"}, name="mei"
        )
    )
    assert note.message.kind is Kind.NOTE
    shell = log.for_visitor(note.message)
    assert (shell.kind, shell.body, shell.author_name, shell.seq) == (Kind.PRIVATE, {}, "", note.message.seq)


def test_a_briefing_is_private_and_kept_with_the_escalation(scene: Scene) -> None:
    guest = scene.guest()
    escalation = guest.asks_for_a_person().escalation
    assert escalation is not None
    briefing = {"summary": {"zh": "退款", "en": "refund"}}
    row = scene.database.write_now(
        lambda conn: conversations.post_briefing(
            conn, guest.conversation, escalation=escalation, briefing=briefing
        )
    )
    assert log.for_visitor(row).body == {}
    assert guest.escalations[0]["briefing"] == briefing


def test_reading_in_pages_meets_every_row_once(scene: Scene) -> None:
    guest = scene.guest()
    for number in range(24):
        guest.says(str(number))

    def forward(after: int) -> list[Message]:
        return scene.database.read_now(
            lambda conn: log.history(conn, guest.conversation, after=after, limit=10)
        )

    def back(before: int | None) -> list[Message]:
        return scene.database.read_now(
            lambda conn: log.before(conn, guest.conversation, before=before, limit=10)
        )

    ahead, page = [], forward(0)
    while page:
        ahead += page
        page = forward(page[-1].seq)
    behind: list[Message] = []
    page = back(None)
    while page:
        behind = page + behind
        page = back(page[0].seq)
    assert [row.seq for row in ahead] == list(range(1, 26))
    assert behind == ahead
    assert scene.database.read_now(lambda conn: log.tail(conn, guest.conversation)) == 25
    assert scene.database.read_now(lambda conn: log.tail(conn, "nobody")) == 0


def judged(scene: Scene, guest: Guest, seq: int) -> bool:
    return scene.database.write_now(
        lambda conn: verdicts.store(
            conn, conversation=guest.conversation, seq=seq, decision="answer", rule="calm", score=0.1,
            threshold=0.6, negative=0.2, level=0.1, label="neutral", intensity=0.1,
            evidence=[{"start": 0, "end": 2, "text": "问题"}], signals={"n": 1}, trajectory={"level": 0.1},
            reason_zh="平静", reason_en="calm",
        )
    )  # fmt: skip


def test_a_turn_waits_for_its_verdict_until_it_has_one(scene: Scene) -> None:
    guest = scene.guest()
    seq = guest.says("问题").message.seq
    waiting = scene.database.read_now(conversations.unjudged)
    assert [(row.conversation, row.seq) for row in waiting] == [(guest.conversation, seq)]
    assert judged(scene, guest, seq)
    assert not judged(scene, guest, seq), "the first verdict stands"
    assert scene.database.read_now(conversations.unjudged) == []
    latest = scene.database.read_now(lambda conn: verdicts.latest(conn, guest.conversation))
    assert latest is not None
    assert (latest.trajectory, latest.evidence) == (
        {"level": 0.1},
        [{"start": 0, "end": 2, "text": "问题"}],
    )


def test_turns_with_a_person_wait_for_no_verdict(scene: Scene) -> None:
    guest = scene.guest()
    guest.asks_for_a_person()
    guest.says("有人吗")
    assert scene.database.read_now(conversations.unjudged) == []


def test_a_crash_between_verdict_and_answer_is_found(scene: Scene) -> None:
    guest, other = scene.guest(), scene.guest()
    posted = guest.says("问题")
    other.is_answered("答", other.says("问").version)
    judged(scene, guest, posted.message.seq)

    def unanswered() -> list[str]:
        found = scene.database.read_now(lambda conn: conversations.unanswered(conn, since=scene.clock()))
        return [head.id for head in found]

    assert unanswered() == [guest.conversation]
    guest.is_answered("", posted.version, kind=Kind.BOT_FAILED)
    assert unanswered() == []


def test_read_marks_only_rise_and_stop_at_the_tip(scene: Scene) -> None:
    guest = scene.guest()
    guest.says("a")

    def mark(seq: int) -> int:
        return scene.database.write_now(
            lambda conn: conversations.mark_read(conn, guest.conversation, seq=seq, visitor=True)
        )

    assert [mark(1), mark(99), mark(1)] == [1, 2, 2]
    assert (guest.head.visitor_read_seq, guest.head.agent_read_seq) == (2, 0)


def test_one_open_conversation_for_each_visitor_and_inbox(scene: Scene) -> None:
    guest = scene.guest()

    def open_again() -> str:
        return scene.database.write_now(
            lambda conn: conversations.open_conversation(
                conn, workspace="default", inbox="default", visitor=guest.visitor
            )
        )[0].id

    assert open_again() == guest.conversation
    guest.ends()
    fresh = open_again()
    assert fresh != guest.conversation
    past = scene.database.read_now(lambda conn: conversations.past_of(conn, "default", guest.visitor))
    assert {head.id for head in past} == {fresh, guest.conversation}
    with pytest.raises(NotFound):
        scene.database.read_now(lambda conn: conversations.get(conn, fresh, workspace="other"))


def test_thumbs_go_on_answers_only(scene: Scene) -> None:
    guest = scene.guest()
    posted = guest.says("问题")
    answer = guest.is_answered("答案", posted.version).message

    def thumb(seq: int, helpful: bool) -> None:
        scene.database.write_now(
            lambda conn: feedback.give(
                conn, guest.conversation, visitor=guest.visitor, seq=seq, helpful=helpful
            )
        )

    thumb(answer.seq, True)
    thumb(answer.seq, False)
    with pytest.raises(Invalid, match="not_an_answer"):
        thumb(posted.message.seq, True)
    assert scene.database.read_now(lambda conn: feedback.of(conn, guest.conversation)) == {answer.seq: False}
