"""Answers without a language model: the sentences that answer, quoted word for word, with their source.

Steps, tables and code are quoted whole, everything stands in the document's order, nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot import guard, texts
from bot.answers import Answer, Citation, Piece, Question, Retrieved
from bot.excerpt import excerpt
from bot.textparts import Weights

if TYPE_CHECKING:
    from kb_ingest.knowledge import Hit

QUOTE = 620  # of the best passage
AS_GOOD = 0.9  # of the best score: ranking cannot tell such passages apart
SUPPORTED = 0.15  # share of a document's second passage that speaks for its first
SECOND = 300  # of a second one


def _normal(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


@dataclass(frozen=True, slots=True)
class Quote:
    """What is quoted of one passage."""

    hit: Hit
    text: str


def quotes(question: Question, retrieved: Retrieved) -> list[Quote]:
    """The best passage's answer, and a second one's where it adds what the first does not say."""
    hits = by_document(retrieved.hits)
    weights = Weights.of(retrieved.query, [hit.text for hit in hits])
    made: list[Quote] = []
    for hit in hits[:5]:
        if len(made) == 2:
            break
        if made and not _adds(hit, made[0], weights, hits[0].score):
            continue
        picked = excerpt(hit, retrieved.query, weights, QUOTE if not made else SECOND)
        text = "\n\n".join(_unseen(picked, made)).strip()
        if text:
            made.append(Quote(hit, text))
    return made


def by_document(hits: Sequence[Hit]) -> list[Hit]:
    """Best first, a passage counting more when its document was found twice: near ties are the rule."""
    found: dict[str, list[float]] = {}
    for hit in hits:
        found.setdefault(hit.document, []).append(hit.score)
    second = {
        document: (sorted(scores)[-2] if len(scores) > 1 else 0.0) for document, scores in found.items()
    }
    return sorted(hits, key=lambda hit: -(hit.score + SUPPORTED * second[hit.document]))


def _unseen(picked: Sequence[str], made: Sequence[Quote]) -> list[str]:
    said = _normal(" ".join(quote.text for quote in made))
    fresh: list[str] = []
    for part in picked:
        normal = _normal(part)
        if normal and normal not in said:
            fresh.append(part)
            said += normal
    return fresh


def _adds(hit: Hit, first: Quote, weights: Weights, best: float) -> bool:
    """Whether a further passage is worth a quote: as good as the first and from another document, or covering
    words of the question that the first lacks."""
    if best > 0 and hit.score < 0.8 * best:
        return False
    above = f"{first.hit.title} {first.hit.heading}"
    before = weights.coverage(first.text, above)
    if hit.document != first.hit.document and hit.score >= AS_GOOD * best:
        return weights.coverage(hit.text, f"{hit.title} {hit.heading}") >= 0.8 * before
    both = weights.coverage(f"{first.text} {hit.text}", f"{first.hit.title} {hit.title} {hit.heading}")
    return both - before >= 0.15


class ExtractiveAnswerer:
    """Quotes; needs no model and no network. `link_hosts`: see `guard.permitted`."""

    def __init__(self, link_hosts: Sequence[str] = ()) -> None:
        self._hosts = tuple(link_hosts)

    async def answer(self, question: Question, retrieved: Retrieved) -> AsyncGenerator[Piece | Answer, None]:
        """One piece for each quote, then the answer. Declines when nothing quotable was retrieved."""
        parts: list[str] = []
        citations: list[Citation] = []
        for n, quote in enumerate(quotes(question, retrieved), start=1):
            hit = quote.hit
            text = guard.clean(quote.text, allowed=guard.permitted(guard.urls(hit.text), self._hosts))
            lead = (texts.found_in if n == 1 else texts.also_in)(hit.title, question.language)
            part = f"{lead}\n{text} [{n}]"
            yield Piece(part if n == 1 else f"\n\n{part}")
            parts.append(part)
            citations.append(Citation(n, hit.document, hit.title, hit.url, hit.path, text))
        if not parts:
            yield Answer(
                texts.decline(question.language),
                answered=False, confidence=retrieved.confidence, offer_person=True, source="decline",
            )  # fmt: skip
            return
        yield Answer(
            "\n\n".join(parts), tuple(citations), confidence=retrieved.confidence, source="extractive"
        )
