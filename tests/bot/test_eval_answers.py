"""How questions with gold documents and facts are read, and how an answer to one is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli.evaluate_questions import LabelledQuestion, facts_present, outcome, questions, rank

ASKED = LabelledQuestion(
    "1", "运费多少", (), frozenset({"a.md"}), (("满 99 元包邮",), ("8 元", "8元运费")), "short"
)
NONE = LabelledQuestion("2", "卖不卖猫粮", (), frozenset(), (), "near_domain")


def test_both_layouts_are_read_and_bad_lines_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "asked.jsonl"
    rows = [
        {"id": "a", "question": "那运费呢", "path": "a.md", "history": ["怎么退货"], "kind": "followup"},
        {"question": "how much", "paths": ["b.md", "c.md"], "facts": ["8 yuan", ["free", "no charge"]]},
        {"question": "off topic", "answerable": False, "paths": []},
        {"nothing": 1},
    ]
    file.write_text("\n".join([*map(json.dumps, rows), "{broken"]), encoding="utf-8")
    first, second, third = questions([file])
    assert first.history == (("怎么退货", ""),) and first.gold == {"a.md"} and first.kind == "followup"
    assert second.gold == {"b.md", "c.md"} and second.facts == (("8 yuan",), ("free", "no charge"))
    assert not third.gold and capsys.readouterr().err.count("asked.jsonl") == 2


@pytest.mark.parametrize(
    ("question", "line", "expected"),
    [
        (ASKED, {"source": "extractive", "answered": True, "citations": [{"path": "a.md"}]}, "right"),
        (ASKED, {"source": "extractive", "answered": True, "citations": [{"path": "b.md"}]}, "wrong_document"),
        (ASKED, {"source": "decline", "answered": False, "citations": []}, "wrongly_declined"),
        (ASKED, {"source": "clarify", "answered": True, "citations": []}, "asked_back"),
        (NONE, {"source": "decline", "answered": False, "citations": []}, "declined"),
        (NONE, {"source": "extractive", "answered": True, "citations": [{"path": "b.md"}]}, "invented"),
    ],
)  # fmt: skip
def test_each_answer_is_one_of_six_outcomes(
    question: LabelledQuestion, line: dict[str, object], expected: str
) -> None:
    assert outcome(question, line) == expected


def test_facts_are_compared_without_spaces_and_marks() -> None:
    assert facts_present(ASKED, "**满99元包邮**，不满收 9 元") == [True, False]


def test_ranks_count_documents_not_passages() -> None:
    assert rank(["b.md", "b.md", "a.md"], ASKED.gold) == 2 and rank(["b.md"], ASKED.gold) is None
