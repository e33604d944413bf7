"""Write kb_ingest/data/language_axes.json: the directions in which the encoder tells Chinese from English.

    python training/language_axes/fit.py ZH_FOLDER EN_FOLDER

The folders hold the same documents under the same names (a documentation site in two languages). The encoder
puts texts of one language together whatever they say; taking these two directions (mean difference of
passages, and of titles as questions) out of every vector lets a question find its document in the other
language.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from kb_ingest import embedder_onnx
from kb_ingest.embedder import PackagedEmbedder
from kb_ingest.loaders.read import read


def pairs(zh: Path, en: Path) -> list[tuple[str, str, str, str]]:
    """(zh passage, en passage, zh title, en title) of every third document."""
    found = []
    for file in sorted(zh.rglob("*.md*"))[::3]:
        other = en / file.relative_to(zh)
        if other.is_file():
            a, b = read(file)[0], read(other)[0]
            found.append((f"{a.title}\n{a.text[:120]}", f"{b.title}\n{b.text[:350]}", a.title, b.title))
    return found


def main() -> None:
    """Embed the pairs without axes, and write the axes."""
    rows = pairs(Path(sys.argv[1]), Path(sys.argv[2]))
    embedder_onnx.AXES = np.zeros((0, 384), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        encoder = PackagedEmbedder(Path(folder), threads=2)
        passages = encoder.embed_passages([r[0] for r in rows]) - encoder.embed_passages([r[1] for r in rows])
        titles = encoder.embed_queries([r[2] for r in rows]) - encoder.embed_queries([r[3] for r in rows])
    axes = np.linalg.qr(np.stack([passages.mean(axis=0), titles.mean(axis=0)]).T)[0].T
    target = Path(embedder_onnx.__file__).parent / "data/language_axes.json"
    target.write_text(json.dumps([[round(float(x), 5) for x in axis] for axis in axes]) + "\n", "utf-8")
    print(len(rows), "pairs")


if __name__ == "__main__":
    main()
