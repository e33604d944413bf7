"""What of a passage is worth quoting: the section, lines and rows that answer, word for word. Pure.

Blocks keep the document's wording and order; only a repeated title, heading marks and sentences that speak to
machines are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot import guard
from bot.textparts import Block, Weights, blocks, sentences, terms

if TYPE_CHECKING:
    from kb_ingest.knowledge import Hit

ROWS = 8  # a table up to that many rows is quoted whole
CLEAR = 1.5  # times the next best section's share: then the others need not be quoted
TELLING = 0.25  # share of the question that a section must hold to stand alone
_MARKED = re.compile(r"^\s*#{1,6}\s+(?P<text>.+?)\s*#*$")
_QUESTION_LINE = re.compile(r"^\s*(?:问题?|q(?:uestion)?|标题)\s*[:：]\s*", re.IGNORECASE)
_ANSWER_MARK = re.compile(r"^\s*(?:答案?|回答|a(?:nswer)?)\s*[:：]\s*", re.IGNORECASE)
_PLAIN = re.compile(r"[\u3400-\u9fff]{2,14}|[A-Z][\w'’/-]*(?: [\w'’/-]+){0,5}")
_CODE = re.compile(r"[a-z]+-?\d+[a-z0-9-]*|\d{2,}[a-z]+")
_RULE = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (may be empty) and the blocks under it."""

    heading: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """Heading and blocks."""
        return "\n".join([self.heading, *(block.text for block in self.blocks)])


def sections(hit: Hit) -> list[Section]:
    """The passage's sections, without its title, repeated questions and orders to machines."""
    title, last = _normal(hit.title), _normal(hit.heading.split(">")[-1])
    found: list[tuple[str, list[str]]] = [("", [])]
    lines = hit.text.splitlines()
    fenced = False
    for index, line in enumerate(lines):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _heading(lines, index)
        if heading is not None and (heading == "" or _normal(heading) in (title, last)):
            continue
        if heading is not None:
            found.append((heading, []))
        elif not (_QUESTION_LINE.match(line) or (not found[-1][1] and _normal(line) == title)):
            found[-1][1].append(line)
    made = [Section(heading, tuple(_quotable("\n".join(body), hit))) for heading, body in found]
    return [section for section in made if section.blocks]


def _heading(lines: Sequence[str], index: int) -> str | None:
    """The heading that this line is; short lines between full ones are headings too (PDF, Word)."""
    line = lines[index].strip()
    if marked := _MARKED.match(line):
        return marked["text"]
    after = lines[index + 1].strip() if index + 1 < len(lines) else ""
    if _PLAIN.fullmatch(line) and len(after) > len(line) and after[-1] in "。；;.!！?？:：":
        return line
    return None


def _quotable(text: str, hit: Hit) -> list[Block]:
    kept = []
    title_terms = terms(f"{hit.title} {hit.heading}")
    for block in blocks(text):
        said = _ANSWER_MARK.sub("", block.text).strip("\n")
        only_title = "\n" not in said and len(said) < 80 and terms(said) <= title_terms
        if guard.gives_orders(said):
            said = " ".join(part for part in sentences(said) if not guard.gives_orders(part))
        if said.strip() and not only_title:
            kept.append(Block(said, block.start, block.kind))
    return kept


def _normal(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def excerpt(hit: Hit, query: str, weights: Weights, room: int) -> list[str]:
    """Parts of the passage to quote, about `room` characters at most, in order; a heading stands above the
    part that it heads."""
    found = sections(hit)
    telling = _telling(found, hit, weights)
    codes = frozenset(_CODE.findall(query.lower()))
    parts: list[tuple[str, Block]] = []
    for section in telling:
        cut = [_lines_with(_rows(block, weights), codes) for block in section.blocks]
        parts += [(section.heading if n == 0 else "", block) for n, block in enumerate(cut)]
    kept = _fitting(parts, hit, weights, room)
    shown = []
    for n in kept:
        heading, block = parts[n]
        shown.append(f"{heading}\n{_shortened(block, weights, room)}" if heading else
                     _shortened(block, weights, room))  # fmt: skip
    return shown


def _telling(found: list[Section], hit: Hit, weights: Weights) -> list[Section]:
    """The section that clearly answers alone, else all."""
    if len(found) < 2:
        return found
    scored = sorted(((weights.coverage(s.text, hit.title), n) for n, s in enumerate(found)), reverse=True)
    (best, n), (second, _) = scored[0], scored[1]
    above = weights.coverage("", hit.title)
    if best >= TELLING and best - above >= CLEAR * max(0.0, second - above) and best > second:
        return [found[n]]
    return found


def _fitting(parts: list[tuple[str, Block]], hit: Hit, weights: Weights, room: int) -> list[int]:
    """Numbers of the parts that fit, the most telling first, returned in order."""
    sizes = [len(heading) + len(block.text) for heading, block in parts]
    if sum(sizes) <= room:
        return list(range(len(parts)))
    above = f"{hit.title} {hit.heading}"
    ranked = sorted(
        range(len(parts)),
        key=lambda n: (-weights.coverage(f"{parts[n][0]} {parts[n][1].text}", above), n),
    )
    chosen: list[int] = []
    used = 0
    for n in ranked:
        if chosen and used + sizes[n] > room:
            continue
        chosen.append(n)
        used += sizes[n]
        if used >= room:
            break
    return sorted(chosen)


def _rows(block: Block, weights: Weights) -> Block:
    """A long table keeps its head and the rows that share words with the question."""
    lines = block.text.splitlines()
    first = next((n for n, line in enumerate(lines) if _RULE.match(line)), None)
    if block.kind != "table" or first is None or len(lines) - first - 1 <= ROWS:
        return block
    rows = lines[first + 1 :]
    matching = [row for row in rows if weights.coverage(row) > 0]
    if not matching:
        return block
    return Block("\n".join([*lines[: first + 1], *matching]), block.start, block.kind)


def _lines_with(block: Block, codes: frozenset[str]) -> Block:
    """Of a listing of codes (E1, E2 …) the lines with the code that was asked for; steps stay whole."""
    lines = block.text.splitlines()
    if not codes or block.kind == "table" or len(lines) < 2:
        return block
    holding = [line for line in lines if codes & frozenset(_CODE.findall(line.lower()))]
    others = [line for line in lines if line not in holding]
    if not holding or not any(_CODE.search(line.lower()) for line in others):
        return block
    return Block("\n".join(holding), block.start, block.kind)


def _shortened(block: Block, weights: Weights, room: int) -> str:
    """A paragraph longer than the room keeps its telling sentences; steps, tables and code stay whole."""
    if block.kind != "paragraph" or len(block.text) <= room:
        return block.text
    parts = sentences(block.text)
    chosen: list[int] = []
    for n in sorted(range(len(parts)), key=lambda n: (-weights.coverage(parts[n]), n)):
        if not chosen or sum(len(parts[i]) for i in chosen) + len(parts[n]) <= room:
            chosen.append(n)
    return " ".join(parts[n] for n in sorted(chosen))
