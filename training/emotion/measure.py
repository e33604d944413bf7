"""Predicts every development set once and keeps the logits; prints the table of EVALUATION.md §2 with
intervals.

python training/emotion/measure.py --model runs/a --data DATA --out runs/a.npz
"""

from __future__ import annotations

import argparse
import json
import pickle
from dataclasses import replace
from pathlib import Path

import corpora
import numpy as np
import torch
from corpora import Sample
from sklearn.metrics import roc_auc_score
from train import predict
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from handoff.emotion_text import Exchange


def uss(data: Path) -> list[tuple[Sample, int]]:
    """USS-JDDC turns that are not hand-labelled too much: (turn, dissatisfied)."""
    out = []
    with (data / "uss_jddc/valid.jsonl").open(encoding="utf8") as handle:
        for line in handle:
            r = json.loads(line)
            past = tuple(Exchange(h["user"], h["agent"]) for h in r["history"][-3:])
            out.append((Sample(r["user"], past), int(r["sat"] == 0)))
    return out


def external(data: Path, source: str, count: int) -> list[tuple[Sample, int]]:
    """Single texts of one source (held-back rows for those that are trained on)."""
    held = source in corpora.SHIPPED_SENTIMENT
    rows = corpora.sentiment(data, {source: count}, seed=3, skip_dev=not held)
    return [(s, s.aux) for s in rows]


def bootstrap(truth: np.ndarray, score: np.ndarray, measure, rounds: int = 300) -> tuple[float, float, float]:
    """(value, low, high): 95 % by resampling rows."""
    rng = np.random.default_rng(5)
    values = []
    for _ in range(rounds):
        pick = rng.integers(0, len(truth), len(truth))
        if len(set(truth[pick])) > 1:
            values.append(measure(truth[pick], score[pick]))
    return measure(truth, score), float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))


def recall_at(truth: np.ndarray, score: np.ndarray, false_alarms: float = 0.03) -> float:
    """Recall of class 1 where at most that share of class 0 lies above the threshold."""
    bar = np.quantile(score[truth == 0], 1 - false_alarms)
    return float((score[truth == 1] > bar).mean())


def odds(logits: np.ndarray) -> np.ndarray:
    """See `handoff.emotion_model.odds`, for many rows."""
    any_negative = np.logaddexp(logits[:, 1], logits[:, 2]) - logits[:, 0]
    clear = logits[:, 2] - np.logaddexp(logits[:, 0], logits[:, 1])
    return np.stack([any_negative, clear, logits[:, 13], np.ones(len(logits))], 1)


def collect(model, tokenizer, data: Path, own: Path, *, small: bool, chats: bool, save: Path) -> dict:
    """Logits and truths of every development set."""
    out: dict = {"chats": []}
    labelled = corpora.private_chats(data) + [
        c for c in corpora.shipped_chats(data, own) if c.source.startswith("stc3") and int(c.dialog) % 5 == 0
    ]
    flat = [s for c in labelled for s in corpora.samples_of(c)]
    logits = predict(model, tokenizer, flat)
    at = 0
    for c in labelled:
        out["chats"].append((c, logits[at : at + len(c.turns)]))
        at += len(c.turns)
    out["alone"] = [
        (s.level, row)
        for s, row in zip(
            flat, predict(model, tokenizer, [replace(s, history=()) for s in flat]), strict=True
        )
        if s.source in ("uss", "jddc")
    ]
    turns = corpora.shipped_turns(own) + corpora.plain_requests(data, 600)
    turns = [s for s in turns if s.level != corpora.UNKNOWN]
    out["calm"] = [
        (s.source, s.level, row) for s, row in zip(turns, predict(model, tokenizer, turns), strict=True)
    ]
    with save.open("wb") as handle:  # already enough for tune.py
        pickle.dump(out, handle)
    sets = {
        "uss": uss(data)[:: 3 if small else 1],
        "xs": external(data, "XS_30k_chatlog", 1000),
        "weibo": external(data, "weibo_8moods_clean", 900),
        "airline": external(data, "us_airline_tweets", 1000),
    }
    for lang in ("cn", "en"):
        held = [x for x in corpora.satisfaction(data, lang) if int(x[0]) % 5 == 0]
        sets[f"helpdesk_{lang}"] = [(s[-1], int(mean < -0.5)) for _, s, mean in held if s]
    for name, rows in sets.items():
        if chats and name not in ("weibo", "xs", "airline"):
            continue
        out[name] = (predict(model, tokenizer, [s for s, _ in rows]), np.array([t for _, t in rows]))
    return out


def report(out: dict) -> None:
    """The table."""
    for group in ("uss", "jddc", "stc3_cn", "stc3_en"):
        rows = [
            (label, x)
            for c, found in out["chats"]
            if c.source == group
            for label, x in zip(c.labels, odds(found), strict=True)
        ]
        label = np.array([r[0] for r in rows])
        x = np.array([r[1] for r in rows])
        both = (label == 0) | (label == 2)
        truth = (label[both] == 2).astype(int)
        auc = bootstrap(truth, x[both, 1], roc_auc_score)
        rec = bootstrap(truth, x[both, 1], recall_at)
        rec2 = recall_at(truth, x[both, 0] + x[both, 1])
        anyauc = roc_auc_score(label > 0, x[:, 0])
        print(
            f"{group:10s} clear/none AUC {auc[0]:.3f} [{auc[1]:.3f},{auc[2]:.3f}] recall@3% {rec[0]:.2f} "
            f"[{rec[1]:.2f},{rec[2]:.2f}] (sum {rec2:.2f}) any AUC {anyauc:.3f} "
            f"clear vs rest {roc_auc_score(label == 2, x[:, 1]):.3f}"
        )
    rows = [
        (label, x)
        for c, found in out["chats"]
        if c.source in ("uss", "jddc")
        for label, x in zip(c.labels, odds(found), strict=True)
    ]
    label = np.array([r[0] for r in rows])
    x = np.array([r[1] for r in rows])
    both = (label == 0) | (label == 2)
    truth = (label[both] == 2).astype(int)
    for n, f in (("clear", x[both, 1]), ("sum", x[both, 0] + x[both, 1]), ("any", x[both, 0])):
        print(
            f"JD all {n}: AUC {roc_auc_score(truth, f):.3f} "
            f"recall@3% {recall_at(truth, f):.2f} @5% {recall_at(truth, f, 0.05):.2f}"
        )
    for name in ("uss", "xs", "weibo", "airline", "helpdesk_cn", "helpdesk_en"):
        if name not in out:
            continue
        logits, truth = out[name]
        x = odds(logits)
        for what, score in (("any", x[:, 0]), ("aux", x[:, 2]), ("any+aux", x[:, 0] + x[:, 2])):
            value = bootstrap(truth, score, roc_auc_score, 100)
            print(f"{name:12s} {what:8s} AUC {value[0]:.3f} [{value[1]:.3f},{value[2]:.3f}]")


def main() -> None:
    """Reads the arguments, predicts, reports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="fewer rows of the large sets")
    parser.add_argument("--chats", action="store_true", help="the labelled chats and Weibo only")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, dtype=torch.float32).eval()
    out = collect(
        model,
        tokenizer,
        args.data,
        Path(__file__).parent / "data",
        small=args.small,
        chats=args.chats,
        save=args.out,
    )
    with args.out.open("wb") as handle:
        pickle.dump(out, handle)
    report(out)


if __name__ == "__main__":
    main()
