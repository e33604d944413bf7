"""The language suite: 326 Chinese and 200 English single turns by tag, read by the shipped model and judged.

Per tag it counts the items that come out right, prints the table (`pytest -s`), and holds each tag to a floor a
little below what was measured. Level 0 must stay under the policy's immediate threshold and be answered; level 2 must
reach it, or escalate by another rule where its words do (threats); level 1 must stay below the median of level 2;
`person` must fire the request rule, and nothing else may.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from handoff.emotion import Reading, load_emotion
from handoff.emotion_text import language_of
from handoff.policy import EscalationPolicy
from handoff.triggers import Trajectory, TurnSignals, Verdict, judge

SUITE = Path(__file__).parents[1] / "data" / "language"
POLICY = EscalationPolicy()
AUC = {"zh": 0.91, "en": 0.88}  # measured: .931 and .907


@dataclass(frozen=True)
class Item:
    """One line of the suite with what was read and decided."""

    tag: str
    level: int
    person: bool
    text: str
    reading: Reading
    verdict: Verdict

    @property
    def score(self) -> float:
        """The score that the policy compares with its threshold."""
        parts = POLICY.clear_weight * self.reading.clear + POLICY.mild_weight * self.reading.negative
        return parts / (POLICY.clear_weight + POLICY.mild_weight)


@cache
def items(language: str) -> tuple[Item, ...]:
    """The suite of one language, each item read by itself at the start of a chat."""
    model = load_emotion()
    out = []
    with (SUITE / f"{language}.tsv").open(encoding="utf8") as handle:
        for row in csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE):
            text = row["text"]
            reading = model.read(text)
            _, verdict = judge(Trajectory(), TurnSignals(text, language_of(text), reading), POLICY)
            out.append(Item(row["tag"], int(row["level"]), row["person"] == "y", text, reading, verdict))
    return tuple(out)


def right(item: Item, clear: float) -> bool:
    """Whether the item is read as its level asks; `clear` is the median score of level 2."""
    if item.level == 0:
        return item.score < POLICY.threshold
    if item.level == 1:
        return item.score < clear
    return item.score >= POLICY.threshold or item.verdict.rule == "threat"


def asked(item: Item) -> bool:
    """Whether a person was called because the customer asked for one."""
    return item.verdict.rule == "request" and item.verdict.decision == "escalate"


def shares(language: str) -> dict[str, tuple[int, float]]:
    """Of each tag and level: (items, share that is right); the request rule under `person` and `no person`."""
    found = items(language)
    clear = median(i.score for i in found if i.level == 2)
    groups: dict[str, list[bool]] = {}
    for item in found:
        groups.setdefault(f"{item.tag} {item.level}", []).append(right(item, clear))
        groups.setdefault("person" if item.person else "no person", []).append(asked(item) == item.person)
    return {name: (len(values), sum(values) / len(values)) for name, values in groups.items()}


def below(found: Mapping[str, tuple[int, float]], floors: Mapping[str, float]) -> list[str]:
    """The tags whose share lies under their floor, or that have none."""
    missing = sorted((found.keys() | floors.keys()) - (found.keys() & floors.keys()))
    return [*missing, *(f"{n} {s:.2f}" for n, (_, s) in found.items() if n in floors and s < floors[n])]


# One item of each tag may fail (three of "no person"): what separates bfloat16 from float32 machines.
FLOORS: dict[str, dict[str, float]] = {
    "zh": {
        "abuse 2": 0.59,
        "anger 2": 0.63,
        "disappointment 1": 0.83,
        "disappointment 2": 0.49,
        "frustration 1": 0.93,
        "homophone 2": 0.46,
        "intensity 0": 0.49,
        "intensity 2": 0.83,
        "mixed 0": 0.74,
        "mixed 1": 0.49,
        "mixed 2": 0.74,
        "near_miss 0": 0.97,
        "negation 0": 0.94,
        "neutral 0": 0.94,
        "no person": 0.98,
        "other_target 0": 0.49,
        "person": 0.82,
        "polite_upset 1": 0.49,
        "polite_upset 2": 0.49,
        "positive 0": 0.91,
        "quotation 0": 0.89,
        "request 0": 0.95,
        "sarcasm 2": 0.59,
        "thanks_after 0": 0.66,
        "traditional 0": 0.85,
        "traditional 1": 0.49,
        "traditional 2": 0.79,
        "typo 0": 0.66,
        "typo 1": 0.49,
        "typo 2": 0.59,
        "worry 1": 0.87,
    },
    "en": {
        "abuse 2": 0.83,
        "anger 2": 0.68,
        "disappointment 1": 0.74,
        "disappointment 2": 0.49,
        "frustration 1": 0.90,
        "homophone 2": 0.71,
        "intensity 0": 0.74,
        "intensity 2": 0.24,
        "mixed 0": 0.49,
        "mixed 1": 0.00,
        "mixed 2": 0.49,
        "near_miss 0": 0.87,
        "negation 0": 0.91,
        "neutral 0": 0.93,
        "no person": 0.96,
        "other_target 0": 0.19,
        "person": 0.85,
        "polite_upset 1": 0.49,
        "polite_upset 2": 0.49,
        "positive 0": 0.87,
        "quotation 0": 0.83,
        "request 0": 0.96,
        "sarcasm 2": 0.58,
        "thanks_after 0": 0.66,
        "typo 0": 0.49,
        "typo 1": 0.00,
        "typo 2": 0.66,
        "worry 1": 0.83,
    },
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_tag_keeps_its_floor(language: str) -> None:
    found = shares(language)
    print(f"\n{language}: items right, of each tag and level")
    for name, (count, share) in sorted(found.items()):
        print(f"  {name:18s} {round(share * count):3d}/{count:<3d} {share:.2f}")
    assert below(found, FLOORS[language]) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_clear_items_rank_above_calm_ones(language: str) -> None:
    calm = [i.reading.negative for i in items(language) if i.level == 0]
    clear = [i.reading.negative for i in items(language) if i.level == 2]
    wins = sum((a > b) + 0.5 * (a == b) for a in clear for b in calm)
    auc = wins / (len(calm) * len(clear))
    print(f"\n{language}: AUC of level 2 against level 0: {auc:.3f}")
    assert auc >= AUC[language]


def test_a_floor_can_fail() -> None:
    assert below({"anger 2": (25, 0.5)}, {"anger 2": 0.9}) == ["anger 2 0.50"]
    assert below({"anger 2": (25, 0.5)}, {"abuse 2": 0.9}) == ["abuse 2", "anger 2"]
    assert below({"anger 2": (25, 0.95)}, {"anger 2": 0.9}) == []
