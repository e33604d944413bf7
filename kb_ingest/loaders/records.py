"""JSON and JSON Lines: one document per question or article, under the field names people use for them."""

from __future__ import annotations

import json
from typing import Any

from kb_ingest.loaders import markdown
from kb_ingest.loaders.base import Parsed, corrupt, faq
from kb_ingest.text import mend

_QUESTION = ("question", "q", "query", "问题", "标准问题", "问")
_ANSWER = ("answer", "a", "reply", "response", "答案", "回答", "答复", "答")
_TITLE = ("title", "name", "subject", "标题", "名称")
_BODY = ("text", "content", "body", "markdown", "正文", "内容")
_ID = ("id", "_id", "key", "编号", "slug")
_URL = ("url", "link", "href", "链接", "网址")
_ALIASES = (
    "aliases",
    "similar",
    "similar_questions",
    "variants",
    "tags",
    "keywords",
    "相似问题",
    "相似问",
    "关键词",
)
_LIST = ("data", "items", "faqs", "faq", "articles", "documents", "records", "results", "questions")


def load_lines(text: str, stem: str) -> list[Parsed]:
    """JSON Lines; a broken line is left out as long as any other can be read."""
    records = []
    for line in text.splitlines():
        if line.strip():
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
    if text.strip() and not records:
        raise corrupt(stem)
    return _documents(records, stem)


def load_json(text: str, stem: str) -> list[Parsed]:
    """A JSON list of records, an object that holds one, one record, or any other JSON as text."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise corrupt(stem) from error
    records = _list(value)
    documents = _documents(records, stem) if records else []
    if documents or not value:
        return documents
    return [Parsed(title=stem, text="\n".join(_leaves(value, "")))]


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for name in _LIST:
            if isinstance(value.get(name), list):
                return list(value[name])
        if _first(value, _QUESTION) or _first(value, _BODY):
            return [value]
    return []


def _documents(records: list[Any], stem: str) -> list[Parsed]:
    documents = []
    for number, record in enumerate(records, 1):
        if isinstance(record, dict):
            parsed = _document(record, number, stem)
            if parsed is not None:
                documents.append(parsed)
    return documents


def _document(record: dict[str, Any], number: int, stem: str) -> Parsed | None:
    key = _first(record, _ID) or str(number)
    url = _first(record, _URL) or None
    question, answer = _first(record, _QUESTION), _first(record, _ANSWER)
    if not answer and question:
        answer = _first(record, _BODY)
    aliases = _many(record, _ALIASES)
    if question and answer:
        return faq(question, [(question, answer, aliases)], key=key, url=url)
    body = _first(record, _BODY) or answer
    if not body:
        return None
    parsed = markdown.load(body, _first(record, _TITLE) or f"{stem} {key}")
    title = _first(record, _TITLE) or parsed.title
    return Parsed(title=title, text=parsed.text, key=key, url=url or parsed.url, aliases=aliases)


def _first(record: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = record.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return mend(str(value)).strip()
    return ""


def _many(record: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        value = record.get(name)
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            found += [str(item) for item in value if isinstance(item, str | int | float)]
    return tuple(dict.fromkeys(mend(item).strip() for item in found if item.strip()))


def _leaves(value: Any, path: str) -> list[str]:
    """Any other JSON as lines `where: what`, nesting kept in the path."""
    if isinstance(value, dict):
        return [line for k, v in value.items() for line in _leaves(v, f"{path} › {k}" if path else str(k))]
    if isinstance(value, list):
        if all(isinstance(item, str | int | float) for item in value):
            return [f"{path}: " + ", ".join(mend(str(item)) for item in value)]
        return [line for item in value for line in _leaves(item, path)]
    return [f"{path}: {mend(str(value))}"] if value not in (None, "") else []
