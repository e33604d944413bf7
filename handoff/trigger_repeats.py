"""Whether two customer turns ask the same thing, by what they are written with. Pure.

Character bigrams for Chinese, words for other text; function words carry little weight. Synonyms are not
seen.
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
    [
        "the",
        "a",
        "an",
        "is",
        "are",
        "was",
        "i",
        "you",
        "my",
        "me",
        "it",
        "to",
        "of",
        "and",
        "in",
        "on",
        "for",
        "do",
        "does",
        "did",
        "can",
        "could",
        "would",
        "please",
        "have",
        "has",
        "that",
        "this",
        "be",
        "will",
        "so",
        "with",
        "your",
        "we",
        "at",
    ]
)
_CARD = re.compile(r"^\s*(?:顾客通过点击|咨询订单号|查询订单号|\[?订单编号|订单号|https?://|\[链接|商品编号)")
_COURTESY = re.compile(
    r"(?:请问|看)?(?:还有)?(?:其他|什么|别的)[^。，,!！?？]{0,6}(?:可以|能|需要"
    r"|问题)[^。，,!！?？~]{0,8}(?:帮|您|吗)[^。，,!！?？~]{0,6}[?？~]?"
    r"|有什么(?:问题|可以|需要)[^。，,!！?？]{0,16}|(?:亲爱的|亲亲|亲爱哒|亲|您好|你好|小妹|妹子|在的|好的"
    r"|嗯)+(?:客户)?[~，,。!！]?"
    r"|(?:非常|真的|实在|很)?(?:抱歉|不好意思|对不起)[^。，,!！?？]{0,6}|(?:请您?)?(?:耐心)?(?:稍等"
    r"|等待)(?:一下)?|正在为您(?:查询|核实)\S{0,4}|感谢您?[^。!！]{0,14}|祝您[^。!！]{0,10}|给您(?:添麻烦"
    r"|带来不便)[^。，,!！]{0,8}|不客气"
    r"|(?:is there )?anything else[^.!?]{0,30}|how (?:can|may) i (?:help|assist)[^.!?]{0,12}|(?:i'?m "
    r"|we'?re |so )*(?:very |really |so )?sorry(?: about that| for[^.!?]{0,30})?"
    r"|thanks?(?: you)?(?: for[^.!?]{0,24})?|please (?:wait|hold)[^.!?]{0,16}|one moment"
)
_FILLER = re.compile(
    r"请问|你好|您好|谢谢|麻烦|那个|就是|然后|帮我|一下|可以|能不能|是不是|怎么|什么|为什么|啊|呢|吗|吧|呀"
    r"|哦|的|了|我|你|您|们|请"
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


def said(reply: str) -> str:
    """What a reply says beside its courtesies."""
    return _COURTESY.sub(" ", normalise(reply))


def most_alike(text: str, earlier: Sequence[str], *, replies: bool = False) -> float:
    """Likeness to the most alike of some earlier turns, 0 without any. `replies` are freed of courtesies
    first.

    A message that only carries an order card or a link asks nothing again.
    """
    if replies:
        own = said(text)
        return max((alike(own, said(e)) for e in earlier), default=0.0) if len(own.strip()) >= 6 else 0.0
    if _CARD.search(text):
        return 0.0
    return max((alike(text, e) for e in earlier), default=0.0)
