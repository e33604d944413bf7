"""Whether what was found answers the question: a logistic function of the search's own figures.

The coefficients are data (`data/answerability.json`), fitted by training/answerability/measure.py.
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


AROUND = 5


def features(query: str, hits: Sequence[Passage]) -> dict[str, float]:
    """The figures of a search that tell answered from unanswered; empty when nothing was found.

    How near the question's words come to the best passage's, on average and the worst third of them; its
    score, and how far that is above the next passages; whether it is in another language than the question.
    """
    if not hits:
        return {}
    foreign = float(language_of(query) != hits[0].language)
    best = _of(hits[0], "fused")
    return {
        "words": _of(hits[0], "words"),
        "low": _of(hits[0], "low"),
        "fused": best,
        "above": best - sum(_of(hit, "fused") for hit in hits[:AROUND]) / len(hits[:AROUND]),
        "foreign": foreign,
    }


def _of(hit: Passage, stage: str) -> float:
    """A stage's figure; where the embedder gives no word vectors, the passage's cosine stands for them."""
    return hit.stages.get(stage, hit.stages.get("dense", 0.0))


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
    z = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in values.items())
    return 1 / (1 + math.exp(-z))
