"""PDF through PDFium: the only permissively licensed reader that gives Chrome's CJK text as the right
characters.
"""

from __future__ import annotations

import re
from pathlib import Path

from kb_ingest.loaders.base import Parsed, corrupt, empty, locked
from kb_ingest.text import mend

_SENTENCE_END = re.compile(r"[。！？!?：:；;.]$")
_NEW_BLOCK = re.compile(
    r"^(?:[-•●◦▪*]\s|\d{1,3}[.、)）]|[（(]\d{1,2}[)）]|第[一二三四五六七八九十\d]+[章节条]|[一二三四五六七八九十]+、)"
)
_HAN_EDGE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]$")


def load(path: Path, stem: str) -> Parsed:
    """Parse a PDF; lines broken by the page width are joined, page numbers and running heads are dropped."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise (locked(path.name) if "password" in str(error).lower() else corrupt(path.name)) from error
    try:
        title = (document.get_metadata_dict().get("Title") or "").strip()
        pages = []
        for page in document:
            content = page.get_textpage()
            pages.append([line.strip() for line in mend(content.get_text_bounded()).split("\n")])
            content.close()
            page.close()
    finally:
        document.close()
    lines = [line for page in _without_running_heads(pages) for line in [*page, ""]]
    text = _joined(lines)
    if not text.strip():
        raise empty(path.name)
    return Parsed(title=mend(title) or stem, text=text)


def _without_running_heads(pages: list[list[str]]) -> list[list[str]]:
    counts: dict[str, int] = {}
    for page in pages:
        for line in set(page[:2] + page[-2:]):
            counts[line] = counts.get(line, 0) + 1
    repeated = {line for line, n in counts.items() if len(pages) >= 4 and n * 2 > len(pages)}
    number = re.compile(r"^(?:第\s*)?\d{1,4}(?:\s*页|\s*/\s*\d{1,4})?$|^Page \d+")
    return [
        [line for at, line in enumerate(page) if not _is_edge(at, page, line, repeated, number)]
        for page in pages
    ]


def _is_edge(at: int, page: list[str], line: str, repeated: set[str], number: re.Pattern[str]) -> bool:
    at_edge = at < 2 or at >= len(page) - 2
    return at_edge and (line in repeated or bool(number.match(line)))


def _joined(lines: list[str]) -> str:
    widest = max((len(line) for line in lines), default=0)
    out: list[str] = []
    open_line = False
    for line in lines:
        if not line:
            open_line = False
            out.append("")
            continue
        if open_line and not _NEW_BLOCK.match(line):
            glue = "" if _HAN_EDGE.search(out[-1]) else " "
            out[-1] = out[-1] + glue + line
        else:
            out.append(line)
        # A line that fills the page's width without ending a sentence goes on in the next one.
        open_line = len(line) >= 0.7 * widest and not _SENTENCE_END.search(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()
