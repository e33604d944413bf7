"""Tries escalation policies on cached logits (measure.py), cross-validated by chat.

python training/emotion/tune.py runs/a.pkl [--errors]
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
from corpora import LABELS

from bot.cli.evaluate_metrics import golden_transfer, timing
from handoff import trigger_repeats, triggers
from handoff.emotion import Exchange, Reading
from handoff.emotion_model import degree
from handoff.emotion_text import language_of
from handoff.policy import EscalationPolicy
from handoff.triggers import Trajectory, TurnSignals, judge

for _name in (
    "asks_for_person", "declines_person", "asks_about_person", "threatens", "asks_how_to_complain", "danger",
    "contradicts", "asks_if_bot", "evades", "found_nothing", "thanks",
):  # fmt: skip
    setattr(triggers.words, _name, functools.cache(getattr(triggers.words, _name)))
triggers.normalise = functools.cache(triggers.normalise)
_alike = functools.cache(trigger_repeats.alike)
trigger_repeats.alike = _alike
trigger_repeats.said = functools.cache(trigger_repeats.said)

IDENTITY = {"any": [1.0, 0.0, 0.0, 0.0], "clear": [0.0, 1.0, 0.0, 0.0]}


def sig(x: float) -> float:
    """Logistic function."""
    return float(1 / (1 + np.exp(-np.clip(x, -30, 30))))


def readings(logits: np.ndarray, fit: dict) -> list[Reading]:
    """Readings as the live classifier gives them, without evidence."""
    out = []
    for i, row in enumerate(logits.astype(float)):
        negative, clear = degree(row, fit["with_history" if i else "alone"])
        scores = dict(zip(LABELS, row[3:11], strict=True))
        allowed = [n for n in LABELS if (n not in ("neutral", "positive")) == (negative >= 0.4)]
        label = max(allowed, key=lambda n: scores[n])
        out.append(Reading(negative, label, negative, (), "cached", clear, sig(row[11]), sig(row[12])))
    return out


def replay(chat, read: list[Reading], policy: EscalationPolicy):
    """(first escalation, rule, verdicts)."""
    state, history, verdicts = Trajectory(), [], []
    first, rule = None, None
    for i, (user, reply) in enumerate(chat.turns):
        state, v = judge(state, TurnSignals(user, language_of(user), read[i], tuple(history)), policy)
        verdicts.append(v)
        if v.decision == "escalate":
            first, rule = i, v.rule
            break
        history.append(Exchange(user, reply))
    return first, rule, verdicts


def score(chats, policy) -> dict:
    """Totals over chats: caught within one, false, exact, GT."""
    kinds: dict[str, int] = {}
    by_reason: dict[str, list[int]] = {}
    gt = []
    for chat, read in chats:
        first, rule, _ = replay(chat, read, policy)
        kind = timing(chat.handoff, first)
        kinds[kind] = kinds.get(kind, 0) + 1
        if chat.handoff is not None:
            by_reason.setdefault(chat.reason, []).append(int(kind in ("exact", "within_one")))
        elif first is not None:
            kinds["false:" + rule] = kinds.get("false:" + rule, 0) + 1
        gt.append(
            [
                golden_transfer(
                    [] if chat.handoff is None else [chat.handoff], [] if first is None else [first], t
                )
                for t in (1, 2, 3)
            ]
        )
    need = sum(kinds.get(k, 0) for k in ("exact", "within_one", "early", "late", "missed"))
    clean = kinds.get("clean", 0) + kinds.get("false", 0)
    caught = (kinds.get("exact", 0) + kinds.get("within_one", 0)) / max(1, need)
    return {
        "caught": round(caught, 3), "false": round(kinds.get("false", 0) / max(1, clean), 3),
        "GT": np.round(np.mean(gt, 0), 3).tolist(), **kinds,
        **{r: f"{sum(v)}/{len(v)}" for r, v in by_reason.items()},
    }  # fmt: skip


def main() -> None:
    """Reads the arguments; prints the default policy's figures, a grid, or each error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--group", default="uss,jddc")
    parser.add_argument("--policy", default="{}")
    args = parser.parse_args()
    with args.cache.open("rb") as handle:
        cache = pickle.load(handle)
    fit = (
        json.loads(args.calibration.read_text())
        if args.calibration
        else {"with_history": IDENTITY, "alone": IDENTITY}
    )
    groups = args.group.split(",")
    chats = [(c, readings(found, fit)) for c, found in cache["chats"] if c.source in groups]
    base = EscalationPolicy.from_mapping(json.loads(args.policy))
    for g in groups:
        print(g, score([x for x in chats if x[0].source == g], base))
    if len(groups) > 1:
        print("all", score(chats, base))
    if args.errors:
        errors(chats, base)
    if args.grid:
        grid(chats, base)


def errors(chats, policy) -> None:
    """Each miss and false alarm with its turn."""
    for chat, read in chats:
        first, rule, verdicts = replay(chat, read, policy)
        kind = timing(chat.handoff, first)
        if kind in ("exact", "within_one", "clean"):
            continue
        print(f"\n== {kind} {chat.dialog[:12]} truth {chat.handoff} {chat.reason} got {first} {rule}")
        for i in sorted(
            {x for y in (first, chat.handoff) if y is not None for x in range(max(0, y - 2), y + 1)}
        ):
            r = read[i] if i < len(read) else None
            v = verdicts[i] if i < len(verdicts) else None
            print(
                f"   {i} L{chat.labels[i]} n{r.negative:.2f} c{r.clear:.2f} h{r.handoff:.2f} "
                f"s{v.score if v else 0:.2f} "
                f"{chat.turns[i][0][:70]} "
                f"|| {chat.turns[i][1][:40]}"
            )


def grid(chats, base) -> None:
    """Best caught at false <= 8 %, chosen on four fifths and applied to the fifth."""
    options = list(
        itertools.product(
            (0.16, 0.2, 0.24, 0.28, 0.32, 0.36, 0.4),
            (0.0,),
            (0.6, 0.7, 0.8),
            (3, 4, 9),
            (1.1,),
        )
    )
    need = np.array([c.handoff is not None for c, _ in chats])
    table = np.zeros((len(options), len(chats)), bool)
    options = [o for o in options if o[3] < 9 or o[2] == 0.6]
    table = np.zeros((len(options), len(chats)), bool)
    for i, (th, ctx, mild, turns, fail) in enumerate(options):
        p = EscalationPolicy.from_mapping(
            {
                **base.to_mapping(),
                "threshold": th,
                "offer_threshold": min(th, base.offer_threshold),
                "context_weight": ctx,
                "mild_threshold": mild,
                "mild_turns": turns,
                "failure_threshold": fail,
            }
        )
        for j, (c, r) in enumerate(chats):
            first, _, _ = replay(c, r, p)
            table[i, j] = timing(c.handoff, first) in ("exact", "within_one", "clean")
    caught, clean = table[:, need].mean(1), table[:, ~need].mean(1)
    order = sorted(range(len(options)), key=lambda i: -(caught[i] - 3 * max(0, 0.92 - clean[i])))
    for i in order[:12]:
        print(options[i], "caught", caught[i].round(3), "false", (1 - clean[i]).round(3))
    fold = np.arange(len(chats)) % 5
    hit = np.zeros(len(chats), bool)
    for f in range(5):
        tr = fold != f
        c, k = table[:, need & tr].mean(1), table[:, ~need & tr].mean(1)
        best = max(range(len(options)), key=lambda i: c[i] - 3 * max(0, 0.92 - k[i]))
        hit[fold == f] = table[best, fold == f]
    print("cross-validated: caught", hit[need].mean().round(3), "false", (1 - hit[~need].mean()).round(3))


if __name__ == "__main__":
    main()
