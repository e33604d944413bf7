"""Which of the retrieved documents a question means: order, choices, and what is merely near. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.answers import Choice, Retrieved
from bot.textparts import Weights, terms

if TYPE_CHECKING:
    from kb_ingest.knowledge import Hit

FOCUS = 0.5  # how much the follow-up's own words count beside a passage's score
VAGUE_TERMS = 2  # questions with more content terms than this are never asked back
NEARBY = 0.2  # share of the question that a heading must hold to be named in a decline
MOST_NEAR = 2  # topics named in a decline
PARALLEL = 0.5  # share of numbers that two languages' versions of a document have in common
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def focused(hits: Sequence[Hit], text: str) -> tuple[Hit, ...]:
    """Passages of a completed follow-up, those first that hold what is new in it: the question that it
    leans on has been answered already."""
    weights = Weights.of(text, [hit.text for hit in hits])
    return tuple(
        sorted(
            hits,
            key=lambda hit: -(hit.score + FOCUS * weights.coverage(f"{hit.title} {hit.text}", hit.heading)),
        )
    )


def in_language(hits: Sequence[Hit], language: str) -> tuple[Hit, ...]:
    """Best first, but a version of the best document in the customer's language in its place.

    Versions are told by their numbers: prices, days and times are the same in both languages.
    """
    if not hits or _same(hits[0].language, language):
        return tuple(hits)
    best = hits[0]
    wanted = _numbers(best.text)
    for n, hit in enumerate(hits):
        here = _numbers(hit.text)
        shared = len(wanted & here) / max(1, len(wanted | here))
        if _same(hit.language, language) and len(wanted & here) >= 2 and shared >= PARALLEL:
            return (_scored(hit, best.score), *hits[1:n], *hits[n + 1 :])
    return tuple(hits)


def _same(document: str, customer: str) -> bool:
    return document[:2].lower() == customer[:2].lower()


def _numbers(text: str) -> frozenset[str]:
    return frozenset(number.replace(",", "") for number in _NUMBER.findall(text))


def _scored(hit: Hit, score: float) -> Hit:
    from dataclasses import replace

    return replace(hit, score=score)


def nearby(retrieved: Retrieved) -> tuple[Choice, ...]:
    """Topics whose heading shares words with a question that none of them answers; at most two."""
    weights = Weights.of(retrieved.query, [hit.text for hit in retrieved.hits])
    found: dict[str, Choice] = {}
    for hit in retrieved.hits:
        heading = hit.heading.split(">")[-1].strip() or hit.title
        topic = max((hit.title, heading), key=weights.coverage)
        if weights.coverage(topic) >= NEARBY and hit.document not in found:
            found[hit.document] = Choice(topic, topic)
    return tuple(dict.fromkeys(found.values()))[:MOST_NEAR]


def competing(retrieved: Retrieved, margin: float) -> tuple[Choice, ...]:
    """Topics to choose from when a question of a word or two fits several documents equally well."""
    if len(terms(retrieved.query)) > VAGUE_TERMS:
        return ()
    best: dict[str, Hit] = {}
    for hit in retrieved.hits:
        best.setdefault(hit.document, hit)
    ranked = list(best.values())
    close = [hit for hit in ranked if hit.score >= ranked[0].score * (1 - margin)]
    asked = terms(retrieved.query)
    named = [len(asked & terms(f"{hit.title} {hit.heading}")) for hit in close]
    if named.count(max(named)) == 1 or any(terms(hit.title) == asked for hit in close):
        return ()  # one of them bears the question's name
    titles = tuple(dict.fromkeys(hit.title for hit in close))[:4]
    return tuple(Choice(title, title) for title in titles) if len(titles) >= 2 else ()
