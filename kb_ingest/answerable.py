"""Whether what was found answers the question: a logistic function of the search's own figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from kb_ingest.words import Words


class Passage(Protocol):
    """What is looked at of a hit."""

    @property
    def stages(self) -> dict[str, float]: ...

    @property
    def score(self) -> float: ...


WEIGHTS = {"dense": 24.0, "keyword": 2.0, "coverage": 2.0, "bias": -22.5}


def features(query: str, hits: Sequence[Passage], words: Words) -> dict[str, float]:
    """The figures of a search that tell answered from unanswered."""
    if not hits:
        return {}
    return {name: max(hit.stages[name] for hit in hits[:3]) for name in ("dense", "keyword", "coverage")}


def probability(values: dict[str, float]) -> float:
    """0…1; nothing found is 0."""
    if not values:
        return 0.0
    z = WEIGHTS["bias"] + sum(WEIGHTS[name] * value for name, value in values.items())
    return 1 / (1 + math.exp(-z))
