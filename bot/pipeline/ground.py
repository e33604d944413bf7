"""Whether a generated sentence stands in the passages that it cites. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot import guard
from bot.textparts import sentences, terms

if TYPE_CHECKING:
    from kb_ingest.knowledge import Hit

SUPPORT = 0.6  # share of a sentence's content terms that the cited passage must hold
_MARK = re.compile(r"\s*[\[【](\d{1,2}(?:\s*[,，、]\s*\d{1,2})*)[\]】]")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_EMPHASIS = re.compile(r"[*_`#>]+")


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence that may be shown: its text with marks, and the passages (1-based) that support it."""

    text: str
    sources: tuple[int, ...]


def _numbers(text: str) -> frozenset[str]:
    return frozenset(number.replace(",", "") for number in _NUMBER.findall(text))


def support(sentence: str, passage: str) -> float:
    """Share 0..1 of the sentence's terms in the passage; 0 when it states a number that is not there."""
    said = terms(sentence)
    if not _numbers(sentence) <= _numbers(passage):
        return 0.0
    return len(said & terms(passage)) / len(said) if said else 0.0


def check(sentence: str, hits: Sequence[Hit], link_hosts: Sequence[str] = ()) -> Checked | None:
    """The sentence with the marks of passages that support it, or None when it may not be shown.

    A sentence is dropped when it promises an act, gives orders, holds the canary, or stands in no passage.
    One that
    cites the wrong passage is given the right one.
    """
    cited = [int(n) for group in _MARK.findall(sentence) for n in re.findall(r"\d+", group)]
    bare = _EMPHASIS.sub("", _MARK.sub("", sentence)).strip()
    if not any(not term.isdigit() for term in terms(bare)):
        return None
    if guard.leaks(bare) or guard.promises(bare) or guard.gives_orders(bare):
        return None
    scored = {
        n: support(bare, f"{hit.title} {hit.heading} {hit.text}") for n, hit in enumerate(hits, start=1)
    }
    good = [n for n in cited if scored.get(n, 0.0) >= SUPPORT]
    if not good:
        best = max(scored, key=lambda n: scored[n], default=0)
        if not best or scored[best] < SUPPORT:
            return None
        good = [best]
    allowed = frozenset().union(*(guard.urls(hits[n - 1].text) for n in good))
    clean = guard.clean(_MARK.sub("", sentence), allowed=guard.permitted(allowed, link_hosts)).strip()
    marks = "".join(f" [{n}]" for n in dict.fromkeys(good))
    return Checked(f"{clean}{marks}", tuple(dict.fromkeys(good)))


def quote_for(text: str, passage: str) -> str:
    """The sentence of the passage that comes closest to `text`, word for word."""
    wanted = terms(text)
    return max(sentences(passage) or [passage], key=lambda part: len(terms(part) & wanted))
