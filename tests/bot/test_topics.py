"""What is no question, what is near one, and which language's version answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.answers import Answer, Choice, Retrieved
from bot.pipeline.answering import declined
from bot.pipeline.topics import in_language, nearby
from bot.smalltalk import smalltalk, unclear
from handoff.trigger_words import asks_if_bot
from tests.bot.stand_ins import REFUNDS, SHIPPING, passage

TABLE = passage("物流多久能到", "新疆、西藏 6–9 天，江浙沪 1–2 天。")
TABLE_EN = passage("Delivery times", "Xinjiang, Tibet: 6–9 days; Zhejiang 1–2 days.", language="en")


def reply(text: str, language: str = "zh-CN", *, after_answer: bool = False) -> str:
    found = unclear(text, language, after_answer=after_answer)
    return found.text if found else ""


@pytest.mark.parametrize(
    "text", ["你是机器人吗", "你是人工吗？", "你是不是人工客服", "are you a bot", "Are you a real person?"]
)
def test_asked_whether_it_is_a_bot_it_says_so_and_offers_a_person(text: str) -> None:
    zh, en = smalltalk(text, "zh-CN"), smalltalk(text, "en")
    assert asks_if_bot(text.lower()) is not None  # the verdict offers too, in the chat and in a replay
    assert zh is not None and zh.offer_person and "机器人" in zh.text and "转人工" in zh.text
    assert en is not None and "automated" in en.text and "person" in en.text


def test_a_question_mark_after_an_answer_asks_what_is_unclear() -> None:
    assert "哪里不清楚" in reply("？", after_answer=True)
    assert "unclear" in reply("??", "en", after_answer=True)
    assert "没有看明白" in reply("?")


@pytest.mark.parametrize("text", ["asdfgh", "qwerty", "asdfghjkl", "啊啊啊啊", "zzzzz", "......", "🤔"])
def test_nonsense_is_not_searched_for(text: str) -> None:
    assert "没有看明白" in reply(text) and "did not understand" in reply(text, "en")


@pytest.mark.parametrize("text", ["👍", "🙏🙏", "❤️", "😊"])
def test_a_glad_emoji_is_an_ok(text: str) -> None:
    assert "其他问题" in reply(text) and "anything else" in reply(text, "en")


@pytest.mark.parametrize("text", ["refund", "SP12345", "88888888", "property", "poit", "VC-9", "退款"])
def test_short_questions_and_numbers_are_no_nonsense(text: str) -> None:
    assert reply(text) == "" and reply(text, "en") == ""


def test_the_version_in_the_customers_language_answers() -> None:
    assert in_language((TABLE, SHIPPING, TABLE_EN), "en")[0].title == "Delivery times"
    assert in_language((TABLE, TABLE_EN), "zh-CN")[0] is TABLE
    other = replace(TABLE_EN, text="Open 9 to 21.")
    assert in_language((TABLE, other), "en")[0] is TABLE  # another document, not another version


def test_a_decline_names_what_is_near_without_answering_from_it() -> None:
    near = nearby(Retrieved("运费标准可以谈吗", (SHIPPING, REFUNDS), 0.1))
    answer: Answer = declined("zh-CN", 0.1, near)
    assert near == (Choice("运费标准", "运费标准"),)
    assert "《运费标准》" in answer.text and "99" not in answer.text
    assert not answer.answered and answer.offer_person and not answer.citations
    assert answer.body()["choices"] == [{"title": "运费标准", "question": "运费标准"}]
    assert nearby(Retrieved("今天天气", (SHIPPING, REFUNDS), 0.0)) == ()
