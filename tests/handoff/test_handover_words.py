"""What a customer hears when a person is to take over, and the quotes an agent reads."""

from __future__ import annotations

import pytest

from handoff.evidence import last_sentence, quotable
from handoff.handover_words import connecting, nobody
from tests.handoff.scene import Scene


def test_anger_is_met_with_an_apology_and_a_person(scene: Scene) -> None:
    guest = scene.guest()
    scene.desk("ling")
    guest.says("垃圾客服。我都问了三遍了！")
    guest.asks_for_a_person(rule="emotion", evidence=["垃圾", "！！"])
    row = guest.log[-1]
    assert (
        row.body["text_zh"] == "很抱歉让您着急了，正在为您转接人工客服；前面的对话同事都能看到，您不用重复。"
    )
    assert row.body["text_en"].startswith("I'm sorry about this. I'm connecting you to a person now.")
    assert guest.escalations[0]["evidence"] == ["我都问了三遍了！"]


def test_with_nobody_there_only_the_truth_is_told(scene: Scene) -> None:
    guest = scene.guest()
    guest.asks_for_a_person(rule="emotion")
    queued, told = guest.log[-2:]
    assert (queued.body["text_zh"], queued.body["text_en"]) == ("", ""), "one voice"
    assert "很抱歉" in told.body["text_zh"] and "现在没有人工客服在线" in told.body["text_zh"]
    assert "Nobody is at the desk" in told.body["text_en"]
    assert "转接" not in told.body["text_zh"] and "connecting" not in told.body["text_en"]


@pytest.mark.parametrize(
    "rule", ["emotion", "threat", "request", "risk", "repeated_failure", "nothing_found", "new"]
)
def test_every_rule_has_its_words(rule: str) -> None:
    for zh, en in (connecting(rule), nobody(rule)):
        assert zh.endswith("。") and en.endswith(".")
        assert not set(",;:!?") & set(zh)
    assert "您不用重复" in connecting(rule)[0]


def test_where_life_may_be_in_danger_help_is_named_first() -> None:
    for zh, en in (connecting("risk"), nobody("risk")):
        assert zh.startswith("您的安全最重要") and "急救" in zh
        assert en.startswith("Your safety comes first") and "emergency number" in en
    assert "请不要在这里等待" in nobody("risk")[0]


def test_quotes_say_something() -> None:
    assert quotable(["骗子", "!!!", "  等了三天 "], "…") == ["等了三天"]
    assert quotable(["投诉"], "东西坏了。我要投诉！！") == ["我要投诉！！"]
    assert quotable(["?!"], "Where is it? It cost 3.50 dollars. ?!") == ["It cost 3.50 dollars."]
    assert quotable([], "") == []
    assert quotable(["投诉", " "], "") == ["投诉"], "without a text there is nothing better"
    assert last_sentence("!!") == "!!"
    assert len(last_sentence("啊" * 999)) == 200
