"""Which words carry the feeling: first the clause, then what is telling in it.

A clause counts by how much its absence lowers the reading and by how negative it is on its own: either alone
fails, the first where several clauses say the same, the second where only the whole makes the point. The
strongest clause is then cut, from the front and from the back at word boundaries (jieba for Chinese), as long
as what is left reads nearly as negative. Spans lie in the customer's own text and never consist of pronouns,
particles or marks only.
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

MAX_CLAUSES = 5  # with a text each left out and each alone: one batch of eleven short texts
MAX_CUTS = 8  # words tried at either end of a clause, one batch each
KEEP = 0.97  # of a clause's reading that its shortened form must keep
NEXT = 0.6  # of the strongest clause's weight from which another is named too
SHORT_HAN = 8  # clauses of so few characters or words stay whole; a person would quote them so
SHORT_WORDS = 6
MIN_HAN = 3
PARTICLES = "了啊呀呢吧吗"  # may end a quotation, as pronouns may not
Stretch = tuple[int, int]
ReadMany = Callable[[Sequence[str]], Sequence[float]]

_HAN = re.compile(r"[\u3400-\u9fff]")
_MARKS = r"，。！？!?,.;；、:：~～…\n"
_CLAUSE_ZH = re.compile(rf"[^{_MARKS}\s]+(?:[ \t]+(?=[A-Za-z0-9])[^{_MARKS}\s]+)*[{_MARKS}\s]*")
_CLAUSE_EN = re.compile(
    r"(?:(?!\s(?:and|but|so|because|yet)\s)[^!?;\n,.]|[.,](?=\w))+(?:[!?;\n,.]+\s*|\s|$)", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\u3400-\u9fff]+(?:['’*][a-z]+)*", re.UNICODE | re.IGNORECASE)
_FACE = re.compile(r"[\u2639\u2620\U0001f300-\U0001faff]")
_EMPTY_ZH = re.compile(
    r"你们|我们|他们|您们|咱们|这个|那个|就是|还是|什么|怎么|[你我他她它您咱们这那的了吗呢吧啊呀哦嗯是也都还就在有和跟到要会能想去来把被给]"
)
_EMPTY_EN = frozenset(
    re.findall(
        r"\S+",
        "a an the i you he she it we they me him her us them my your his its our their this that these those "
        "is are was were be been am do does did have has had will would can could to of in on at for and or "
        "but so if as with oh well just now then there here what who when where why how which i'm it's",
    )
)
_NEGATOR = re.compile(
    r"^(?:不|没|没有|别|未|无|非|不是|不会|从来|再也|根本|not|no|never|nothing|nobody|cannot|without|\w+n['’]?t)$",
    re.IGNORECASE,
)


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


def words(text: str) -> list[Stretch]:
    """Word boundaries as (start, end), spaces and marks left out."""
    if _HAN.search(text):
        found = _segmenter().tokenize(text)
        return [(a, b) for word, a, b in found if any(c.isalnum() for c in word) or _FACE.search(word)]
    return sorted([m.span() for m in _WORD.finditer(text)] + [m.span() for m in _FACE.finditer(text)])


def telling(text: str) -> bool:
    """Whether a stretch says anything: more than pronouns, particles and marks."""
    if _FACE.search(text):
        return True
    han = "".join(_HAN.findall(text))
    if _EMPTY_ZH.sub("", han):
        return True
    latin = [w.lower() for w in _WORD.findall(text)]
    return any(w not in _EMPTY_EN and not w.isdigit() for w in latin)


def _trimmed(text: str, start: int, end: int) -> Stretch:
    """Without spaces and marks at either end; faces stay."""
    while start < end and not (text[start].isalnum() or _FACE.match(text[start])):
        start += 1
    while end > start and not (text[end - 1].isalnum() or _FACE.match(text[end - 1]) or text[end - 1] == "*"):
        end -= 1
    return start, end


def clauses(text: str) -> list[Stretch]:
    """At most `MAX_CLAUSES` neighbouring stretches that cover the text, each with its closing marks.

    Cut at marks; Chinese at spaces too, English before "and", "but", "so". What says nothing joins the one
    before; of a long text the last clauses count, for they carry its mood.
    """
    cutter = _CLAUSE_ZH if _HAN.search(text) else _CLAUSE_EN
    found: list[Stretch] = []
    for match in cutter.finditer(text):
        if not match.group().strip():
            continue
        if found and not telling(match.group()):
            found[-1] = (found[-1][0], match.end())
        elif found and len(found) == 1 and not telling(text[slice(*found[0])]):
            found[0] = (found[0][0], match.end())
        else:
            found.append(match.span())
    return found[-MAX_CLAUSES:]


def without(text: str, stretch: Stretch) -> str:
    """The text with one stretch left out."""
    return text[: stretch[0]] + text[stretch[1] :]


def _enough(text: str) -> bool:
    """Whether a shortened clause is long enough to be quoted."""
    return telling(text) and (not _HAN.search(text) or sum(c.isalnum() for c in text) >= MIN_HAN)


def _short(text: str) -> bool:
    """Whether a clause is so short that a person would quote all of it."""
    if _HAN.search(text):
        return sum(c.isalnum() for c in text) <= SHORT_HAN
    return len(words(text)) <= SHORT_WORDS


def _weigh(text: str, cut: Sequence[Stretch], read_many: ReadMany) -> list[float]:
    """Of each clause: the fall of the reading without it, plus its reading alone."""
    parts = [text[slice(*c)] for c in cut]
    if len(cut) == 1:
        return [1.0]
    readings = read_many([text, *(without(text, c) for c in cut), *parts])
    whole, n = readings[0], len(cut)
    return [whole - readings[1 + i] + readings[1 + n + i] for i in range(n)]


def _shorten(text: str, stretch: Stretch, read_many: ReadMany) -> Stretch:
    """The clause cut from the front, then from the back, while it keeps its reading; negators stay."""
    inside = [(a + stretch[0], b + stretch[0]) for a, b in words(text[slice(*stretch)])]
    if _short(text[slice(*stretch)]):
        return stretch
    start, end = stretch
    heads = [a for (a, _), before in zip(inside[1:], inside, strict=False) if not _negates(text, before)]
    heads = [a for a in heads if _enough(text[a:end]) and (_HAN.match(text, a) or _begins(text[a:end]))]
    heads = heads[:: -(-len(heads) // MAX_CUTS)] if heads else []
    bar, start = _best(text, [(start, end), *((a, end) for a in heads)], read_many, from_front=True)
    if _short(text[start:end]):
        return start, end
    tails = [
        b
        for a, b in reversed(inside[:-1])
        if b > start
        and _enough(text[start:b])
        and (telling(text[a:b]) or text[b - 1] in PARTICLES)
        and not _negates(text, (a, b))
    ][:MAX_CUTS]
    _, end = _best(text, [(start, end), *((start, b) for b in tails)], read_many, from_front=False, bar=bar)
    return start, end


def _begins(text: str) -> bool:
    """Whether the first word of a text that is not Chinese is worth beginning a quotation with."""
    first = _WORD.match(text)
    return first is None or first.group().lower() not in _EMPTY_EN


def _negates(text: str, word: Stretch) -> bool:
    return _NEGATOR.match(text[slice(*word)]) is not None


def _best(
    text: str, options: Sequence[Stretch], read_many: ReadMany, *, from_front: bool, bar: float | None = None
) -> tuple[float, int]:
    """(reading to keep, the end that moved) of the shortest option that reads at least so negative."""
    readings = read_many([text[slice(*o)] for o in options]) if len(options) > 1 else [1.0]
    bar = KEEP * readings[0] if bar is None else bar
    kept = [o for o, r in zip(options, readings, strict=True) if r >= bar] or [options[0]]
    chosen = min(kept, key=lambda o: o[1] - o[0])
    return bar, chosen[0] if from_front else chosen[1]


def spans(text: str, read_many: ReadMany, limit: int = 3, *, whole: bool = False) -> tuple[Span, ...]:
    """The stretches that carry the feeling, strongest first; at most `limit`, () where nothing says anything.

    `read_many` gives the negative reading, 0..1, of each of several texts. `whole`: every clause is named and
    none shortened, because the point lies between them (sarcasm).
    """
    from handoff.emotion import Span

    cut = clauses(text)
    if not cut or not telling(text):
        return ()
    weights = _weigh(text, cut, read_many)
    order = sorted(range(len(cut)), key=lambda i: -weights[i])
    out: list[Span] = []
    for rank, i in enumerate(order[:limit]):
        if rank and not whole and weights[i] < NEXT * weights[order[0]]:
            break
        start, end = _trimmed(text, *cut[i])
        if rank == 0 and not whole:
            start, end = _shorten(text, (start, end), read_many)
        if end > start and telling(text[start:end]):
            out.append(Span(start, end, text[start:end]))
    return tuple(out) or (Span(0, len(text), text),)
