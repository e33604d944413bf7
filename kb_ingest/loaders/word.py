"""DOCX: headings, paragraphs, lists and tables in the order of the body."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from kb_ingest.loaders.base import Parsed, corrupt, faq
from kb_ingest.loaders.tables import from_sheets
from kb_ingest.text import mend


def load(path: Path, stem: str) -> Parsed:
    """Parse a Word document (.docx)."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    try:
        document = docx.Document(str(path))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise corrupt(path.name) from error
    lines: list[str] = []
    tables: list[Parsed] = []
    for item in document.iter_inner_content():
        if isinstance(item, Table):
            rows = [_cells(row) for row in item.rows]
            table = from_sheets(stem, [(stem, rows)])
            tables.append(table)
            lines += ["", *(_answers(table) if table.rows else [table.text]), ""]
        else:
            lines += _paragraph(item)
    title = mend(document.core_properties.title or "").strip()
    heading = next((line.lstrip("# ") for line in lines if line.startswith("# ")), "")
    prose = sum(len(line) for line in lines)
    if len(tables) == 1 and tables[0].rows and prose < 2 * len(tables[0].text) + 200:
        entries = [(r.question, tables[0].text[r.start : r.end], r.aliases) for r in tables[0].rows]
        return faq(heading or title or stem, entries)
    return Parsed(title=heading or title or stem, text="\n".join(lines).strip())


def _answers(table: Parsed) -> list[str]:
    return [f"**{row.question}**\n{table.text[row.start : row.end]}\n" for row in table.rows]


def _cells(row: Any) -> list[str]:
    """Texts of a row; a merged cell is given once."""
    cells: list[str] = []
    seen: set[int] = set()
    for cell in row.cells:
        cells.append("" if id(cell._tc) in seen else mend(cell.text).strip())
        seen.add(id(cell._tc))
    return cells


def _paragraph(paragraph: Any) -> list[str]:
    text = mend(paragraph.text).strip()
    if not text:
        return [""]
    style = (paragraph.style.name or "").lower() if paragraph.style is not None else ""
    if style == "title":
        return ["", f"# {text}", ""]
    if style.startswith(("heading", "标题")):
        level = next((int(c) for c in style if c.isdigit()), 1)
        return ["", f"{'#' * min(level, 6)} {text}", ""]
    numbered = paragraph._p.pPr is not None and paragraph._p.pPr.numPr is not None
    if "list" in style or "列表" in style or numbered:
        return [f"- {text}"]
    return [text, ""]
