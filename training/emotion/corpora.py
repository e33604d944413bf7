"""Reads every corpus that the emotion model is trained or measured on, into one shape.

`shipped_*` sources may go into weights that ship; `private_*` ones are for measuring only (licences:
README.md).
Texts are never copied into the repository: each function takes the folder of the data.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handoff.emotion_text import Exchange

LABELS = ("neutral", "positive", "worry", "disappointment", "frustration", "anger", "sarcasm", "abuse")
TYPES = {"n": 0, "h": 0, "p": 1, "w": 2, "d": 3, "f": 4, "a": 5, "s": 6, "b": 7}
UNKNOWN = -1


@dataclass
class Sample:
    """One customer turn with what came before; -1 where a head has no label."""

    text: str
    history: tuple[Exchange, ...] = ()
    level: int = UNKNOWN  # 0 none, 1 mild, 2 clear
    label: int = UNKNOWN  # index into LABELS
    wants: int = UNKNOWN  # asks for a person
    handoff: int = UNKNOWN  # a person should have stepped in at or before this turn
    aux: int = UNKNOWN  # negative in an out-of-domain corpus
    weight: float = 1.0
    source: str = ""
    dialog: str = ""
    turn: int = 0


@dataclass
class Chat:
    """One labelled chat. `turns` are (customer, reply)."""

    dialog: str
    source: str
    lang: str
    turns: list[tuple[str, str]]
    labels: list[int]
    types: list[str]
    handoff: int | None
    reason: str | None
    extra: dict[str, Any] = field(default_factory=dict)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf8") as handle:
        for line in handle:
            if line.strip():
                yield json.loads(line)


def _pairs(rows: Sequence[tuple[bool, str]]) -> list[tuple[str, str]]:
    """(is customer, text) rows to (customer, reply) turns; several replies are joined."""
    turns: list[tuple[str, str]] = []
    for customer, text in rows:
        if customer:
            turns.append((text, ""))
        elif turns:
            user, reply = turns[-1]
            turns[-1] = (user, f"{reply} {text}".strip())
    return turns


def _chat(row: dict[str, Any], source: str, lang: str, turns: list[tuple[str, str]]) -> Chat:
    types = row.get("types") or [""] * len(turns)
    return Chat(
        str(row["dialog"]), source, lang, turns, row["labels"], types, row["handoff_turn"], row.get("reason")
    )


def private_chats(data: Path) -> list[Chat]:
    """Hand-labelled JD.com chats: held out from every weight that ships."""
    out = []
    uss = {d["dialog"]: d for d in _lines(data / "uss_jddc/valid_dialogs.jsonl")}
    for row in _lines(data / "handlabels/uss_jddc_valid.jsonl"):
        turns = [(t["user"], t["agent"]) for t in uss[row["dialog"]]["turns"]]
        out.append(_chat(row, "uss", "zh", turns))
    rows: dict[str, list[tuple[bool, str]]] = {}
    with (data / "jddc_sample/chat_0.1per.txt").open(encoding="utf8") as handle:
        for line in handle:
            cells = line.rstrip("\n").split("\t")
            if len(cells) >= 7:
                rows.setdefault(cells[0], []).append((cells[2] == "0", cells[6]))
    for row in _lines(data / "handlabels/jddc_sample.jsonl"):
        out.append(_chat(row, "jddc", "zh", _pairs(rows[row["dialog"]])))
    return out


def shipped_chats(data: Path | None, own: Path) -> list[Chat]:
    """Hand-labelled STC-3 helpdesk dialogues (CC BY 4.0 annotations) and the chats that we wrote."""
    out = []
    if data is not None:
        for lang, name in (("zh", "cn"), ("en", "en")):
            texts = {str(d["id"]): d for d in _lines(data / f"stc3/train_{name}.jsonl")}
            for row in _lines(data / f"handlabels/stc3_{name}_train.jsonl"):
                turns = texts[row["dialog"]]["turns"]
                pairs = _pairs([(t["role"] == "customer", t["text"]) for t in turns])
                out.append(_chat(row, f"stc3_{name}", lang, pairs))
    for path in sorted(own.glob("dialogues_*.jsonl")):
        for row in _lines(path):
            lang = row.get("lang", "zh")
            turns = [(t["user"], t.get("agent") or "") for t in row["turns"]]
            if len(turns) == len(row["labels"]):
                out.append(_chat(row, f"own_{lang}", lang, turns))
    return out


def language_items(folder: Path) -> set[str]:
    """Texts of the language suite, which only tests; lower case."""
    out = set()
    for path in folder.glob("*.tsv"):
        rows = csv.DictReader(path.open(encoding="utf8"), delimiter="\t", quoting=csv.QUOTE_NONE)
        out |= {row["text"].strip().lower() for row in rows}
    return out


def shipped_turns(own: Path, without: Collection[str] = ()) -> list[Sample]:
    """Single turns that we wrote: sarcasm, negation, near misses, requests, typos; none of `without`."""
    out = []
    for path in sorted(own.glob("turns_*.jsonl")):
        for row in _lines(path):
            if row["text"].strip().lower() in without:
                continue
            wants, level = int(row["wants_person"]), int(row["label"])
            out.append(
                Sample(
                    row["text"],
                    level=level,
                    label=TYPES.get(row["type"], UNKNOWN),
                    wants=wants,
                    handoff=int(level == 2 or wants),
                    source="own_turns",
                )
            )
    return out


def samples_of(chat: Chat) -> list[Sample]:
    """A chat's turns, each with its history."""
    out = []
    for i, (user, _) in enumerate(chat.turns):
        kind = chat.types[i] if i < len(chat.types) else ""
        wants = int(kind == "h" or (chat.reason == "asked_human" and chat.handoff == i)) if kind else UNKNOWN
        out.append(
            Sample(
                user,
                tuple(Exchange(u, r) for u, r in chat.turns[:i]),
                level=chat.labels[i],
                label=TYPES.get(kind, UNKNOWN),
                wants=wants,
                handoff=int(chat.handoff is not None and i >= chat.handoff),
                source=chat.source,
                dialog=chat.dialog,
                turn=i,
            )
        )
    return out


def satisfaction(data: Path, lang: str) -> list[tuple[str, list[Sample], float]]:
    """STC-3 dialogues with the annotators' mean satisfaction: (id, customer turns, mean)."""
    out = []
    for d in _lines(data / f"stc3/train_{lang}.jsonl"):
        turns = _pairs([(t["role"] == "customer", t["text"]) for t in d["turns"]])
        samples = [
            Sample(
                u,
                tuple(Exchange(a, b) for a, b in turns[:i]),
                source=f"stc3_{lang}",
                dialog=str(d["id"]),
                turn=i,
            )
            for i, (u, _) in enumerate(turns)
        ]
        out.append((str(d["id"]), samples, float(d["S_mean"])))
    return out


MAP = {
    "anger": 5, "angry": 5, "disgust": 5, "sadness": 3, "sad": 3, "depress": 3, "worried": 2, "fear": 2,
    "neutral": 0, "none": 0, "others": 0, "happy": 1, "happiness": 1, "joy": 1, "like": 1, "grateful": 1,
    "relaxed": 1, "positive-other": 1,
}  # fmt: skip
SHIPPED_SENTIMENT = {
    "CPED_valid": 10_000, "weibo_8moods_clean": 27_000, "NLPCC2013Train": 12_000,
    "goemotions_ekman_train": 40_000, "EmoContext_train": 29_000,
}  # fmt: skip


def sentiment(data: Path, sources: dict[str, int], seed: int = 7, skip_dev: bool = True) -> list[Sample]:
    """Out-of-domain texts with an emotion; every twentieth row is kept back for development."""
    by: dict[str, list[Sample]] = {name: [] for name in sources}
    with gzip.open(data / "sentiment_train.jsonl.gz", "rt", encoding="utf8") as handle:
        for number, line in enumerate(handle):
            row = json.loads(line)
            name = row["source"]
            if name not in by or (skip_dev == (number % 20 == 0)):
                continue
            parts = [p.strip() for p in row["text"].split("</s>")]
            history = (Exchange(parts[0], parts[1]),) if len(parts) == 3 else ()
            label = MAP.get(row["label"], UNKNOWN)
            by[name].append(Sample(parts[-1], history, label=label, aux=int(row["neg"]), source=name))
    rng = random.Random(seed)
    out = []
    for name, rows in by.items():
        rng.shuffle(rows)
        out += rows[: sources[name]]
    return out


def offensive(data: Path, count: int, seed: int = 7) -> list[Sample]:
    """COLD: offensive Chinese texts (Apache-2.0), for the abuse label only."""
    with (data / "safety/cold_train.csv").open(encoding="utf-8-sig") as handle:
        rows = [
            Sample(r["TEXT"], label=7 if r["label"] == "1" else UNKNOWN, source="cold")
            for r in csv.DictReader(handle)
        ]
    rows = [r for r in rows if r.label == 7]
    random.Random(seed).shuffle(rows)
    return rows[:count]


def plain_requests(data: Path, count: int, seed: int = 7) -> list[Sample]:
    """Calm questions of customers (Bitext, CLINC150, house_beke): level none; Bitext also teaches asking for
    a person.
    """
    out = []
    for path in sorted((data / "bitext").glob("*/*.csv")):
        with path.open(encoding="utf8") as handle:
            for r in csv.DictReader(handle):
                text = r.get("utterance") or r.get("instruction") or ""
                wants = int("human_agent" in r["intent"])
                level = UNKNOWN if r["intent"] == "complaint" else 0
                out.append(
                    Sample(
                        text, level=level, label=0 if level == 0 else UNKNOWN, wants=wants, source="bitext"
                    )
                )
    clinc = json.loads((data / "intent/clinc150_train_val.json").read_text(encoding="utf8"))
    for rows in clinc.values():
        out += [Sample(r[0], level=0, label=0, wants=0, source="clinc") for r in rows]
    for d in _lines(data / "house_beke/train.jsonl"):
        out.append(Sample(d["query"], level=0, label=0, wants=0, source="beke"))
    rng = random.Random(seed)
    rng.shuffle(out)
    by: dict[str, list[Sample]] = {}
    for s in out:
        by.setdefault(s.source + str(s.wants), []).append(s)
    return [s for rows in by.values() for s in rows[: count // 3]]
