"""Texts taken apart: language, terms, sentences, and blocks that must stay whole (steps, tables, code).
Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_HAN = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[a-z0-9][a-z0-9._+-]*[a-z0-9]|[a-z0-9]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_SENTENCE_END = re.compile(r"(?<=[。！？!?；;])(?=\S)|(?<=[.!?])\s+(?=[A-Z\"“(\[])|\n+")
_LIST_ITEM = re.compile(
    r"^\s*(?:[-*•·]|\d{1,3}[.)、．]|[(（]\d{1,3}[)）]|[①-⑳]|第[一二三四五六七八九十]+步|Step \d+)\s*"
)
_STOP_EN = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "am",
        "do",
        "does",
        "did",
        "can",
        "could",
        "will",
        "would",
        "should",
        "may",
        "might",
        "must",
        "i",
        "you",
        "he",
        "she",
        "it",
        "we",
        "they",
        "me",
        "my",
        "your",
        "our",
        "their",
        "its",
        "this",
        "that",
        "these",
        "those",
        "to",
        "of",
        "in",
        "on",
        "at",
        "for",
        "from",
        "with",
        "by",
        "as",
        "and",
        "or",
        "not",
        "no",
        "if",
        "so",
        "but",
        "how",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "why",
        "there",
        "here",
        "please",
        "help",
        "tell",
        "want",
        "need",
        "get",
        "got",
        "have",
        "has",
        "had",
        "about",
        "any",
        "some",
        "just",
        "also",
        "than",
        "then",
        "them",
        "into",
        "out",
        "up",
        "hi",
        "hello",
    ]
)
_STOP_HAN = frozenset(
    [
        "怎么",
        "什么",
        "如何",
        "请问",
        "可以",
        "一下",
        "我的",
        "你们",
        "我们",
        "为什",
        "么样",
        "怎样",
        "哪里",
        "那个",
        "这个",
        "是不",
        "不是",
        "吗我",
        "能不",
        "么办",
        "么回",
        "回事",
        "没有",
        "有没",
        "需要",
        "我想",
        "想要",
        "想问",
        "问一",
        "是什",
        "多少",
        "少钱",
        "你好",
        "您好",
        "的是",
        "了吗",
        "吗请",
        "么我",
        "多久",
    ]
)


def language_of(text: str, fallback: str = "zh-CN") -> str:
    """`zh-CN` or `en` by what most of the text is written in; `fallback` when it has no letters."""
    han, latin = len(_HAN.findall(text)), len(_LETTER.findall(text))
    if not han and not latin:
        return fallback
    return "zh-CN" if han * 3 >= latin else "en"


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word


def terms(text: str) -> frozenset[str]:
    """Content terms: stemmed words without stop words, and pairs of Chinese characters."""
    lowered = text.lower()
    found = {_stem(word) for word in _WORD.findall(lowered) if word not in _STOP_EN}
    for run in _HAN_RUN.findall(lowered):
        pairs = [run[i : i + 2] for i in range(len(run) - 1)] or [run]
        found.update(pair for pair in pairs if pair not in _STOP_HAN)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each term of the question tells; rare ones in the retrieved passages tell more."""

    weight: dict[str, float]

    @classmethod
    def of(cls, query: str, passages: Sequence[str]) -> Weights:
        """Inverse document frequency over the passages."""
        counts = Counter(term for passage in passages for term in terms(passage))
        total = len(passages) + 1
        return cls({term: math.log(1 + total / (1 + counts[term])) for term in terms(query)})

    def coverage(self, text: str, extra: str = "") -> float:
        """Share 0..1 of the question's weight that stands in `text` (`extra`, its headings, counts half)."""
        total = sum(self.weight.values())
        if not total:
            return 0.0
        here, above = terms(text), terms(extra)
        return sum(w if t in here else w / 2 if t in above else 0.0 for t, w in self.weight.items()) / total


def sentences(text: str) -> list[str]:
    """Sentences in order, each as it stands; line ends separate too."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a passage that is quoted whole; `start` is its offset."""

    text: str
    start: int
    kind: str  # paragraph | list | table | code


def blocks(text: str) -> list[Block]:
    """Paragraphs, lists with the line that leads to them, tables and code, in order."""
    found: list[Block] = []
    lines: list[str] = []
    start = offset = 0
    in_code = False
    for line in text.splitlines(keepends=True):
        fence = line.lstrip().startswith("```")
        boundary = not in_code and (not line.strip() or (fence and bool(lines)))
        if boundary and lines:
            found.append(_block(lines, start))
            lines = []
        if line.strip() or in_code:
            if not lines:
                start = offset
            lines.append(line)
        if fence:
            in_code = not in_code
            if not in_code:
                found.append(_block(lines, start))
                lines = []
        offset += len(line)
    if lines:
        found.append(_block(lines, start))
    return _join_lists([block for block in found if block.text])


def _kind(lines: Sequence[str]) -> str:
    if lines[0].lstrip().startswith("```"):
        return "code"
    if sum(line.count("|") >= 2 for line in lines) * 2 > len(lines):
        return "table"
    return "list" if any(_LIST_ITEM.match(line) for line in lines) else "paragraph"


def _block(lines: Sequence[str], start: int) -> Block:
    return Block("".join(lines).rstrip(), start, _kind(lines))


def _join_lists(found: list[Block]) -> list[Block]:
    """A line that ends in a colon belongs to what follows; neighbouring list blocks are one list."""
    joined: list[Block] = []
    for block in found:
        last = joined[-1] if joined else None
        leads = last is not None and last.text.endswith((":", "：")) and block.kind != "paragraph"
        goes_on = last is not None and last.kind == "list" and block.kind == "list"
        if last is not None and (leads or goes_on):
            joined[-1] = Block(f"{last.text}\n{block.text}", last.start, block.kind)
        else:
            joined.append(block)
    return joined
