"""A classifier of word lists, for when the model is missing: negation-aware, zh and en, no weights,
microseconds.

Much weaker than the model (figures: training/emotion/README.md); it keeps plain anger from being overlooked.
The lists are Jieli's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff.emotion import Reading, Span
from handoff.emotion_text import Exchange, is_shouted, to_simplified

_ABUSE = (
    "傻逼 sb 煞笔 傻x 妈的 tmd 尼玛 草泥马 滚蛋 滚 混蛋 王八蛋 畜生 去死 废物 脑残 智障 狗屁 放屁 垃圾公司 "
    "骗子 lj服务 nmsl 操你 卧槽 "
    "fuck shit bullshit asshole idiot moron scum bastard crap screw stupid useless scumbag"
)
_ANGER = (
    "投诉 气死 愤怒 恶心 垃圾 太差 差劲 坑人 欺骗 骗人 骗 无耻 离谱 过分 忽悠 糊弄 敷衍 推卸 推来推去 "
    "踢皮球 受够 忍无可忍 什么玩意 什么态度 "
    "什么破 到底管不管 凭什么 再也不 不要脸 差评 黑店 流氓 霸王条款 效率低 没人管 没人理 耍我 "
    "angry furious outrageous ridiculous unacceptable terrible horrible awful worst disgusting pathetic "
    "scam liar lying "
    "hate rude incompetent garbage trash joke appalling disgrace fraud never again"
)
_MILD = (
    "失望 无语 着急 急死 烦 麻烦死 怎么还 还没 为什么还 太慢 慢死 等了 等很久 一直没 不满 后悔 难受 郁闷 "
    "晕 醉了 服了 无奈 崩溃 抓狂 心塞 坑 "
    "担心 怎么回事 怎么办啊 搞什么 又坏了 又出 不合理 白等 耽误 "
    "disappointed frustrated annoyed annoying upset worried still waiting waste sick tired slow delayed "
    "again confused unhappy "
    "bad poor broken wrong ignored"
)
_POSITIVE = (
    "谢谢 感谢 多谢 满意 太好了 很好 不错 喜欢 赞 辛苦 棒 thanks thank great awesome love perfect "
    "excellent appreciate happy"
)
_NEGATION = re.compile(
    r"(?:不|没|没有|别|不是|不会|并不|毫不|不算|不太|not|no|never|n't|isn'?t|wasn'?t|don'?t|without"
    r"|nothing)[\s\w\u4e00-\u9fff]{0,2}$"
)
_SARCASM = re.compile(
    r"呵呵|真是好服务|好一个|可真(?:行|好|快)|真够(?:快|行|可以)|thanks for nothing|great job"
    r"|nice work.*(?:again|not)"
)


def _pattern(words: str) -> re.Pattern[str]:
    parts = sorted(words.split(), key=len, reverse=True)
    return re.compile("|".join(rf"\b{re.escape(w)}\b" if w.isascii() else re.escape(w) for w in parts))


_LISTS = (
    ("abuse", 0.55, _pattern(_ABUSE)),
    ("anger", 0.5, _pattern(_ANGER)),
    ("frustration", 0.28, _pattern(_MILD)),
)
_GOOD = _pattern(_POSITIVE)


class LexiconClassifier:
    """See the module."""

    name = "lexicon"

    def warm_up(self) -> None:
        """Nothing to load."""

    def read(self, text: str, history: Sequence[Exchange] = ()) -> Reading:
        """Sums what the lists find in `text`; `history` is not used."""
        lowered = to_simplified(text).lower()
        lowered = lowered if len(lowered) == len(text) else text.lower()
        calm, label, top, spans = 1.0, "neutral", 0.0, []
        for name, weight, pattern in _LISTS:
            for found in pattern.finditer(lowered):
                if _NEGATION.search(lowered[max(0, found.start() - 8) : found.start()]):
                    continue
                calm *= 1 - weight
                spans.append((weight, Span(found.start(), found.end(), text[found.start() : found.end()])))
                if weight > top:
                    label, top = name, weight
        if _SARCASM.search(lowered):
            calm *= 0.5
            label = label if top > 0.5 else "sarcasm"
        loud = min(1.0, 0.15 * sum(text.count(c) for c in "!！?？") + 0.3 * is_shouted(text))
        negative = (1 - calm) * (0.8 + 0.2 * loud) if calm < 1 else 0.05 * loud
        if _GOOD.search(lowered) and negative < 0.5:
            negative, label = negative * 0.5, "positive"
        spans.sort(key=lambda item: -item[0])
        evidence = tuple(s for _, s in spans[:3]) if negative >= 0.3 else ()
        clear = max(0.0, negative - 0.35) / 0.65
        return Reading(
            round(negative, 4),
            label,
            round(min(1.0, 0.7 * negative + 0.4 * loud), 4),
            evidence,
            self.name,
            round(clear, 4),
        )
