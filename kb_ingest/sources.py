"""Paths and addresses that people name, as single files with the name they go by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kb_ingest.loaders.read import SUPPORTED


@dataclass(frozen=True)
class Source:
    """`path` is relative to what was named: the folder, or the file's own name, or the address."""

    path: str
    file: Path | None = None
    url: str | None = None


def expand(named: Sequence[str | Path]) -> Iterator[Source]:
    """Every file below the named folders whose type can be read, every named file whatever its type, every
    URL.
    """
    for item in named:
        text = str(item)
        if text.startswith(("http://", "https://")):
            yield Source(text, url=text)
            continue
        path = Path(item)
        if not path.is_dir():
            yield Source(path.name, file=path)
            continue
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            hidden = any(part.startswith((".", "~$")) for part in inside.parts)
            if file.is_file() and not hidden and file.suffix.lower() in SUPPORTED:
                yield Source(inside.as_posix(), file=file)
