"""Words meet across scripts, widths and forms; addresses are told apart."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from kb_ingest.keyword import KeywordIndex, weigh
from kb_ingest.text import language_of
from kb_ingest.web import is_public
from kb_ingest.words import Words


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Words:
    """Jieba with its cache in a folder of our own."""
    return Words(tmp_path_factory.mktemp("words"))


def test_traditional_and_simplified_wide_and_narrow_meet(words: Words) -> None:
    assert words.of("發票抬頭ＡＢＣ") == words.of("发票抬头abc")


def test_numbers_and_model_names_stay(words: Words) -> None:
    assert {"k-2200", "v2.6", "3999"} <= set(words.of("电水壶 K-2200 与 V2.6，3999元"))


@pytest.mark.parametrize(
    ("one", "other"), [("refunds", "refund"), ("shipping", "shipped"), ("policies", "policy")]
)
def test_english_forms_meet(words: Words, one: str, other: str) -> None:
    assert words.of(one) == words.of(other)


def test_the_row_with_all_words_wins_and_leaves_no_trace_when_removed(words: Words) -> None:
    import numpy as np

    index = KeywordIndex()
    for text in ("如何申请退货退款", "如何修改收货地址", "发票怎么开"):
        found = words.of(text)
        index.add(weigh(found, [], []), len(found))
    scores = index.scores(words.of("申请退货"))
    assert scores.argmax() == 0 and 0 < scores[0] <= 1
    smaller = index.compacted(np.array([-1, 0, 1], np.int32))
    assert len(smaller) == 2 and smaller.scores(words.of("退货退款")).max() == 0


def test_language(tmp_path: Path) -> None:
    assert language_of("如何使用 Shopify API 授权") == "zh"
    assert language_of("How to use 淘宝 with our very long English manual for sellers") == "en"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("2606:4700::1111", True),
    ],
)
def test_only_public_addresses(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
