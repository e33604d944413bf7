"""Whether two customer turns ask the same thing, by what they are written with. Pure.

Character bigrams for Chinese, words for other text; function words carry little weight. Synonyms are not seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import sqrt

from handoff.emotion_text import normalise

_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_LATIN_WORD = re.compile(r"[a-z0-9']{2,}")
_EMPTY = frozenset(
    "the a an is are was i you my me it to of and in on for do does did can could would please have has that this be will so with your we at".split()
)
_FILLER = re.compile(
    r"请问|你好|您好|谢谢|麻烦|那个|就是|然后|帮我|一下|可以|能不能|是不是|怎么|什么|为什么|啊|呢|吗|吧|呀|哦|的|了|我|你|您|们|请"
)


def features(text: str) -> Counter[str]:
    """Weighted pieces of a turn."""
    clean = normalise(text)
    found: Counter[str] = Counter()
    for run in _HAN_RUN.findall(clean):
        core = _FILLER.sub("", run) or run
        found.update(core[i : i + 2] for i in range(max(1, len(core) - 1)))
    found.update(w for w in _LATIN_WORD.findall(clean) if w not in _EMPTY)
    return found


def alike(a: str, b: str) -> float:
    """0..1, cosine of the pieces; a short turn inside a long one counts, turns of one word hardly."""
    x, y = features(a), features(b)
    if not x or not y:
        return 0.0
    shared = sum(min(x[k], y[k]) for k in x.keys() & y.keys())
    if min(len(x), len(y)) < 2:
        return 1.0 if normalise(a) == normalise(b) and len(normalise(a)) >= 3 else 0.0
    return shared / sqrt(sum(x.values()) * sum(y.values()))


def most_alike(text: str, earlier: Sequence[str]) -> float:
    """Likeness to the most alike of some earlier turns, 0 without any."""
    return max((alike(text, e) for e in earlier), default=0.0)
