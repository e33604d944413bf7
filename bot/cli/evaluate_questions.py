"""Questions with their gold documents and facts, and how an answer to one is judged. Pure but for reading."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from bot.cli.evaluate_files import rows
from bot.cli.history import earlier_turns
from bot.cli.words import t

DEPTH = 10  # documents that a reciprocal rank looks at
_LOOSE = re.compile(r"[\s*_`，,、：:。；;“”\"'《》]+")


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with what a right answer needs.

    Attributes:
        gold: paths of documents that answer it; empty: nothing does, and it must be declined.
        facts: what the answer must state; each is a tuple of wordings, one of which is enough.
    """

    id: str
    text: str
    history: tuple[tuple[str, str], ...]
    gold: frozenset[str]
    facts: tuple[tuple[str, ...], ...]
    kind: str


def questions(paths: Sequence[Path]) -> list[LabelledQuestion]:
    """Questions of JSONL files: `question`, `path` or `paths` (null or none: unanswerable), `history`,
    `facts`, `kind` or `tag`; lines without a question are reported and skipped."""
    found = []
    for path in paths:
        for number, row in enumerate(rows(path), 1):
            if isinstance(row.get("question"), str) and row["question"].strip():
                found.append(_question(row, path.stem, number))
            else:
                typer.echo(t(f"{path.name} 第 {number} 条没有 question，已跳过",
                             f"{path.name}: row {number} has no question, skipped"), err=True)  # fmt: skip
    return found


def _question(row: Mapping[str, Any], stem: str, number: int) -> LabelledQuestion:
    gold = row.get("paths") or ([row["path"]] if row.get("path") else [])
    facts = tuple((fact,) if isinstance(fact, str) else tuple(fact) for fact in row.get("facts") or [])
    return LabelledQuestion(
        str(row.get("id", f"{stem}-{number}")), row["question"],
        tuple(earlier_turns(row.get("history") or [])), frozenset(map(str, gold)), facts,
        str(row.get("kind", row.get("tag", "-"))),
    )  # fmt: skip


def rank(found: Sequence[str], gold: frozenset[str]) -> int | None:
    """The place (from 1) of the first gold document among distinct documents, None beyond `DEPTH`."""
    for place, path in enumerate(list(dict.fromkeys(found))[:DEPTH], start=1):
        if path in gold:
            return place
    return None


def loosely(text: str) -> str:
    """Text without spaces, emphasis, list commas and case: how facts are compared."""
    return _LOOSE.sub("", text).lower()


def facts_present(question: LabelledQuestion, answer: str) -> list[bool]:
    """For each gold fact, whether the answer states one of its wordings."""
    said = loosely(answer)
    return [any(loosely(wording) in said for wording in fact) for fact in question.facts]


def outcome(question: LabelledQuestion, line: Mapping[str, Any]) -> str:
    """right · wrong_document · wrongly_declined · declined · invented · asked_back, for a line of `ask`."""
    if line["source"] == "clarify":
        return "asked_back"
    if not question.gold:
        return "invented" if line["answered"] else "declined"
    if not line["answered"]:
        return "wrongly_declined"
    return "right" if any(c["path"] in question.gold for c in line["citations"]) else "wrong_document"
