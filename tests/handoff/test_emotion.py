"""The emotion classifiers: the shipped model, the word lists behind it, and foreign models."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from handoff import emotion_evidence
from handoff.emotion import LABELS, EmotionClassifier, EmotionModelBroken, Exchange, load_emotion
from handoff.emotion_lexicon import LexiconClassifier
from handoff.emotion_model import TransformerClassifier, degree, surface
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


def test_evidence_cuts_chinese_at_words_and_english_at_spaces() -> None:
    start, end = emotion_evidence.words("到底管不管")[0]
    assert "到底管不管"[start:end] == "到底"
    assert [("so bad!!"[a:b]) for a, b in emotion_evidence.words("so bad!!")] == ["so", "bad", "!!"]
    assert len(emotion_evidence.pieces("这个 东西 真的 很差 " * 20)) <= emotion_evidence.MAX_PIECES
