"""Markdown and MDX: front matter read, markup that says nothing to a reader taken out, structure kept."""

from __future__ import annotations

import html
import re
from typing import Any

import yaml

from kb_ingest.loaders.base import Parsed

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->|\{/\*.*?\*/\}", re.DOTALL)
_IMPORT = re.compile(r"^(?:import|export)\s.+$")
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)(?:\{[^}]*\})?")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^()\s]*(?:\([^)]*\)[^()\s]*)*)(?:\s+[^)]*)?\)(?:\{:?[^}]*\})?")
_TAG = re.compile(r"</?[A-Za-z][\w.-]*(?:\s[^<>]*)?/?>")
_ATTRIBUTES = re.compile(r"\{[:#][^}\n]*\}")
_TITLE_ATTRIBUTE = re.compile(r"<[A-Za-z][\w.-]*\s[^<>]*?title=\"([^\"]+)\"[^<>]*>")
_DIRECTIVE = re.compile(r"^(:::+\s*\w*.*|[?!]>\s?)")
_RULE = re.compile(r"^\s*(?:[-*_]\s*){3,}$")


def load(text: str, stem: str) -> Parsed:
    """Parse Markdown `text`; `stem` names it when neither front matter nor a heading does."""
    front, body = _front_matter(text)
    body = _plain(_COMMENT.sub("", body)).strip()
    heading = _HEADING.search(body)
    title = str(front.get("title") or "").strip() or (_inline(heading.group(1)) if heading else "") or stem
    description = str(front.get("description") or front.get("summary") or "").strip()
    if description and description not in body:
        body = f"{description}\n\n{body}" if body else description
    url = front.get("url") or front.get("canonical_url")
    return Parsed(
        title=title,
        text=body,
        url=str(url) if url else None,
        aliases=_names(front),
        language=str(front["language"])[:2].lower() if front.get("language") else None,
    )


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    match = _FRONT.match(text.lstrip("\ufeff"))
    if match is None:
        return {}, text
    try:
        values = yaml.safe_load(match.group(1))
    except yaml.YAMLError:
        return {}, text[match.end() :]
    return (values if isinstance(values, dict) else {}), text[match.end() :]


def _names(front: dict[str, Any]) -> tuple[str, ...]:
    names: list[str] = []
    for field in ("tags", "keywords", "aliases"):
        value = front.get(field)
        if isinstance(value, str):
            names += re.split(r"[,，、;；]\s*", value)
        elif isinstance(value, list):
            names += [str(item) for item in value]
    return tuple(dict.fromkeys(name.strip() for name in names if name and name.strip()))


def _plain(body: str) -> str:
    """Line by line, code fences untouched."""
    lines: list[str] = []
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark.group(1).startswith(fence):
                fence = ""
            lines.append(line)
        elif mark:
            fence = mark.group(1)
            lines.append(line)
        elif not (_IMPORT.match(line) or _RULE.match(line)):
            lines.append(_inline(_DIRECTIVE.sub("", line)))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _inline(line: str) -> str:
    line = _TITLE_ATTRIBUTE.sub(lambda m: m.group(1) + " ", line)
    line = _IMAGE.sub(lambda m: m.group(1), line)
    line = _LINK.sub(_link, line)
    line = _ATTRIBUTES.sub("", _TAG.sub("", line))
    line = line.replace("**", "").replace("__", "")
    return html.unescape(line).rstrip()


def _link(match: re.Match[str]) -> str:
    label, target = match.group(1), match.group(2)
    return f"[{label}]({target})" if target.startswith(("http://", "https://")) and label != target else label
