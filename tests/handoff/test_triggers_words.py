"""What counts as asking for a person, a threat, a danger, and what only looks like it."""

from __future__ import annotations

import pytest

from handoff.emotion_text import normalise
from handoff.trigger_words import (
    asks_about_person,
    asks_for_person,
    asks_how_to_complain,
    contradicts,
    danger,
    declines_person,
    evades,
    found_nothing,
    thanks,
    threatens,
)

ASKS = """我要转人工
人工
人工???
你好 是人工客服吗
先看看商品 人工
帮我转6号客服 谢谢
请问在线客服，如何转人工
换一个客服来给我处理
转rengong
zhuan人工
轉人工
我要真人客服
能不能让人工来处理
你是人工吗
给我找个能做主的人
叫你们经理来
我不想跟机器人说话
有没有真人
能打电话说吗
人工人工人工
我要和真人聊
麻烦接一下人工谢谢
转接人工客服
呼叫人工服务
找客服
rengong kefu
talk to a human
I want to speak with a real person
agent please
HUMAN NOW
can I talk to someone
get me your manager
connect me to an agent
stop with the bot answers
please transfer me to customer service
is there anyone I can talk to
call me back
put me through to a supervisor
I need a live agent""".splitlines()

NEAR_MISSES = """不用转人工
人工智能是什么
人工费多少
投诉流程在哪里看
退款失败怎么办
昨天转人工了，说三天到账
我在人工客服那里说换一箱货
不用人工，你回答就行
人工客服几点上班
安装要收人工费吗
扫地机器人不工作怎么办
我需要人工草皮
这款是纯人工缝制吗
no need to talk to a human
I don't need an agent, just tell me the price
travel agent discount
how do I add a person to my account
the agent told me it would arrive today
what are customer service hours
human resources email
can I get a password manager""".splitlines()


@pytest.mark.parametrize("text", ASKS)
def test_asking_for_a_person_is_heard_in_any_wording(text: str) -> None:
    assert asks_for_person(normalise(text)), text


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_what_only_looks_like_asking_is_left_alone(text: str) -> None:
    assert asks_for_person(normalise(text)) is None, text


def test_declining_and_asking_about_staff_are_told_apart() -> None:
    assert declines_person("不用转人工")
    assert declines_person("no need to talk to a human")
    assert asks_about_person("人工客服几点上班")
    assert not declines_person("我要转人工")


@pytest.mark.parametrize(
    "text",
    [
        "再不处理我就打12315",
        "我要投诉你们",
        "信不信我曝光你们",
        "等着收律师函吧",
        "我去消协告你们",
        "you will hear from my lawyer",
        "I'm reporting you to the BBB",
        "I'll take you to court",
        "I will file a complaint",
    ],
)
def test_threats_are_heard(text: str) -> None:
    assert threatens(normalise(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "投诉流程在哪里看",
        "怎么投诉快递员",
        "我被买家投诉了怎么办",
        "我不想投诉，只想退款",
        "律师服务怎么购买",
    ],
)
def test_calm_questions_about_complaints_are_no_threat(text: str) -> None:
    assert threatens(normalise(text)) is None, text


def test_a_question_about_complaints_is_remembered_as_near() -> None:
    assert asks_how_to_complain("投诉流程在哪里看")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("我真的不想活了", "self_harm"),
        ("I want to kill myself", "self_harm"),
        ("充电宝冒烟了", "safety"),
        ("the charger caught fire", "safety"),
        ("我要带刀去你们公司", "violence"),
    ],
)
def test_danger_is_heard_at_once(text: str, kind: str) -> None:
    found = danger(normalise(text))
    assert found is not None
    assert found[0] == kind


@pytest.mark.parametrize(
    "text", ["笑死我了", "手机死机了", "急死我了", "炸鸡多少钱", "this fire stick is great", "这个会不会漏电"]
)
def test_figures_of_speech_are_no_danger(text: str) -> None:
    assert danger(normalise(text)) is None


def test_how_the_conversation_goes_is_read_from_both_sides() -> None:
    assert contradicts("不是这个意思")
    assert contradicts("that's not what i asked")
    assert not contradicts("好的谢谢")
    assert evades("非常抱歉，请您耐心等待")
    assert not evades("订单明天送达")
    assert found_nothing("没有找到相关答案，请换个说法")
    assert thanks("好的谢谢")
    assert not thanks("呵呵，谢谢你们啊")
