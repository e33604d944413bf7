"""Which words carry the feeling: each is left out in turn, and the fall of the reading is its weight.

Chinese is cut at word boundaries (jieba), other text at spaces; the spans lie in the customer's own text.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jieba

    from handoff.emotion import Span

MAX_PIECES = 10  # one batch of the model: more would cost more than the reading itself
MIN_DROP = 0.04
_CLAUSE = re.compile(r"[^，。！？!?,.;；\n]+[，。！？!?,.;；\n]*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\u3400-\u9fff]+(?:'[a-z]+)?|[!！?？]+|[^\w\s]", re.UNICODE)


@cache
def _segmenter() -> jieba.Tokenizer:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    return tokenizer


def warm_up() -> None:
    """Load the segmenter's dictionary (about a second, once a process)."""
    _segmenter()


def words(text: str) -> list[tuple[int, int]]:
    """Word boundaries as (start, end), spaces left out."""
    out: list[tuple[int, int]] = []
    if _HAN.search(text):
        for word, start, end in _segmenter().tokenize(text):
            if word.strip():
                out.append((start, end))
        return out
    return [m.span() for m in _WORD.finditer(text)]


def pieces(text: str) -> list[tuple[int, int]]:
    """At most `MAX_PIECES` stretches: words, or for a longer text neighbouring words joined."""
    found = words(text)
    if len(found) <= MAX_PIECES:
        return found
    clauses = [m.span() for m in _CLAUSE.finditer(text) if m.group().strip()]
    size = -(-len(found) // MAX_PIECES)
    joined: list[tuple[int, int]] = []
    for a, b in clauses or [(0, len(text))]:
        inside = [w for w in found if a <= w[0] < b]
        joined += [
            (inside[i][0], inside[min(i + size, len(inside)) - 1][1]) for i in range(0, len(inside), size)
        ]
    return joined[-MAX_PIECES:]


def without(text: str, stretch: tuple[int, int]) -> str:
    """The text with one stretch left out."""
    return text[: stretch[0]] + text[stretch[1] :]


def spans(
    text: str, read_many: Callable[[Sequence[str]], Sequence[float]], limit: int = 3
) -> tuple[Span, ...]:
    """The stretches whose absence lowers the reading most, strongest first, neighbours joined.

    `read_many` gives the negative reading, 0..1, of each of several texts.
    """
    from handoff.emotion import Span

    cut = pieces(text)
    if len(cut) <= 1:
        return (Span(0, len(text), text),) if text.strip() else ()
    score, *others = read_many([text, *(without(text, c) for c in cut)])
    drops = [score - value for value in others]
    bar = max(MIN_DROP, 0.35 * max(drops))
    kept: list[tuple[int, int, float]] = []
    for (start, end), drop in zip(cut, drops, strict=True):
        if drop < bar:
            continue
        if kept and not text[kept[-1][1] : start].strip():
            kept[-1] = (kept[-1][0], end, kept[-1][2] + drop)
        else:
            kept.append((start, end, drop))
    kept.sort(key=lambda item: -item[2])
    if not kept:
        return (Span(0, len(text), text),)
    return tuple(Span(a, b, text[a:b]) for a, b, _ in kept[:limit])
