"""Whether what was found answers the question: a logistic function of the search's own figures.

The coefficients are data (`data/answerability.json`), fitted by training/answerability/fit.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Protocol

from kb_ingest.text import language_of


class Passage(Protocol):
    """What is looked at of a hit."""

    @property
    def stages(self) -> dict[str, float]:
        """The figures by which it was found."""

    @property
    def language(self) -> str:
        """Of its document."""


TOP = 3


def features(query: str, hits: Sequence[Passage]) -> dict[str, float]:
    """The figures of a search that tell answered from unanswered; empty when nothing was found.

    Words say nothing about a passage in another language than the question's: they count 0 there, and
    `foreign` says so.
    """
    if not hits:
        return {}
    top = hits[:TOP]
    foreign = float(language_of(query) != hits[0].language)
    return {
        "dense": max(hit.stages["dense"] for hit in top),
        "title": max(hit.stages["title"] for hit in top),
        "keyword": max(hit.stages["keyword"] for hit in top) * (1 - foreign),
        "coverage": max(hit.stages["coverage"] for hit in top) * (1 - foreign),
        "rarest": max(hit.stages["rarest"] for hit in top) * (1 - foreign),
        "foreign": foreign,
    }


@cache
def _weights() -> dict[str, float]:
    weights: dict[str, float] = json.loads(
        files("kb_ingest").joinpath("data/answerability.json").read_text("utf-8")
    )["weights"]
    return weights


def probability(values: dict[str, float]) -> float:
    """0…1; nothing found is 0."""
    if not values:
        return 0.0
    weights = _weights()
    z = weights["bias"] + sum(weights[name] * value for name, value in values.items())
    return 1 / (1 + math.exp(-z))
