"""Fit kb_ingest/data/answerability.json: when does what was found answer the question?

    python training/answerability/fit.py --home DIR NAME=QUESTIONS.jsonl … [--write]

DIR is a data folder into which every collection NAME has been ingested. QUESTIONS has `question`, `paths`
(documents that answer it) and optionally `answerable`. Examples: the search as it is (answered, if a gold
document is among the first five); the same search with the gold documents taken out (a near-domain question
whose answer does not stand there, noisy where documents repeat each other); questions marked unanswerable;
and questions of other collections. Printed: five-fold figures, questions kept together.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from handoff.writer import Database
from kb_ingest import answerable
from kb_ingest.embedder import load_embedder
from kb_ingest.knowledge import KnowledgeBase

NAMES = ("dense", "title", "keyword", "coverage", "rarest", "foreign")
MOST = 400
WEIGHT = {"found": 1.0, "marked": 1.0, "left_out": 0.2, "elsewhere": 0.15}


def load(path: Path) -> list[dict]:
    """The questions of a file, at most MOST of them."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    random.Random(7).shuffle(rows)
    return rows[:MOST]


def examples(base: KnowledgeBase, sets: dict[str, list[dict]]):
    """(collection, kind, question, features, answered) of every example."""
    for name, rows in sets.items():
        for row in rows:
            gold = set(row.get("paths") or [row["path"]] if "path" in row else row.get("paths", []))
            hits = base.search_now(row["question"], collections=[name], k=40)
            if not row.get("answerable", True):
                yield name, "marked", row["question"], answerable.features(row["question"], hits), 0
                continue
            if any(hit.path in gold for hit in hits[:5]):
                yield name, "found", row["question"], answerable.features(row["question"], hits), 1
            rest = [hit for hit in hits if hit.path not in gold]
            yield name, "left_out", row["question"], answerable.features(row["question"], rest), 0
        for other, theirs in sets.items():
            for row in theirs[:30] if other != name else []:
                hits = base.search_now(row["question"], collections=[name], k=10)
                yield name, "elsewhere", row["question"], answerable.features(row["question"], hits), 0


def main() -> None:
    """Fit, print, and with --write keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("sets", nargs="+")
    options = parser.parse_args()
    sets = {name: load(Path(path)) for name, path in (item.split("=", 1) for item in options.sets)}
    store = Database(f"sqlite:///{options.home / 'jieli.db'}")
    embedder = load_embedder(None, options.models or options.home / "models")
    base = KnowledgeBase(store, data_dir=options.home, embedder=embedder, chroma=False)
    base.warm_up()
    rows = [row for row in examples(base, sets) if row[3]]
    base.close()
    store.close()
    x = np.array([[row[3][name] for name in NAMES] for row in rows])
    y = np.array([row[4] for row in rows])
    counts: dict[tuple[str, str], int] = {}
    for name, kind, *_ in rows:
        counts[name, kind] = counts.get((name, kind), 0) + 1
    weight = np.array([WEIGHT[kind] / counts[name, kind] for name, kind, *_ in rows])
    weight[y == 1] *= weight[y == 0].sum() / weight[y == 1].sum()
    weight *= len(rows) / weight.sum()
    groups = np.unique([row[2] for row in rows], return_inverse=True)[1]
    held = np.zeros(len(rows))
    for train, test in GroupKFold(5).split(x, y, groups):
        model = LogisticRegression(C=10.0, max_iter=2000).fit(x[train], y[train], weight[train])
        held[test] = model.predict_proba(x[test])[:, 1]
    print(f"{'collection':16s} {'kind':10s} {'n':>5s}  declined at .5   .4   .6")
    for key in sorted(counts):
        at = [i for i, row in enumerate(rows) if (row[0], row[1]) == key]
        shares = "  ".join(f"{(held[at] < t).mean():6.3f}" for t in (0.5, 0.4, 0.6))
        print(f"{key[0]:16s} {key[1]:10s} {len(at):5d}  {shares}")
    final = LogisticRegression(C=10.0, max_iter=2000).fit(x, y, weight)
    weights = {name: round(float(v), 3) for name, v in zip(NAMES, final.coef_[0], strict=True)}
    # A needless "I do not know" costs more than a look further: the cut is at 0.4 of the balanced fit.
    weights["bias"] = round(float(final.intercept_[0]) - float(np.log(0.4 / 0.6)), 3)
    print(json.dumps(weights))
    if options.write:
        target = Path(answerable.__file__).parent / "data/answerability.json"
        target.write_text(json.dumps({"weights": weights}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
