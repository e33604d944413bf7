"""Stand-ins for what costs seconds to load: a shelf of passages, and a reader of moods by key words."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.textparts import terms
from handoff.emotion import Exchange, Reading, Span
from kb_ingest.knowledge import Hit


def passage(title: str, text: str, *, heading: str = "", url: str | None = None, language: str = "zh") -> Hit:
    """A passage as retrieval gives it."""
    return Hit(title, f"{title}#1", title, f"{title}.md", url, heading, text, language, 0.5, {})


RETURNS = passage(
    "七天无理由退货",
    "自签收次日起 7 天内，商品完好可以申请无理由退货。退货运费由买家承担，质量问题由我们承担。\n\n"
    "退货步骤：\n1. 打开我的订单，点击申请售后。\n2. 选择退货退款，填写原因。\n3. 审核通过后寄回商品。",
    url="https://shop.example/help/returns",
)
SHIPPING = passage("运费标准", "单笔订单满 99 元包邮，不满 99 元收取 8 元运费。\n\n新疆、西藏满 199 元包邮。")
REFUNDS = passage("退款多久到账", "验货通过后 48 小时内退款，信用卡 3 至 7 个工作日到账。")
RETURNS_EN = passage(
    "Returns", "You can return an item within 7 days of delivery. The item must be unused.", language="en"
)


@dataclass
class Shelf:
    """A knowledge base of a few passages, found by the terms that they share with the question."""

    passages: Sequence[Hit] = (RETURNS, SHIPPING, REFUNDS, RETURNS_EN)
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    def search_now(self, query: str, *, collections: Sequence[str] = (), k: int = 10) -> list[Hit]:
        """Passages that share a term, best first."""
        self.asked.append(query)
        if self.broken:
            raise RuntimeError("the index is gone")
        wanted = terms(query)
        scored = [
            ((len(wanted & terms(hit.text)) + 2 * len(wanted & terms(hit.title))) / max(1, len(wanted)), hit)
            for hit in self.passages
        ]
        return [_scored(hit, score) for score, hit in sorted(scored, key=lambda pair: -pair[0]) if score > 0][
            :k
        ]

    async def search(self, query: str, *, collections: Sequence[str] = (), k: int = 10) -> list[Hit]:
        """As `search_now`."""
        return self.search_now(query, collections=collections, k=k)

    def answerability(self, query: str, hits: Sequence[Hit]) -> float:
        """Sure as soon as a passage shares a tenth of the question's terms."""
        return 0.9 if hits and hits[0].score >= 0.1 else 0.05


def _scored(hit: Hit, score: float) -> Hit:
    return Hit(
        hit.document, hit.chunk, hit.title, hit.path, hit.url, hit.heading, hit.text, hit.language, score, {}
    )


class Mood:
    """Reads anger from “!!” and key words; can be told to fail or to take its time."""

    name = "stand-in"

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hold = threading.Event()  # set: read at once
        self.hold.set()

    def warm_up(self) -> None:
        """Nothing to load."""

    def read(self, text: str, history: Sequence[Exchange] = ()) -> Reading:
        """Negative 0.95 with “！！” or “垃圾”, else 0.02."""
        self.hold.wait(5)
        if self.error is not None:
            raise self.error
        angry = "！！" in text or "垃圾" in text
        spans = (Span(0, len(text), text),) if angry else ()
        level = 0.95 if angry else 0.02
        return Reading(level, "anger" if angry else "neutral", level, spans, self.name, clear=level)
