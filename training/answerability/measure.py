"""Retrieval and answerability figures of help centres, centre by centre.

    python training/answerability/measure.py --home DIR CENTRE=QUESTIONS.jsonl … [--fit] [--write]

CENTRE is a folder of documents or a JSON Lines file of articles; it is ingested into DIR once. Printed:
document R@1, R@5 and MRR@10 of each stage with bootstrap 95 % intervals, and the share declined of questions
without an answer, of those of other centres (`stranger`), and of those with one, by the shipped weights
(`shipped`) and by weights fitted on the other centres only (`left out`).
`--fit` fits on all and prints the weights; `--write` keeps them in kb_ingest/data/answerability.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from centres import questions, unpacked
from sklearn.linear_model import LogisticRegression

from handoff.writer import Database
from kb_ingest import answerable
from kb_ingest.embedder import load_embedder
from kb_ingest.knowledge import KnowledgeBase
from kb_ingest.tables import metadata

STAGES = ("dense", "keyword", "title", "words", "fused")
COST = 2.2  # of a needless "I do not know" against a wrong answer
CUT = 0.5
FIT_CUT = 0.6  # where the cut lies in the fit: the bias is moved so that it is CUT for the server
# Written traps share their words with the passage beside which they were written: more of them only teaches
# that overlap is bad.
COUNTS = {"answerable": 1.0, "unanswerable": 0.2, "left out": 0.5, "stranger": 1.0}


def name_of(item: str) -> tuple[str, Path, list[dict]]:
    """(collection, what is ingested, questions) of one argument; several files of questions by commas."""
    source, _, asked = item.partition("=")
    rows = [row for path in asked.split(",") for row in questions(Path(path))]
    return Path(asked.split(",")[0]).stem, Path(source), rows


def open_base(home: Path) -> tuple[Database, KnowledgeBase]:
    """The knowledge base of a data folder."""
    home.mkdir(parents=True, exist_ok=True)
    store = Database(f"sqlite:///{home / 'jieli.db'}")
    store.write_now(metadata.create_all)
    base = KnowledgeBase(
        store, data_dir=home, embedder=load_embedder(None, home / "models", threads=2), chroma=False
    )
    base.warm_up()
    return store, base


def place(hits: list, stage: str, gold: list[str]) -> int:
    """Rank of the first gold document when the hits are ordered by one stage; 0 = not found."""
    documents = dict.fromkeys(hit.path for hit in sorted(hits, key=lambda hit: -hit.stages.get(stage, 0.0)))
    return next((rank for rank, path in enumerate(documents, 1) if path in gold), 0)


def searched(base: KnowledgeBase, name: str, rows: list[dict]) -> list[dict]:
    """Each question with its hits, its ranks by stage and its features."""
    found = []
    for row in rows:
        hits = base.search_now(row["question"], collections=[name], k=50)
        ranks = {stage: place(hits, stage, row["paths"]) for stage in STAGES}
        rest = [hit for hit in hits if hit.path not in row["paths"]]
        figures = {"features": answerable.features(row["question"], hits[:10])}
        if row["paths"]:
            figures["without"] = answerable.features(row["question"], rest[:10])
        found.append({**row, "ranks": ranks, **figures})
    return found


def strangers(base: KnowledgeBase, name: str, sets: dict[str, list[dict]]) -> list[dict]:
    """Features of questions of other centres."""
    asked = [row["question"] for other, rows in sets.items() if other != name for row in rows[::8]]
    texts = [text for text in asked if text]
    return [answerable.features(text, base.search_now(text, collections=[name], k=10)) for text in texts]


def retrieval(name: str, rows: list[dict]) -> None:
    """Print R@1, R@5, MRR@10 of each stage."""
    asked = [row for row in rows if row["paths"]]
    for stage in STAGES:
        ranks = np.array([row["ranks"][stage] for row in asked])
        figures = [ranks == 1, (ranks > 0) & (ranks <= 5), (ranks > 0) * (ranks <= 10) / np.maximum(ranks, 1)]
        shown = "  ".join(
            f"{label} {interval(values)}"
            for label, values in zip(("R@1", "R@5", "MRR"), figures, strict=True)
        )
        print(f"{name:16s} {stage:8s} n={len(ranks):3d}  {shown}")


def interval(values: np.ndarray) -> str:
    """Mean and bootstrap 95 % interval."""
    values = np.asarray(values, float)
    if not len(values):
        return "-"
    drawn = np.random.default_rng(1).choice(values, (2000, len(values))).mean(axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{values.mean():.3f} [{low:.2f}, {high:.2f}]"


def table(rows: list[dict], names: list[str]) -> np.ndarray:
    """Features [questions, names]."""
    return np.array([[row["features"].get(name, 0.0) for name in names] for row in rows])


def examples(rows: list[dict], names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, answered or not, and weights (COUNTS); `left out` is an answerable question with its
    documents taken out.
    """
    x, y, weight = [], [], []
    for row in rows:
        for figures, label, counts in (
            (row["features"], bool(row["paths"]), COUNTS[_kind(row)]),
            (row.get("without"), False, COUNTS["left out"]),
        ):
            if figures:
                x.append([figures.get(name, 0.0) for name in names])
                y.append(label)
                weight.append(counts)
    return np.array(x), np.array(y, int), np.array(weight)


def fitted(sets: dict[str, list[dict]], names: list[str]) -> LogisticRegression:
    """A fit in which every centre counts the same, and its answered questions COST times the others."""
    parts = [examples(rows, names) for rows in sets.values()]
    shares = [
        np.where(y == 1, COST * w / max(w[y == 1].sum(), 10.0), w / max(w[y == 0].sum(), 10.0))
        for _, y, w in parts
    ]
    weight = np.concatenate(shares)
    x, y = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return LogisticRegression(C=100.0, max_iter=5000).fit(x, y, weight * len(y) / weight.sum())


def declined(label: str, name: str, rows: list[dict], p: np.ndarray) -> None:
    """Print what is declined at the cut, of each kind."""
    kinds = np.array([_kind(row) for row in rows])
    shown = [
        f"{kind} {interval(p[kinds == kind] < CUT)} of {(kinds == kind).sum():3d}"
        for kind in ("unanswerable", "stranger", "answerable")
    ]
    print(f"{name:16s} {label:9s} declined: {'  '.join(shown)}")


def _kind(row: dict) -> str:
    if row["kind"] == "stranger":
        return "stranger"
    return "answerable" if row["paths"] else "unanswerable"


def main() -> None:
    """Ingest, search, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--features")
    parser.add_argument("--save", type=Path, help="keep the searches here as JSON Lines")
    parser.add_argument("centres", nargs="+")
    options = parser.parse_args()
    store, base = open_base(options.home)
    sets: dict[str, list[dict]] = {}
    for item in options.centres:
        name, source, rows = name_of(item)
        if name not in [collection for collection, *_ in base.collections()]:
            done = list(base.ingest_now([unpacked(source)], collection=name))
            print(name, len(done), "documents", flush=True)
        sets[name] = searched(base, name, rows)
        retrieval(name, sets[name])
    for name, rows in sets.items():
        far = strangers(base, name, sets)
        rows += [{"question": "", "paths": [], "kind": "stranger", "features": values} for values in far]
    base.close()
    store.close()
    if options.save:
        options.save.write_text(
            "".join(json.dumps({"set": n, **r}, ensure_ascii=False) + "\n" for n in sets for r in sets[n])
        )
    names = (
        options.features.split(",")
        if options.features
        else sorted({k for r in sets.values() for row in r for k in row["features"]})
    )
    answers(sets, names)
    if options.fit or options.write:
        model = fitted(sets, names)
        weights = {name: round(float(v), 4) for name, v in zip(names, model.coef_[0], strict=True)}
        weights["bias"] = round(float(model.intercept_[0]) - float(np.log(FIT_CUT / (1 - FIT_CUT))), 4)
        print(json.dumps(weights))
        if options.write:
            target = Path(answerable.__file__).parent / "data/answerability.json"
            target.write_text(json.dumps({"weights": weights}, indent=1) + "\n", "utf-8")


def answers(sets: dict[str, list[dict]], names: list[str]) -> None:
    """Print what is declined, by the shipped weights and by those of the other centres."""
    held: dict[str, np.ndarray] = {}
    for name, rows in sets.items():
        shipped = np.array([answerable.probability(row["features"]) for row in rows])
        declined("shipped", name, rows, shipped)
        others = {other: theirs for other, theirs in sets.items() if other != name}
        if others:
            held[name] = fitted(others, names).predict_proba(table(rows, names))[:, 1] - FIT_CUT + CUT
            declined("left out", name, rows, held[name])
    if held:
        every = [row for name in held for row in sets[name]]
        declined("left out", "all", every, np.concatenate(list(held.values())))


if __name__ == "__main__":
    main()
