"""A document's text into chunks: along headings, then blocks, then sentences. Pure; nothing is lost.

Sizes are in *units*: a Han character counts 1, any other character 0.35, which is about how many tokens of
the encoder they cost (measured: 0.65 and 0.24). Every character of the text that is not white space is in a
chunk; a chunk's text is exactly `text[start:end]`. Tables and code stay whole up to `WHOLE` times the size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SIZE = 360.0
OVERLAP = 50.0
WHOLE = 2.5
SMALL = 140.0  # a section below this is put together with its neighbour while both fit into one chunk
_HAN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f]")
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
# A sentence ends after 。！？； or an ellipsis, with closing quotes and brackets; in Latin text after .!? and
# a space.
_SENTENCE = re.compile(r"[。！？!?；;…]+[”’」』）)\]\"']*|\.(?=\s|$)[”’)\"']*|\n+")


@dataclass(frozen=True)
class Piece:
    """Characters `start`…`end` of the text; `heading` is the path of headings above it, joined by ` › `.

    `lead` is a table's head row when the piece is a later part of that table, else "".
    """

    start: int
    end: int
    heading: str
    lead: str = ""


@dataclass(frozen=True)
class _Block:
    start: int
    end: int
    kind: str  # heading · text · table · code
    level: int = 0
    title: str = ""


def units(text: str) -> float:
    """The size of a text in units."""
    han = len(_HAN.findall(text))
    return han + 0.35 * (len(text) - han)


def split(text: str, *, size: float = SIZE, overlap: float = OVERLAP) -> list[Piece]:
    """The chunks of a Markdown text, in order."""
    pieces: list[Piece] = []
    path: list[tuple[int, str]] = []
    section: list[_Block] = []

    def close() -> None:
        pieces.extend(_section(text, section, " › ".join(title for _, title in path), size, overlap))
        section.clear()

    for block in _blocks(text):
        if block.kind == "heading":
            if any(b.kind != "heading" for b in section):
                close()
            path = [(level, title) for level, title in path if level < block.level]
            path.append((block.level, block.title))
        section.append(block)
    close()
    return _gathered(text, pieces, size)


def _gathered(text: str, pieces: list[Piece], size: float) -> list[Piece]:
    """Sections of a few words drew every question to themselves: neighbours are put together."""
    gathered: list[Piece] = []
    for piece in pieces:
        before = gathered[-1] if gathered else None
        if before is not None and not piece.lead and not before.lead:
            sizes = units(text[before.start : before.end]), units(text[piece.start : piece.end])
            if min(sizes) < min(SMALL, size / 2) and sum(sizes) <= size:
                heading = _common(before.heading, piece.heading)
                gathered[-1] = Piece(before.start, piece.end, heading)
                continue
        gathered.append(piece)
    return gathered


def _common(one: str, other: str) -> str:
    """The headings that two paths share from the top."""
    shared = []
    for a, b in zip(one.split(" › "), other.split(" › "), strict=False):
        if a != b:
            break
        shared.append(a)
    return " › ".join(shared)


def _blocks(text: str) -> Iterator[_Block]:
    """Runs of lines: a heading, a code fence, a table, or text up to the next blank line."""
    start, kind, fence = 0, "", ""
    at = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        mark = _FENCE.match(bare)
        heading = None if kind == "code" else _HEADING.match(bare)
        now = kind if kind == "code" else _kind_of(bare, mark is not None, heading is not None)
        if (kind and kind not in ("code", now)) or (kind and now == "heading"):
            yield _Block(start, at, kind)
            kind = ""
        if not kind and now:
            start, kind = at, now
            fence = mark.group(1) if mark and now == "code" else ""
        elif kind == "code" and mark and mark.group(1).startswith(fence):
            yield _Block(start, at + len(line), "code")
            kind = ""
        at += len(line)
        if heading is not None:
            yield _Block(start, at, "heading", len(heading.group(1)), heading.group(2))
            kind = ""
    if kind:
        yield _Block(start, len(text), kind)


def _kind_of(line: str, fence: bool, heading: bool) -> str:
    if not line.strip():
        return ""
    if fence:
        return "code"
    if heading:
        return "heading"
    return "table" if line.lstrip().startswith("|") or (_TABLE_RULE.match(line) and "|" in line) else "text"


def _section(text: str, blocks: list[_Block], heading: str, size: float, overlap: float) -> Iterator[Piece]:
    """Pack the blocks under one heading into pieces of at most `size` units where they can be cut."""
    start = end = -1
    filled = 0.0
    for block in blocks:
        weight = units(text[block.start : block.end])
        if start >= 0 and filled + weight <= size:
            end, filled = block.end, filled + weight
            continue
        # What is hardly more than a heading goes with the table or code below it.
        short = start >= 0 and filled < size * 0.2
        if start >= 0 and not (short and block.kind in ("table", "code") and weight <= size * WHOLE):
            yield _trimmed(text, start, end, heading)
            start = -1
        if start >= 0:
            end, filled = block.end, filled + weight
        elif weight <= (size * WHOLE if block.kind in ("table", "code") else size):
            start, end, filled = block.start, block.end, weight
        else:
            yield from _cut(text, block, heading, size, overlap)
    if start >= 0:
        yield _trimmed(text, start, end, heading)


def _trimmed(text: str, start: int, end: int, heading: str, lead: str = "") -> Piece:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return Piece(start, start + len(part.strip()), heading, lead)


def _cut(text: str, block: _Block, heading: str, size: float, overlap: float) -> Iterator[Piece]:
    by_line = block.kind in ("table", "code")
    lead = text[block.start : block.end].split("\n", 1)[0] if block.kind == "table" else ""
    parts = list(_hard(text, _lines(text, block) if by_line else _sentences(text, block), size))
    first = 0
    while first < len(parts):
        last, filled = first, units(text[slice(*parts[first])])
        while last + 1 < len(parts) and filled + units(text[slice(*parts[last + 1])]) <= size:
            last += 1
            filled += units(text[slice(*parts[last])])
        yield _trimmed(text, parts[first][0], parts[last][1], heading, lead if first else "")
        if last + 1 >= len(parts):
            return
        back, shared = last + 1, 0.0
        while not by_line and back - 1 > first and shared + units(text[slice(*parts[back - 1])]) <= overlap:
            back -= 1
            shared += units(text[slice(*parts[back])])
        first = back


def _lines(text: str, block: _Block) -> Iterator[tuple[int, int]]:
    at = block.start
    for line in text[block.start : block.end].splitlines(keepends=True):
        yield at, at + len(line)
        at += len(line)


def _sentences(text: str, block: _Block) -> Iterator[tuple[int, int]]:
    at = block.start
    for match in _SENTENCE.finditer(text, block.start, block.end):
        yield at, match.end()
        at = match.end()
    if at < block.end:
        yield at, block.end


def _hard(text: str, parts: Iterator[tuple[int, int]], size: float) -> Iterator[tuple[int, int]]:
    """Cut what is longer than a chunk by itself (no sentence ends at all) at `size` characters."""
    step = max(1, int(size))
    for start, end in parts:
        if not text[start:end].strip():
            continue
        for at in range(start, end, step) if units(text[start:end]) > size else (start,):
            stop = min(at + step, end) if units(text[start:end]) > size else end
            if text[at:stop].strip():
                yield at, stop
