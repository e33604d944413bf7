"""`jieli emotion`, `jieli replay` and `jieli eval`: the contract of their lines and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.cli.evaluate_metrics import auc, golden_transfer, timing
from bot.cli.main import app

CHATS = [
    {
        "dialog": "a",
        "turns": [
            {"user": "我的快递到哪了", "agent": "预计明天送达"},
            {"user": "我要转人工", "agent": "好的"},
        ],
    },
    {
        "dialog": "b",
        "turns": [{"user": "怎么开发票", "agent": "订单页点开票"}, {"user": "谢谢", "agent": ""}],
    },
]


@pytest.fixture
def lexicon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The word lists are enough for the form of the output, and load at once."""
    monkeypatch.setenv("JIELI_EMOTION_MODEL", str(tmp_path))
    monkeypatch.setenv("JIELI_LANG", "en")


def run(*args: str, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=text)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.jsonl"
    path.write_text("\n".join(json.dumps(c, ensure_ascii=False) for c in CHATS), encoding="utf8")
    return path


@pytest.mark.usefixtures("lexicon")
def test_emotion_reads_lines_and_json_and_passes_other_fields_through() -> None:
    rows = [
        '{"text": "太差劲了", "id": 7, "history": ["在吗", {"user": "喂", "agent": "您好"}]}',
        "谢谢",
        '{"no": 1}',
        "",
    ]
    result = run("emotion", text="\n".join(rows))
    assert result.exit_code == 0
    first, second = objects(result)
    assert first["id"] == 7
    assert {"text", "negative", "label", "intensity", "evidence", "ms"} <= first.keys()
    assert second["text"] == "谢谢"
    assert "line 3 skipped" in result.stderr
    assert "2 done, 1 lines skipped" in result.stderr


@pytest.mark.usefixtures("lexicon")
def test_emotion_skips_what_is_not_utf8() -> None:
    result = run("emotion", text=b"\xff\xfe\n\xe5\xa5\xbd\n")
    assert result.exit_code == 0
    assert [o["text"] for o in objects(result)] == ["好"]


@pytest.mark.usefixtures("lexicon")
def test_replay_gives_a_line_a_turn_then_a_line_a_chat(chats: Path) -> None:
    result = run("replay", str(chats), "--summary")
    assert result.exit_code == 0
    found = objects(result)
    assert [o.get("turn") for o in found] == [0, 1, None, 0, 1, None, None]
    assert found[1]["decision"] == "escalate"
    assert found[1]["rule"] == "request"
    assert found[1]["reason_zh"]
    assert found[2] == {"dialog": "a", "escalated_turn": 1, "offered_turn": None}
    assert found[5] == {"dialog": "b", "escalated_turn": None, "offered_turn": None}
    assert found[6]["summary"]["escalated"] == 1


@pytest.mark.usefixtures("lexicon")
def test_replay_takes_a_threshold_and_a_policy(chats: Path, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("rules: {request: off}\n")
    assert run("replay", str(chats), "--policy", str(policy)).exit_code == 2  # YAML reads off as false
    policy.write_text('rules: {request: "off"}\n')
    assert objects(run("replay", str(chats), "--policy", str(policy)))[2]["escalated_turn"] is None
    assert run("replay", str(chats), "--threshold", "0.9").exit_code == 0


@pytest.mark.usefixtures("lexicon")
def test_bad_usage_exits_with_two_and_says_why(chats: Path, tmp_path: Path) -> None:
    assert run("replay", str(tmp_path / "none.jsonl")).exit_code == 2
    assert run("emotion", str(tmp_path / "none.txt")).exit_code == 2
    result = run("replay", str(chats), "--threshold", "7")
    assert result.exit_code == 2
    assert "policy_value" in result.stderr


@pytest.mark.usefixtures("lexicon")
def test_eval_escalation_compares_with_the_labels(chats: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    marks = [
        {"dialog": "a", "labels": [0, 0], "handoff_turn": 1, "reason": "asked_human"},
        {"dialog": "b", "labels": [0, 0], "handoff_turn": None, "reason": None},
    ]
    labels.write_text("\n".join(json.dumps(m) for m in marks))
    result = run("eval", "escalation", str(chats), "--labels", str(labels), "--json")
    assert result.exit_code == 0
    (found,) = objects(result)
    assert found["figures"]["caught within one turn"]["value"] == 1
    assert found["figures"]["false escalation on clean chats"]["value"] == 0
    assert found["timing"] == {"exact": 1, "clean": 1}


@pytest.mark.usefixtures("lexicon")
def test_eval_emotion_scores_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    rows = [{"text": "骗子，太差劲", "neg": 1}, {"text": "谢谢", "neg": 0}, {"text": "垃圾", "neg": 1}]
    path.write_text("\n".join(json.dumps(r) for r in rows))
    (found,) = objects(run("eval", "emotion", str(path), "--json"))
    assert found["figures"]["AUC"]["value"] == 1


def test_metrics_are_what_the_books_say() -> None:
    import numpy as np

    assert auc(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.9, 0.5, 0.5])) == pytest.approx(0.875)
    assert golden_transfer([], [], 1) == 1
    assert golden_transfer([3], [], 1) == 0
    assert golden_transfer([3], [3], 1) == pytest.approx(1)
    assert golden_transfer([3], [4], 1) == pytest.approx(0.6065, abs=1e-3)
    assert [timing(3, x) for x in (3, 4, 2, 1, 6, None)] == [
        "exact",
        "within_one",
        "within_one",
        "early",
        "late",
        "missed",
    ]
    assert (timing(None, 2), timing(None, None)) == ("false", "clean")
