"""Help centres and questions to measure with: folders, or JSON Lines with a document's `path` and `text`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path


def unpacked(source: Path) -> Path:
    """The folder to ingest; a JSON Lines file of articles with `path` is written out as files."""
    if source.is_dir():
        return source
    folder = Path(tempfile.mkdtemp(prefix="jieli-centre-"))
    for line in source.read_text("utf-8").splitlines():
        row = json.loads(line)
        target = folder / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        text = row["text"]
        target.write_text(
            text if text.lstrip().startswith("# ") else f"# {row['title']}\n\n{text}\n", "utf-8"
        )
    return folder


def questions(path: Path) -> list[dict]:
    """Questions as asked: `question` (a follow-up behind what it follows), `paths` (empty: no answer stands
    there), `kind`.
    """
    rows = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        gold = row.get("paths") or ([row["path"]] if row.get("path") else [])
        last = row["history"][-1] if row.get("history") else ""
        earlier = last if isinstance(last, str) else last.get("user", "")
        asked = f"{earlier} {row['question']}".strip()
        rows.append({"question": asked, "paths": gold, "kind": row.get("kind", "")})
    return rows
