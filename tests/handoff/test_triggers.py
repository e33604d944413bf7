"""The judge, fed with readings that the tests write themselves: each test is a short conversation."""

from __future__ import annotations

import pytest

from handoff.emotion import Exchange, Reading, Span
from handoff.policy import EscalationPolicy, PolicyInvalid
from handoff.triggers import Trajectory, TurnSignals, Verdict, judge

POLICY = EscalationPolicy()


def mood(negative: float, label: str = "neutral", evidence: str = "") -> Reading:
    """A reading as a classifier would give it; `clear` follows steeply."""
    spans = (Span(0, len(evidence), evidence),) if evidence else ()
    clear = max(0.0, (negative - 0.8) * 4)
    return Reading(negative, label, negative, spans, "test", clear, 0.0, max(0.01, negative - 0.1))


def talk(*turns: tuple[str, float, str], policy: EscalationPolicy = POLICY) -> list[Verdict]:
    """Judges (customer's text, negative, bot's reply) one after the other."""
    state = Trajectory()
    history: list[Exchange] = []
    verdicts: list[Verdict] = []
    for text, negative, reply in turns:
        label = "positive" if "谢" in text else "anger" if negative > 0.5 else "neutral"
        signals = TurnSignals(text, "zh", mood(negative, label, text), tuple(history))
        state, verdict = judge(state, signals, policy)
        verdicts.append(verdict)
        history.append(Exchange(text, reply))
    return verdicts


def decisions(*turns: tuple[str, float, str]) -> list[str]:
    return [v.decision for v in talk(*turns)]


def test_a_calm_chat_stays_with_the_bot() -> None:
    assert decisions(("我的订单到哪了", 0.05, "预计明天送达"), ("好的谢谢", 0.01, "不客气")) == [
        "answer",
        "answer",
    ]


def test_clear_anger_reaches_a_person_at_once_and_says_why() -> None:
    (verdict,) = talk(("你们到底管不管！骗子！", 0.95, ""))
    assert (verdict.decision, verdict.rule) == ("escalate", "emotion")
    assert "到底管不管" in verdict.reason_zh
    assert "0.95" in verdict.reason_zh
    assert "threshold" in verdict.reason_en
    assert verdict.priority == 50


def test_one_question_mark_does_not_escalate_but_three_dissatisfied_turns_in_a_row_do() -> None:
    assert decisions(("？", 0.5, "请稍等")) == ["answer"]
    chat = [
        ("怎么还没到", 0.72, "请耐心等待"),
        ("已经等很久了", 0.74, "请耐心等待"),
        ("这也太慢了吧", 0.78, ""),
    ]
    assert decisions(*chat)[-1] == "escalate"


def test_thanks_after_anger_lowers_the_level() -> None:
    verdicts = talk(("太慢了", 0.5, "马上处理"), ("谢谢，解决了", 0.02, "不客气"))
    assert verdicts[1].level < verdicts[0].level / 2


def test_an_offer_is_made_once() -> None:
    chat = [
        ("不是这个意思", 0.2, "抱歉"),
        ("不是，我问的是发票抬头", 0.2, "抱歉"),
        ("我问的是发票抬头", 0.2, ""),
    ]
    assert decisions(*chat).count("offer") <= 1


def test_asking_again_and_rejecting_the_answer_is_a_repeated_failure() -> None:
    verdicts = talk(
        ("发票抬头怎么改成公司的", 0.1, "订单完成后自动开票"),
        ("发票抬头怎么改成公司", 0.3, "抱歉，订单完成后才可以"),
        ("不是这个，我问的是发票抬头怎么改成公司的", 0.4, "抱歉"),
    )
    assert verdicts[-1].decision == "escalate"
    assert verdicts[-1].rule == "repeated_failure"
    assert "重复提问" in verdicts[-1].reason_zh


@pytest.mark.parametrize("text", ["我要转人工", "I want to talk to a human", "轉人工"])
def test_a_request_is_granted_at_once(text: str) -> None:
    (verdict,) = talk((text, 0.0, ""))
    assert (verdict.decision, verdict.rule) == ("escalate", "request")
    assert verdict.evidence[0].text in text


def test_declining_a_person_stays_and_is_told_as_near() -> None:
    (verdict,) = talk(("不用转人工", 0.0, ""))
    assert verdict.decision == "answer"
    assert verdict.signals["near"][0]["rule"] == "declined"
    assert "不要人工" in verdict.reason_zh


def test_danger_comes_before_everything_else() -> None:
    (verdict,) = talk(("我不想活了，转人工", 0.9, ""))
    assert verdict.rule == "risk"
    assert verdict.priority == max(POLICY.priorities.values())


def test_nothing_found_twice_brings_a_person_and_once_offers_one() -> None:
    calm = mood(0.0)
    first = TurnSignals("支持学分兑换吗", "zh", calm, (), answerable=0.1)
    state, verdict = judge(Trajectory(), first, POLICY)
    assert (verdict.decision, verdict.rule) == ("offer", "nothing_found")
    past = (Exchange("支持学分兑换吗", "没有找到答案"),)
    again = TurnSignals("那积分呢", "zh", calm, past, answerable=0.1, answered_before=(False,))
    _, verdict = judge(state, again, POLICY)
    assert (verdict.decision, verdict.rule) == ("escalate", "nothing_found")


def test_judging_is_a_pure_fold_that_survives_storage() -> None:
    signals = TurnSignals("太慢了", "zh", mood(0.5))
    state, verdict = judge(Trajectory(), signals, POLICY)
    assert judge(Trajectory(), signals, POLICY) == (state, verdict)
    assert Trajectory.from_json(state.to_json()) == state
    assert Trajectory.from_json({**state.to_json(), "of_a_later_version": 1}) == state
    assert Trajectory.from_json(None) == Trajectory()


def test_a_policy_can_turn_a_rule_into_an_offer_or_off() -> None:
    offer = EscalationPolicy.from_mapping({"rules": {"request": "offer"}})
    assert talk(("我要转人工", 0.0, ""), policy=offer)[0].decision == "offer"
    off = EscalationPolicy.from_mapping({"rules": {"request": "off"}})
    assert talk(("我要转人工", 0.0, ""), policy=off)[0].decision == "answer"


@pytest.mark.parametrize(
    ("values", "code", "word"),
    [
        ({"threshhold": 0.5}, "policy_unknown_field", "threshhold"),
        ({"threshold": 1.5}, "policy_value", "threshold"),
        ({"threshold": "high"}, "policy_value", "number"),
        ({"mild_turns": 0}, "policy_value", "mild_turns"),
        ({"threshold": 0.2, "offer_threshold": 0.4}, "policy_order", "offer_threshold"),
        ({"rules": {"emotion": "maybe"}}, "policy_value", "rules.emotion"),
        ({"rules": {"mood": "off"}}, "policy_value", "rules.mood"),
        ({"priorities": {"risk": -1}}, "policy_value", "priorities.risk"),
        ({"rules": []}, "policy_value", "mapping"),
    ],
)
def test_a_wrong_policy_says_what_to_mend(values: dict[str, object], code: str, word: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        EscalationPolicy.from_mapping(values)
    assert caught.value.code == code
    assert word in caught.value.en
    assert caught.value.zh


def test_a_policy_survives_its_mapping() -> None:
    policy = EscalationPolicy.from_mapping({"version": 3, "threshold": 0.6, "rules": {"threat": "offer"}})
    assert EscalationPolicy.from_mapping(policy.to_mapping()) == policy
