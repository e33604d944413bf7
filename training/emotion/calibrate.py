"""Fits the calibration that ships: eight numbers a case, over the log-odds that the model gives.

    python training/emotion/calibrate.py runs/c.pkl --out runs/c.calibration.json

With history: the hand-labelled service chats, their real shares of degrees; the error is that of five folds
by chat.
Alone: the same turns without their chats, calm questions of customers, our single turns, and the even rows
of two sets of single texts (chat logs, tweets to airlines), by `SHARES`; the odd rows of those two measure.
"""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path

import numpy as np
from measure import odds
from sklearn.linear_model import LogisticRegression


def fit(x: np.ndarray, truth: np.ndarray, weight: np.ndarray | None = None) -> list[float]:
    """Coefficients over `odds`, never negative, the constant last."""
    columns = [0, 1, 2]
    while True:
        model = LogisticRegression(C=1.0, max_iter=500).fit(x[:, columns], truth, sample_weight=weight)
        bad = [c for c, v in zip(columns, model.coef_[0], strict=True) if v < 0]
        if not bad:
            break
        columns = [c for c in columns if c not in bad]
    full = dict(zip(columns, model.coef_[0], strict=True))
    return [round(float(full.get(c, 0.0)), 4) for c in (0, 1, 2)] + [round(float(model.intercept_[0]), 4)]


def apply(x: np.ndarray, coefficients: list[float]) -> np.ndarray:
    """Probabilities."""
    return 1 / (1 + np.exp(-x @ np.array(coefficients)))


def error(probability: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error, equal-width bins."""
    at = np.minimum((probability * bins).astype(int), bins - 1)
    return float(
        sum(
            (at == b).mean() * abs(probability[at == b].mean() - truth[at == b].mean())
            for b in range(bins)
            if (at == b).any()
        )
    )


def plot(probability: np.ndarray, truth: np.ndarray) -> str:
    """The reliability plot in words: predicted → observed (rows)."""
    out = []
    for low in np.arange(0, 1, 0.1):
        inside = (probability >= low) & (probability < low + 0.1)
        if inside.sum() >= 5:
            out.append(f"{probability[inside].mean():.2f}→{truth[inside].mean():.2f} ({inside.sum()})")
    return "; ".join(out)


SHARES = {"service": 0.45, "calm": 0.2, "own": 0.15, "xs": 0.1, "airline": 0.1}


def single(cache: dict) -> list[float]:
    """Coefficients for texts without a chat; prints how they do on rows that they have not seen."""
    parts = {
        "service": (
            np.array([row for _, row in cache["alone"]]),
            np.array([v > 0 for v, _ in cache["alone"]]),
        )
    }
    for name, ours in (("own", True), ("calm", False)):
        rows = [(row, level > 0) for source, level, row in cache["calm"] if (source == "own_turns") == ours]
        parts[name] = (np.array([r for r, _ in rows]), np.array([y for _, y in rows]))
    for name in ("xs", "airline"):
        logits, truth = cache[name]
        parts[name] = (logits[::2], truth[::2] > 0)
    x = np.concatenate([odds(parts[n][0]) for n in SHARES])
    truth = np.concatenate([parts[n][1] for n in SHARES])
    weight = np.concatenate([np.full(len(parts[n][1]), s / len(parts[n][1])) for n, s in SHARES.items()])
    found = fit(x, truth, weight * len(truth))
    held = {n: (cache[n][0][1::2], cache[n][1][1::2]) for n in ("xs", "airline")}
    held |= {"weibo": cache["weibo"], "service": parts["service"], "calm": parts["calm"]}
    for name, (logits, y) in held.items():
        p = apply(odds(logits), found)
        right = ((p >= 0.5) == (y > 0)).mean()
        calm = p[np.asarray(y) == 0]
        print(
            f"alone, {name}: ECE {error(p, np.asarray(y, float)):.3f} accuracy {right:.3f} "
            f"calm texts p50 {np.median(calm):.3f} p90 {np.quantile(calm, 0.9):.3f}"
        )
    return found


def main() -> None:
    """Reads the arguments, fits, reports, writes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    with args.cache.open("rb") as handle:
        cache = pickle.load(handle)
    chats = [(chat, odds(logits)) for chat, logits in cache["chats"] if chat.source in ("uss", "jddc")]
    x = np.concatenate([f for _, f in chats])
    label = np.array([v for chat, _ in chats for v in chat.labels])
    fold = np.array([i % 5 for i, (chat, _) in enumerate(chats) for _ in chat.labels])
    both = {}
    for name, truth in (("any", label > 0), ("clear", label == 2)):
        held = np.zeros(len(label))
        for f in range(5):
            held[fold == f] = apply(x[fold == f], fit(x[fold != f], truth[fold != f]))
        both[name] = fit(x, truth)
        print(
            name,
            "ECE, five folds by chat:",
            round(error(held, truth.astype(float)), 4),
            plot(held, truth.astype(float)),
        )
    # One direction for both questions, so that the clearly negative turns also rank highest in `any`.
    direction = np.array(both["clear"][:3]) + 0.5 * np.array(both["any"][:3])
    line = LogisticRegression(C=10.0).fit((x[:, :3] @ direction)[:, None], label > 0)
    slope = float(line.coef_[0][0])
    both["any"] = [round(float(v), 4) for v in [*(slope * direction), line.intercept_[0]]]
    print("any, shipped: ECE", round(error(apply(x, both["any"]), (label > 0).astype(float)), 4))
    levels = np.array([level for _, level, _ in cache["calm"]])
    rows = np.array([row for _, _, row in cache["calm"]])
    clear_x = np.concatenate([odds(np.array([row for _, row in cache["alone"]])), odds(rows)])
    clear_y = np.concatenate([np.array([v for v, _ in cache["alone"]]) == 2, levels == 2])
    alone = {"any": single(cache), "clear": fit(clear_x, clear_y)}
    args.out.write_text(json.dumps({"with_history": both, "alone": alone}, indent=1))
    print(json.dumps({"with_history": both, "alone": alone}))


if __name__ == "__main__":
    main()
