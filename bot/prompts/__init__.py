"""Prompts as text files, one for each task and language; reviewed like code."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load_prompt(task: str, language: str) -> str:
    """The prompt `task` (answer, condense, briefing) in Chinese or English; placeholders in {braces}."""
    suffix = "zh" if language.startswith("zh") else "en"
    return (files(__package__) / f"{task}.{suffix}.txt").read_text(encoding="utf-8").strip()
