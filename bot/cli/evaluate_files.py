"""Labelled files as `jieli eval` reads them: chats in three layouts, texts in one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from bot.cli.words import t


@dataclass(frozen=True, slots=True)
class LabelledChat:
    """A chat with a degree (0 none, 1 mild, 2 clear) for each customer turn, and where a person steps in."""

    dialog: str
    turns: tuple[Mapping[str, str], ...]  # {"user", "agent"}
    labels: tuple[int, ...]
    handoff: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its truth: 1 negative, 0 not."""

    text: str
    truth: int
    source: str


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """JSON objects of a file, gzipped or not; a malformed line is reported and skipped."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as handle:
        for number, raw in enumerate(handle, 1):
            try:
                row = json.loads(raw.decode("utf-8"))
            except (UnicodeDecodeError, ValueError):
                row = None
            if isinstance(row, dict):
                yield row
            elif raw.strip():
                typer.echo(
                    t(f"{path.name} 第 {number} 行已跳过", f"{path.name} line {number} skipped"), err=True
                )


def _paired(said: Sequence[tuple[bool, str]]) -> tuple[dict[str, str], ...]:
    """(customer?, text) to turns; several replies to one customer turn are joined."""
    turns: list[dict[str, str]] = []
    for customer, text in said:
        if customer:
            turns.append({"user": text, "agent": ""})
        elif turns:
            turns[-1]["agent"] = f"{turns[-1]['agent']} {text}".strip()
    return tuple(turns)


def _turns(found: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], ...]:
    if found and "role" in found[0]:
        return _paired([(item["role"] == "customer", str(item["text"])) for item in found])
    return tuple({"user": str(i.get("user") or ""), "agent": str(i.get("agent") or "")} for i in found)


def _table(path: Path) -> dict[str, tuple[dict[str, str], ...]]:
    """JDDC's tab-separated layout: chat, user, 0 customer / 1 agent, …, text."""
    said: dict[str, list[tuple[bool, str]]] = {}
    with path.open(encoding="utf-8", errors="replace") as handle:
        for line in handle:
            cells = line.rstrip("\n").split("\t")
            if len(cells) >= 7:
                said.setdefault(cells[0], []).append((cells[2] == "0", cells[6]))
    return {name: _paired(rows) for name, rows in said.items()}


def chats(path: Path, labels: Path | None) -> list[LabelledChat]:
    """Chats joined with their labels by `dialog` (or `id`); those whose turns do not match are left out."""
    texts: dict[str, tuple[dict[str, str], ...]] = {}
    own: dict[str, dict[str, Any]] = {}
    if path.suffix == ".txt":
        texts = _table(path)
    else:
        for row in rows(path):
            name = str(row.get("dialog", row.get("id", "")))
            texts[name] = _turns(row.get("turns") or [])
            if "labels" in row:
                own[name] = row
    marks = {str(row.get("dialog", "")): row for row in rows(labels)} if labels else own
    out = []
    for name, mark in marks.items():
        turns, found = texts.get(name, ()), mark.get("labels") or []
        if turns and len(turns) == len(found):
            out.append(LabelledChat(name, turns, tuple(found), mark.get("handoff_turn"), mark.get("reason")))
    return out


def texts(path: Path, source: str | None, limit: int | None) -> list[LabelledText]:
    """Texts with `neg` (0/1) or `level` (0..2); of one `source` where it is named."""
    out = []
    for row in rows(path):
        if not isinstance(row.get("text"), str) or (source and row.get("source") != source):
            continue
        value = row.get("neg", row.get("level"))
        if value is None:
            continue
        out.append(LabelledText(row["text"], int(value > 0), str(row.get("source", path.stem))))
        if limit and len(out) >= limit:
            break
    return out
