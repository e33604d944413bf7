"""Which loader reads a file: by extension, checked against its first bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from kb_ingest.loaders import markdown, pages, pdf, records, tables, word
from kb_ingest.loaders.base import MAX_BYTES, Parsed, corrupt, empty, locked, missing, too_large, unknown
from kb_ingest.text import decode

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_ENTRIES = 2_000
_MAX_UNPACKED = 100 * 1024 * 1024
_MAX_RATIO = 100

MARKDOWN = frozenset({".md", ".markdown", ".mdx", ".mkd"})
TEXT = frozenset({".txt", ".text", ".log", ".rst"})
HTML = frozenset({".html", ".htm", ".xhtml"})
OFFICE = frozenset({".docx", ".xlsx", ".xlsm"})
TABLES = frozenset({".csv", ".tsv"})
RECORDS = frozenset({".json", ".jsonl", ".ndjson"})
SUPPORTED = MARKDOWN | TEXT | HTML | OFFICE | TABLES | RECORDS | {".pdf"}
# Parsed in a child process with limits: formats whose parsers are large and fed by strangers.
ISOLATED = HTML | OFFICE | {".pdf"}


def read(path: Path, name: str | None = None) -> list[Parsed]:
    """The documents in a file, each with text.

    Args:
        name: the file's own name when `path` is a temporary one.

    Raises:
        Unreadable: with the stable code and how to mend it.
    """
    name = name or path.name
    suffix = Path(name).suffix.lower()
    if not path.is_file():
        raise missing(name)
    if suffix not in SUPPORTED:
        raise unknown(name)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise too_large(name)
    if size == 0:
        raise empty(name)
    found = [parsed for parsed in _parsed(path, name, suffix) if parsed.text.strip()]
    if not found:
        raise empty(name)
    return found


def _parsed(path: Path, name: str, suffix: str) -> list[Parsed]:
    stem = Path(name).stem
    if suffix in OFFICE:
        _check_archive(path, name)
        return [(word.load if suffix == ".docx" else tables.load_xlsx)(path, stem)]
    data = path.read_bytes()
    if suffix == ".pdf":
        if b"%PDF-" not in data[:1024]:
            raise corrupt(name)
        return [pdf.load(path, stem)]
    if suffix in HTML:
        return [pages.load(data, stem)]
    if data.startswith((_OLE, b"PK\x03\x04", b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"\x7fELF")):
        raise corrupt(name)
    text = decode(data)
    if _is_binary(text, data):
        raise corrupt(name)
    return _from_text(text, stem, suffix)


def _from_text(text: str, stem: str, suffix: str) -> list[Parsed]:
    if suffix in (".jsonl", ".ndjson"):
        return records.load_lines(text, stem)
    if suffix == ".json":
        return records.load_json(text, stem)
    single: Callable[[str, str], Parsed] = _plain
    if suffix in MARKDOWN:
        single = markdown.load
    elif suffix in TABLES:
        single = tables.load_csv
    return [single(text, stem)]


def _plain(text: str, stem: str) -> Parsed:
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return Parsed(title=first if 0 < len(first) <= 40 else stem, text=text.strip())


def _is_binary(text: str, data: bytes) -> bool:
    sample = data[:4096]
    strange = sum(1 for b in sample if b < 9 or 13 < b < 32)
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or sample.count(0) > len(sample) // 4
    return not wide and strange > len(sample) // 50 and bool(text)


def _check_archive(path: Path, name: str) -> None:
    """Refuse encrypted office files (they are OLE containers), damaged archives, and archive bombs."""
    with path.open("rb") as file:
        head = file.read(8)
        if head == _OLE:
            raise locked(name) if b"E\0n\0c\0r\0y\0p\0t\0e\0d" in file.read() else unknown(name)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise corrupt(name) from error
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    if len(entries) > _MAX_ENTRIES or unpacked > _MAX_UNPACKED or unpacked > _MAX_RATIO * packed:
        raise too_large(name)
    if any(entry.flag_bits & 1 for entry in entries):
        raise locked(name)
