"""Make kb_ingest/data/encoder.npz: what all texts have in common, and the directions in which words differ.

    python training/answerability/tokens.py --models DIR FOLDER=QUESTIONS.jsonl …

Means of questions and passages, of their word pieces, and the first 96 principal directions of the passages'
pieces, over our own help centres; every centre counts the same. Only statistics, nothing is trained.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from centres import unpacked

from kb_ingest import embedder as packaged
from kb_ingest.loaders.worker import Reader
from kb_ingest.prepare import _passage as passage_of
from kb_ingest.prepare import prepared
from kb_ingest.sources import expand
from kb_ingest.words import Words

WIDTH = 96


def centre(folder: Path, questions: list[str], model: packaged.PackagedEmbedder, words: Words):
    """Means of one help centre, and the covariance of its word pieces."""
    reader = Reader()
    texts = []
    for source in expand([unpacked(folder)]):
        for parsed in reader.read(source.file, Path(source.path).name):
            new = prepared(parsed, collection="", path="", status="", words=words)
            texts += [passage_of(new.title, chunk) for chunk in new.chunks]
    reader.close()
    passages = list(model._read(packaged._E5_PROMPTS[1], texts))
    asked = list(model._read(packaged._E5_PROMPTS[0], questions))
    pieces = np.concatenate([states for _, states, _ in passages])
    return {
        "passage": np.mean([mean for mean, _, _ in passages], axis=0),
        "query": np.mean([mean for mean, _, _ in asked], axis=0),
        "token_passage": pieces.mean(axis=0),
        "token_query": np.concatenate([states[3:-1] for _, states, _ in asked]).mean(axis=0),
        "covariance": np.cov(pieces.T),
    }


def main() -> None:
    """Read, average, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("centres", nargs="+")
    options = parser.parse_args()
    model = packaged.PackagedEmbedder(options.models, threads=2)
    words = Words(options.models)
    found = []
    for item in options.centres:
        folder, _, asked = item.partition("=")
        questions = [json.loads(line)["question"] for line in Path(asked).read_text("utf-8").splitlines()]
        found.append(centre(Path(folder), questions, model, words))
        print(folder, len(questions), flush=True)
    means = {name: np.mean([one[name] for one in found], axis=0) for name in found[0]}
    directions = np.linalg.svd(means.pop("covariance"))[0][:, :WIDTH]
    target = Path(packaged.__file__).parent / "data/encoder.npz"
    np.savez_compressed(
        target,
        projection=directions.astype(np.float16),
        **{k: v.astype(np.float32) for k, v in means.items()},
    )


if __name__ == "__main__":
    main()
