"""Tables: CSV and XLSX as questions with answers when their columns say so, else as Markdown tables."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from kb_ingest.loaders.base import Parsed, corrupt, faq
from kb_ingest.text import mend

_QUESTION = re.compile(
    r"^(?:标准|用户|客户|常见)?(?:问题|问句|提问|问|標準問題|問題)(?:名称|标题|内容)?$|^(?:q|question|title|ask|faq)s?$",
    re.I,
)
_ANSWER = re.compile(
    r"^(?:标准|官方|参考)?(?:答案|回答|答复|回复|解答|答|內容|答覆)(?:内容)?$|^(?:a|answer|reply|response|solution)s?$",
    re.I,
)
_ALIAS = re.compile(
    r"^(?:相似|扩展|同义|类似)(?:问题?|问法|说法)$|^(?:alias(?:es)?|similar.*|variants?|keywords?)$|^关键[词字]$",
    re.I,
)
_URL = re.compile(r"^(?:url|link|链接|网址|地址)$", re.I)


def load_csv(text: str, stem: str) -> Parsed:
    """Parse comma-, semicolon- or tab-separated text."""
    try:
        dialect: Any = csv.Sniffer().sniff(text[:8000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    csv.field_size_limit(10_000_000)
    rows = [[mend(cell).strip() for cell in row] for row in csv.reader(io.StringIO(text), dialect)]
    return from_sheets(stem, [(stem, rows)])


def load_xlsx(path: Path, stem: str) -> Parsed:
    """Parse a workbook, values as its reader sees them (no "399.0", no "NaN")."""
    import zipfile

    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise corrupt(path.name) from error
    try:
        sheets = [
            (s.title, [[cell_text(v) for v in row] for row in s.iter_rows(values_only=True)])
            for s in book.worksheets
        ]
    finally:
        book.close()
    return from_sheets(stem, sheets)


def cell_text(value: Any) -> str:
    """One cell as a reader sees it: 399 for 399.0, dates in ISO order, 是/否 left to the sheet, "" for
    nothing.
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.10g}"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    return mend(str(value)).strip()


def from_sheets(title: str, sheets: list[tuple[str, list[list[str]]]]) -> Parsed:
    """Sheets of cells → one document: questions and answers if every sheet with content has both columns."""
    filled = [(name, [row for row in rows if any(row)]) for name, rows in sheets]
    filled = [(name, rows) for name, rows in filled if rows]
    entries: list[tuple[str, str, tuple[str, ...]]] = []
    for _, rows in filled:
        found = _entries(rows)
        if found is None:
            break
        entries += found
    else:
        if entries:
            return faq(title, entries)
    parts = [(f"## {name}\n\n" if len(filled) > 1 else "") + _markdown(rows) for name, rows in filled]
    return Parsed(title=title, text="\n\n".join(parts))


def _entries(rows: list[list[str]]) -> list[tuple[str, str, tuple[str, ...]]] | None:
    for at, header in enumerate(rows[:5]):
        columns = [re.sub(r"[\s:：*（(].*$", "", cell) for cell in header]
        question = next((i for i, c in enumerate(columns) if _QUESTION.match(c)), None)
        answer = next((i for i, c in enumerate(columns) if _ANSWER.match(c)), None)
        if question is None or answer is None:
            continue
        aliases = [i for i, c in enumerate(columns) if _ALIAS.match(c)]
        return [
            (row[question], row[answer], _aliases(row, aliases))
            for row in rows[at + 1 :]
            if len(row) > max(question, answer) and row[question] and row[answer]
        ]
    return None


def _aliases(row: list[str], columns: list[int]) -> tuple[str, ...]:
    cells = [row[i] for i in columns if i < len(row) and row[i]]
    return tuple(part.strip() for cell in cells for part in re.split(r"[\n;；|、]", cell) if part.strip())


def _markdown(rows: list[list[str]]) -> str:
    width = max(len(row) for row in rows)
    lines = []
    for at, row in enumerate(rows):
        cells = [cell.replace("\n", " ").replace("|", "/") for cell in row] + [""] * (width - len(row))
        lines.append("| " + " | ".join(cells) + " |")
        if at == 0:
            lines.append("|" + " --- |" * width)
    return "\n".join(lines)
