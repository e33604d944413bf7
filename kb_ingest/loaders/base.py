"""What every loader gives back, and the ways in which a document can be unreadable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kb_ingest.errors import Unreadable

MAX_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One question with its answer inside `Parsed.text`: characters `start`…`end` hold the answer."""

    question: str
    start: int
    end: int
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parsed:
    """A document as Markdown text.

    Attributes:
        key: "" for a whole file; inside a file of many documents the part's own name.
        rows: for tables of questions and answers, the answers' places in `text`; else empty.
        aliases: other names of the document (tags, keywords), searched but not shown.
    """

    title: str
    text: str
    key: str = ""
    url: str | None = None
    language: str | None = None
    rows: tuple[Row, ...] = ()
    aliases: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


def faq(title: str, entries: list[tuple[str, str, tuple[str, ...]]], **more: Any) -> Parsed:
    """A document of (question, answer, aliases) entries: one answer after the other, questions as row
    titles.
    """
    parts: list[str] = []
    rows: list[Row] = []
    at = 0
    for question, answer, aliases in entries:
        rows.append(Row(question, at, at + len(answer), aliases))
        parts.append(answer)
        at += len(answer) + 2
    return Parsed(title=title, text="\n\n".join(parts), rows=tuple(rows), **more)


def empty(name: str) -> Unreadable:
    """Nothing in the document can be read as text."""
    return Unreadable(
        "document_empty",
        f"{name} 里没有可用的文字：请检查文件内容；扫描件请先做文字识别（OCR）。",
        f"{name} holds no text: check its content, and run scanned pages through OCR first.",
    )


def corrupt(name: str) -> Unreadable:
    """The bytes are not what the extension promises."""
    return Unreadable(
        "document_corrupt",
        f"{name} 已损坏或与扩展名不符：请用原软件重新打开并另存后再上传。",
        f"{name} is damaged or is not what its extension says: open it in its own program and save it again.",
    )


def locked(name: str) -> Unreadable:
    """A password is needed."""
    return Unreadable(
        "document_locked",
        f"{name} 有密码保护：请去掉密码后再上传。",
        f"{name} is protected by a password: remove it and try again.",
    )


def too_large(name: str) -> Unreadable:
    """More than is read of one document."""
    return Unreadable(
        "document_too_large",
        f"{name} 超过 {MAX_BYTES // 1024 // 1024} MB（或解压后过大）：请拆分后再上传。",
        f"{name} is larger than {MAX_BYTES // 1024 // 1024} MB, or unpacks to far more: split it.",
    )


def unknown(name: str) -> Unreadable:
    """No loader for it."""
    return Unreadable(
        "document_unknown_type",
        f"不支持 {name} 的格式：可用 Markdown、HTML、TXT、PDF、DOCX、XLSX、CSV、JSON、JSONL。",
        f"The type of {name} is not supported: use Markdown, HTML, TXT, PDF, DOCX, XLSX, CSV, JSON or JSONL.",
    )


def missing(name: str) -> Unreadable:
    """No such file."""
    return Unreadable(
        "file_not_found",
        f"找不到 {name}：请检查路径。",
        f"{name} cannot be found: check the path.",
    )


def too_slow(name: str) -> Unreadable:
    """The parser took more time or memory than a document may."""
    return Unreadable(
        "document_too_complex",
        f"解析 {name} 超出时间或内存限制：请拆分或另存为更简单的格式。",
        f"Reading {name} took too much time or memory: split it or save it in a simpler format.",
    )
