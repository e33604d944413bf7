"""What became of each document that was handed in, and of all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["indexed", "skipped", "failed"]


@dataclass(frozen=True)
class Report:
    """One document's way in.

    `code` with its sentences is given for `failed` (how to mend it) and `skipped` (why); `ms` is the time it
    took.
    """

    document: str | None
    path: str
    status: Outcome
    chunks: int
    code: str | None = None
    reason_zh: str | None = None
    reason_en: str | None = None
    ms: int = 0
    title: str | None = None


def unchanged(document: str, path: str, chunks: int, title: str, ms: int) -> Report:
    """The content is the one that stands there already."""
    return Report(
        document,
        path,
        "skipped",
        chunks,
        "unchanged",
        "内容没有变化。",
        "The content has not changed.",
        ms,
        title,
    )
