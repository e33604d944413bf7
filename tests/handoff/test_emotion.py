"""The emotion classifiers: the shipped model, the word lists behind it, and foreign models."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from handoff import emotion_evidence
from handoff.emotion import LABELS, EmotionClassifier, EmotionModelBroken, Exchange, load_emotion
from handoff.emotion_lexicon import LexiconClassifier
from handoff.emotion_model import TransformerClassifier, degree, surface
from handoff.emotion_sarcasm import mocks
from handoff.emotion_text import clip, history_part, is_shouted, language_of, normalise


@pytest.fixture(scope="module")
def shipped() -> EmotionClassifier:
    model = load_emotion()
    model.warm_up()
    return model


def test_the_shipped_model_tells_anger_from_calm_in_both_languages(shipped: EmotionClassifier) -> None:
    assert shipped.name.startswith("jieli-emotion")
    for angry, calm in (
        ("你们到底管不管？我都问了三遍了！骗子！", "我的订单到哪了"),
        ("This is the worst service ever, you people are useless!!", "When will my order arrive?"),
    ):
        loud, quiet = shipped.read(angry), shipped.read(calm)
        assert loud.negative > 0.6 > 0.4 > quiet.negative
        assert loud.clear > quiet.clear
        assert loud.label in LABELS
        assert quiet.label in ("neutral", "positive")
        assert not quiet.evidence


def test_evidence_lies_in_the_customers_own_words(shipped: EmotionClassifier) -> None:
    text = "订单一直不发货，你们就是一群骗子！！"
    reading = shipped.read(text)
    assert reading.evidence
    for span in reading.evidence:
        assert text[span.start : span.end] == span.text


@pytest.mark.parametrize("text", ["", "   ", "？", "😡", "a" * 8000, "催" * 8000, "\x00\ud800"])
def test_odd_input_is_read_without_an_error(shipped: EmotionClassifier, text: str) -> None:
    reading = shipped.read(text, (Exchange(text, text),) * 5)
    assert 0 <= reading.negative <= 1


def test_eight_threads_read_the_same(shipped: EmotionClassifier) -> None:
    texts = ["什么时候发货", "太过分了！", "thanks a lot", "still waiting, this is ridiculous"]
    alone = [shipped.read(t).negative for t in texts]
    found: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: found.append([shipped.read(t).negative for t in texts]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 8


def test_a_missing_model_gives_way_to_the_word_lists_and_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with capture_logs() as logs:
        model = load_emotion(str(tmp_path))
        model.warm_up()
        assert model.read("你们就是骗子！").negative > 0.4
        assert model.name == "lexicon"
    assert [line["event"] for line in logs] == ["emotion_model_fallback"]
    with pytest.raises(EmotionModelBroken) as caught:
        TransformerClassifier(tmp_path).warm_up()
    assert caught.value.code == "emotion_model_broken"
    assert "JIELI_EMOTION_MODEL" in caught.value.en


def test_a_foreign_model_is_read_through_its_label_map(tmp_path: Path, shipped: EmotionClassifier) -> None:
    """A tiny random classifier saved by transformers, with labels only its map explains."""
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    from handoff.emotion import SHIPPED

    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(EmotionModelBroken):
        TransformerClassifier(tmp_path).warm_up()
    (tmp_path / "label_map.json").write_text(json.dumps({"LABEL_0": "neutral", "LABEL_1": "anger"}))
    reading = TransformerClassifier(tmp_path).read("太差了")
    assert reading.label in ("neutral", "anger")
    assert reading.model == tmp_path.name


def test_the_word_lists_mind_negation_and_sarcasm() -> None:
    lexicon = LexiconClassifier()
    assert lexicon.read("我很生气，你们太差劲了！").negative > 0.4
    assert lexicon.read("I'm not angry at all").negative < 0.2
    assert lexicon.read("並不失望").negative < 0.2
    assert lexicon.read("真是好服务，呵呵").label == "sarcasm"
    assert lexicon.read("谢谢，很满意").label == "positive"
    assert lexicon.read("THIS IS RIDICULOUS").intensity > lexicon.read("this is ridiculous").intensity


def test_text_is_brought_to_one_form() -> None:
    assert normalise("我要轉人工") == "我要转人工"
    assert normalise("THIS IS BAD SERVICE") == "this is bad service !!!"
    assert normalise("看 https://x.cn/a?b=1 订单[数字x] #E-s[数字x]") == "看 www 订单0"
    assert normalise("啊啊啊啊啊啊") == "啊啊啊"
    assert normalise("打12315") == "打12315"
    assert language_of("我的 order 呢") == "zh"
    assert language_of("where is my order") == "en"
    assert is_shouted("WHERE IS IT")
    assert not is_shouted("USB")
    assert len(clip("字" * 500, 100)) == 100


def test_history_goes_newest_first_and_is_short() -> None:
    part = history_part(
        [Exchange("一", "甲"), Exchange("二", "乙"), Exchange("三", "丙"), Exchange("四", "丁" * 200)]
    )
    assert "一" not in part
    assert part.index("四") < part.index("三")
    assert len(part) < 200


def test_surface_rises_with_marks_capitals_and_faces() -> None:
    assert surface("在吗") == 0
    assert surface("在吗？？？") > surface("在吗？") > 0
    assert surface("😡") > 0


def test_calibration_is_monotone() -> None:
    import numpy as np

    fit = {"any": [1.0, 0.0, 0.0, 0.0], "clear": [0.0, 1.0, 0.0, 0.0]}
    calm, angry = np.zeros(14), np.zeros(14)
    calm[0], angry[2] = 4.0, 4.0
    assert degree(calm, fit)[0] < degree(angry, fit)[0]
    negative, clear = degree(angry, fit)
    assert clear <= negative <= 1


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("问了三遍了！你们到底管不管？太过分了！", {"太过分了", "你们到底管不管", "问了三遍了"}),
        ("你好我想问一下 这个东西太垃圾了", {"这个东西太垃圾了"}),
        ("订单一直不发货，你们就是一群骗子！！", {"你们就是一群骗子", "订单一直不发货"}),
        (
            "I've asked three times! Do you even read what I write? This is ridiculous.",
            {"This is ridiculous", "Do you even read what I write", "I've asked three times"},
        ),
        ("Hello there. Your support is absolutely useless!", {"Your support is absolutely useless"}),
    ],
)
def test_evidence_is_a_clause_that_a_person_would_quote(
    shipped: EmotionClassifier, text: str, telling: set[str]
) -> None:
    found = shipped.read(text).evidence
    assert found
    assert {span.text for span in found} <= telling
    assert all(text[span.start : span.end] == span.text for span in found)


def _negative_words(texts: Sequence[str]) -> list[float]:
    """Stands for a model: reads the words that are negative, wherever they stand."""
    return [0.9 if re.search("垃圾|骗子|useless|liars", text) else 0.1 for text in texts]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("请问一下你们家卖的那个东西是不是垃圾啊还要我等多久", "是不是垃圾"),
        ("我前天在你们这里买的手机壳到现在没有收到，骗子", "骗子"),
        ("I would like to tell you that all of you are useless at this", "useless at this"),
        ("you are all liars", "you are all liars"),
    ],
)
def test_long_clauses_are_cut_to_what_is_telling_short_ones_stay_whole(text: str, quoted: str) -> None:
    assert emotion_evidence.spans(text, _negative_words)[0].text == quoted


def test_evidence_is_never_a_pronoun_or_a_mark() -> None:
    for text in ("？？？", "你们", "这个那个", "you", "it is!!", "…"):
        assert not emotion_evidence.telling(text)
        assert emotion_evidence.spans(text, _negative_words) == ()
    for text in ("垃圾", "😡", "awful", "没人管"):
        assert emotion_evidence.telling(text)


def test_a_negator_stays_with_what_it_negates() -> None:
    def read(texts: Sequence[str]) -> list[float]:
        return [0.9 if "管" in t else 0.1 for t in texts]

    found = emotion_evidence.spans("我从上个星期一直问到今天根本就没有人管", read)[0].text
    assert found.endswith("管")
    assert len(found) >= emotion_evidence.MIN_HAN


def test_clauses_are_cut_at_marks_and_chinese_at_spaces_too() -> None:
    def cut(text: str) -> list[str]:
        return [text[a:b].strip() for a, b in emotion_evidence.clauses(text)]

    assert cut("问了三遍 没人回，你们管不管？！") == ["问了三遍", "没人回，", "你们管不管？！"]
    assert cut("I paid twice but nobody answers.") == ["I paid twice", "but nobody answers."]
    assert cut("v2.5 is slow") == ["v2.5 is slow"]
    assert len(cut("太差了。" * 30)) == emotion_evidence.MAX_CLAUSES


@pytest.mark.parametrize(
    "text",
    [
        "真是好服务，呵呵",
        "可真快，等了两个月",
        "你们效率真高 第四次发错",
        "oh great, another delay",
        "Thanks for nothing.",
        "Great job, the wrong size for the third time",
    ],
)
def test_open_sarcasm_is_read_as_sarcasm(shipped: EmotionClassifier, text: str) -> None:
    reading = shipped.read(text)
    assert reading.label == "sarcasm"
    assert reading.negative >= 0.8
    assert reading.clear >= 0.5
    assert reading.evidence


@pytest.mark.parametrize(
    "text",
    [
        "真是好服务，下次还来",
        "呵呵 谢谢你哈",
        "第三次来买了，真不错",
        "谢谢你们，就是发错了颜色",
        "真快 两天就到了",
        "great job, thank you",
        "thanks for nothing being broken this time",
        "lovely jacket but the zip is broken",
        "thanks, do you have another colour",
        "great service again, third order this year",
    ],
)
def test_praise_and_thanks_are_not_taken_for_sarcasm(text: str) -> None:
    assert not mocks(normalise(text))


@pytest.mark.parametrize("text", ["在吗", "好的", "你好", "where is my order", "ok", "hello"])
def test_a_calm_single_text_reads_low(shipped: EmotionClassifier, text: str) -> None:
    assert shipped.read(text).negative < 0.1
