"""HTML: the article without its surroundings, as Markdown with title, headings, lists and tables."""

from __future__ import annotations

import re

from kb_ingest.loaders import markdown
from kb_ingest.loaders.base import Parsed
from kb_ingest.text import decode, mend

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]+)", re.I)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.I | re.S)
_H1 = re.compile(r"<h1[^>]*>(.*?)</h1>", re.I | re.S)
_TAGS = re.compile(r"<[^>]+>")
_SITE = re.compile(r"\s+[-–—|_·]\s+[^-–—|_·]{1,40}$")


def load(data: bytes, stem: str, *, url: str | None = None, charset: str | None = None) -> Parsed:
    """Parse a page; `charset` is what its server declared."""
    declared = charset or _declared(data)
    source = decode(data, declared)
    text = _extracted(source)
    parsed = markdown.load(text, stem)
    title = _title(source) or parsed.title
    return Parsed(title=title, text=parsed.text, url=url, language=_language(source))


def _declared(data: bytes) -> str | None:
    match = _CHARSET.search(data[:4096])
    name = match.group(1).decode("ascii").lower() if match else None
    return "gb18030" if name in ("gb2312", "gbk", "gb_2312-80") else name


def _language(source: str) -> str | None:
    match = re.search(r"<html[^>]*\blang=[\"']?([A-Za-z]{2})", source[:4096])
    return match.group(1).lower() if match and match.group(1).lower() in ("zh", "en") else None


def _title(source: str) -> str:
    heading, title = _H1.search(source), _TITLE.search(source)
    for match in (heading, title):
        if match:
            import html

            text = mend(html.unescape(_TAGS.sub(" ", match.group(1))))
            text = " ".join(text.split())
            if text:
                return _SITE.sub("", text) if match is title else text
    return ""


def _extracted(source: str) -> str:
    import trafilatura

    kept = trafilatura.extract(
        source,
        output_format="markdown",
        include_tables=True,
        include_formatting=True,
        include_links=False,
        include_comments=False,
        favor_recall=True,
        deduplicate=False,
    )
    plain = _visible(source)
    # trafilatura drops whole pages that are short or made of lists; what a reader sees is then the better
    # text.
    if kept and len(kept) >= 0.25 * len(plain):
        return mend(kept)
    return mend(plain) if len(plain) < 4000 or not kept else mend(kept)


def _visible(source: str) -> str:
    from lxml import html

    try:
        tree = html.document_fromstring(source.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    except (ValueError, html.etree.ParserError):
        return ""
    for element in tree.xpath(
        "//script|//style|//noscript|//template|//nav|//header|//footer|//head|//svg|//form"
    ):
        element.drop_tree()
    for element in tree.xpath("//*[@hidden or @aria-hidden='true']"):
        if element.getparent() is not None:
            element.drop_tree()
    lines: list[str] = []
    _walk(tree, lines)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _walk(element: object, lines: list[str]) -> None:
    from lxml import html

    assert isinstance(element, html.HtmlElement)
    blocks = element.xpath(
        ".//*[self::h1 or self::h2 or self::h3 or self::h4 or self::p or self::li or self::tr or self::pre]"
    )
    for block in blocks or [element]:
        text = " ".join(block.text_content().split())
        if not text:
            continue
        if block.tag in ("h1", "h2", "h3", "h4"):
            lines += ["", "#" * int(block.tag[1]) + " " + text, ""]
        elif block.tag == "li":
            lines.append("- " + text)
        elif block.tag == "tr":
            cells = [" ".join(cell.text_content().split()) for cell in block.xpath("./td|./th")]
            lines.append("| " + " | ".join(cells) + " |")
        else:
            lines += ["", text]
