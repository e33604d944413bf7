"""`jieli ingest` and `jieli search` as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.cli.main import app


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one good and one bad file, and a home of its own."""
    monkeypatch.setenv("JIELI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JIELI_LANG", "zh")
    made = tmp_path / "docs"
    (made / "sub").mkdir(parents=True)
    (made / "sub" / "returns.md").write_text("# 退货\n\n七天内可以无理由退货。\n", "utf-8")
    (made / "bad.pdf").write_bytes(b"%PDF-1.4")
    return made


def test_ingest_then_search(folder: Path, tmp_path: Path) -> None:
    done = run("ingest", str(folder), "--collection", "shop")
    assert done.exit_code == 0
    *reports, last = lines(done)
    assert {r["path"]: r["status"] for r in reports} == {"bad.pdf": "failed", "sub/returns.md": "indexed"}
    assert last["totals"]["documents"] == 2 and last["totals"]["chunks"] == 1
    asked = tmp_path / "q.jsonl"
    asked.write_text('{"id": "a", "question": "怎么退货"}\nnot json\n', "utf-8")
    found = run("search", "--queries", str(asked), "--collection", "shop", "-k", "3")
    assert found.exit_code == 0 and "第 2 行" in found.stderr and "跳过 1 行" in found.stderr
    (answer,) = lines(found)
    assert answer["id"] == "a" and answer["hits"][0]["path"] == "sub/returns.md"
    assert {"document", "path", "chunk", "score", "text"} <= answer["hits"][0].keys()
    assert isinstance(answer["ms"], float)


def test_bad_usage_is_two_and_nothing_readable_is_one(folder: Path) -> None:
    assert run("search").exit_code == 2
    assert run("search", "--queries", str(folder / "none.jsonl")).exit_code == 2
    assert run("ingest", str(folder / "bad.pdf")).exit_code == 1
