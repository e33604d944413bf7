"""The classifier on a transformers text-classification model: Jieli's own, or any other by id or path.

Jieli's own has the heads named in its config: `none`, `mild`, `clear` (degree), the labels, `wants_person`,
`handoff`, `aux_negative`; `calibration.json` beside it turns their logits into probabilities. Any other model
is
read through its label names ("negative", "anger", "1 star", "LABEL_0" …), or a `label_map.json` beside it:
`{"LABEL_1": "anger", "LABEL_0": "neutral"}`.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handoff import emotion_evidence, emotion_sarcasm
from handoff.emotion import LABELS, EmotionModelBroken, Reading, Span
from handoff.emotion_text import Exchange, current_part, history_part, is_shouted, normalise

MAX_TOKENS = 104
CURRENT_TOKENS = 72
EVIDENCE_FROM = 0.5
LEVELS = ("none", "mild", "clear")
_MEANING = {
    "anger": "anger", "angry": "anger", "disgust": "anger", "annoyance": "frustration",
    "sadness": "disappointment",
    "sad": "disappointment", "disappointment": "disappointment", "fear": "worry", "worry": "worry",
    "frustration": "frustration", "negative": "frustration", "neg": "frustration", "1 star": "anger",
    "2 stars": "disappointment", "sarcasm": "sarcasm", "abuse": "abuse", "toxic": "abuse", "joy": "positive",
    "happy": "positive", "positive": "positive", "pos": "positive", "5 stars": "positive", "love": "positive",
}  # fmt: skip
_GRAVE = frozenset({"worry", "disappointment", "frustration", "anger", "sarcasm", "abuse"})
Floats = NDArray[np.float64]


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))


def _softmax(values: Floats) -> Floats:
    shifted = np.exp(values - values.max())
    out: Floats = shifted / shifted.sum()
    return out


def odds(row: Floats) -> Floats:
    """What calibration is linear in: log-odds of any negative emotion, of clear, of the out-of-domain head;
    1.
    """
    any_negative = float(np.logaddexp(row[1], row[2]) - row[0])
    clear = float(row[2] - np.logaddexp(row[0], row[1]))
    return np.array([any_negative, clear, float(row[13]), 1.0])


def degree(row: Floats, fit: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """(negative, clear) of one row of the model's logits: mild or clear emotion, and clear alone."""
    features = odds(row)
    any_negative = _sigmoid(float(features @ np.asarray(fit["any"])))
    clear = min(any_negative, _sigmoid(float(features @ np.asarray(fit["clear"]))))
    return any_negative, clear


def surface(text: str) -> float:
    """0..1: how loudly a text is written (marks, capitals, repeated characters, emoji)."""
    marks = sum(text.count(c) for c in "!！?？")
    repeats = any(text[i] == text[i + 1] == text[i + 2] for i in range(len(text) - 2))
    emoji = any(c in "😡😠🤬💢😤👎🤮" for c in text)
    return min(1.0, 0.12 * min(marks, 5) + 0.25 * is_shouted(text) + 0.15 * repeats + 0.3 * emoji)


class TransformerClassifier:
    """See the module. Thread-safe: inference shares no state; loading happens once under a lock."""

    def __init__(self, model: str | Path, *, threads: int = 1) -> None:
        self._source = model
        self._threads = threads
        self._lock = threading.Lock()
        self._model: Any = None
        self._tokenizer: Any = None
        self._own = False
        self._calibration: Mapping[str, Any] = {}
        self._meaning: list[str] = []
        self.name = Path(model).name if isinstance(model, Path) else model

    def warm_up(self) -> None:
        """Load and quantise the weights. Raises EmotionModelBroken with what is wrong and how to mend it."""
        with self._lock:
            if self._model is None:
                try:
                    self._load()
                except (OSError, ValueError, KeyError, RuntimeError) as error:
                    raise EmotionModelBroken(
                        "emotion_model_broken",
                        f"情绪模型“{self._source}”无法载入，请检查 JIELI_EMOTION_MODEL 或重新安装",
                        f"the emotion model '{self._source}' cannot be loaded ({type(error).__name__});"
                        " check JIELI_EMOTION_MODEL or reinstall",
                    ) from error
                emotion_evidence.warm_up()

    def _load(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(self._threads)
        local = isinstance(self._source, Path)
        tokenizer = AutoTokenizer.from_pretrained(self._source, local_files_only=local)
        model = AutoModelForSequenceClassification.from_pretrained(
            self._source, local_files_only=local, dtype=torch.float32
        ).eval()
        names = [str(model.config.id2label[i]) for i in range(model.config.num_labels)]
        self._own = tuple(names[:3]) == LEVELS
        if self._own and isinstance(self._source, Path):
            self._calibration = json.loads((self._source / "calibration.json").read_text(encoding="utf8"))
            self.name = f"jieli-emotion {self._calibration['version']}"
        self._meaning = names if self._own else self._mapped(names)
        # bfloat16 halves the time where the CPU has the instructions and moves logits by 0.03 at most;
        # dynamic
        # int8 is no faster at equal accuracy (docs/decisions/0021-emotion-model.md).
        if torch.ops.mkldnn._is_mkldnn_bf16_supported():
            model = model.bfloat16()
        self._tokenizer, self._model = tokenizer, model

    def _mapped(self, names: Sequence[str]) -> list[str]:
        own: dict[str, str] = {}
        if isinstance(self._source, Path) and (self._source / "label_map.json").exists():
            own = json.loads((self._source / "label_map.json").read_text(encoding="utf8"))
        meanings = [own.get(n, _MEANING.get(n.lower(), "neutral")) for n in names]
        if not any(m in _GRAVE for m in meanings):
            raise ValueError(f"no label of {list(names)} is known as negative; add label_map.json")
        return meanings

    def _encode(self, texts: Sequence[str], history: Sequence[Exchange]) -> dict[str, Any]:
        import torch

        tokenizer = self._tokenizer
        if not self._own:
            return dict(
                tokenizer(list(texts), truncation=True, max_length=256, padding=True, return_tensors="pt")
            )
        first = tokenizer([current_part(t) for t in texts], add_special_tokens=False)["input_ids"]
        before = tokenizer(history_part(history), add_special_tokens=False)["input_ids"] if history else []
        rows: list[tuple[list[int], int]] = []
        for ids in first:
            head = [0, *ids[:CURRENT_TOKENS], 2]
            tail = [*before[: MAX_TOKENS - len(head) - 1], 2] if before else []
            rows.append((head + tail, len(head)))
        width = max(len(ids) for ids, _ in rows)
        ids_t = torch.ones(len(rows), width, dtype=torch.long)
        kind = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros(len(rows), width, dtype=torch.long)
        for i, (ids, head_length) in enumerate(rows):
            ids_t[i, : len(ids)] = torch.tensor(ids)
            kind[i, head_length : len(ids)] = 1
            mask[i, : len(ids)] = 1
        return {"input_ids": ids_t, "token_type_ids": kind, "attention_mask": mask}

    def logits(self, texts: Sequence[str], history: Sequence[Exchange]) -> Floats:
        """Raw outputs, float64 [texts, heads]."""
        import torch

        with torch.inference_mode():
            out: Floats = self._model(**self._encode(texts, history)).logits.float().double().numpy()
            return out

    def _degree(self, row: Floats, with_history: bool) -> tuple[float, float]:
        """(negative, clear) of one row of logits."""
        if not self._own:
            chances = _softmax(row)
            grave = sum(float(p) for p, m in zip(chances, self._meaning, strict=True) if m in _GRAVE)
            return grave, grave * grave
        return degree(row, self._calibration["with_history" if with_history else "alone"])

    def read(self, text: str, history: Sequence[Exchange] = ()) -> Reading:
        """See `EmotionClassifier.read`."""
        if self._model is None:
            self.warm_up()
        if not text.strip():
            return Reading(0.0, "neutral", 0.0, (), self.name)
        row = self.logits([text], history)[0]
        negative, clear = self._degree(row, bool(history))
        label = self._label(row, negative)
        mocking = emotion_sarcasm.mocks(normalise(text))
        if mocking:
            negative, clear = max(negative, emotion_sarcasm.NEGATIVE), max(clear, emotion_sarcasm.CLEAR)
            label = "sarcasm" if label != "abuse" else label
        evidence: tuple[Span, ...] = ()
        if negative >= EVIDENCE_FROM:
            evidence = emotion_evidence.spans(text, self._negatives, whole=mocking)
        wants, handoff = self._others(row)
        loud = surface(text)
        strength = max(negative, _sigmoid(row[3 + LABELS.index("positive")]) if label == "positive" else 0.0)
        intensity = min(1.0, 0.75 * strength + 0.35 * loud)
        return Reading(
            round(negative, 4),
            label,
            round(intensity, 4),
            evidence,
            self.name,
            round(clear, 4),
            wants,
            handoff,
        )

    def _negatives(self, texts: Sequence[str]) -> list[float]:
        """Readings for the evidence: how negative each text is by itself, mildly and clearly."""
        return [sum(self._degree(row, False)) / 2 for row in self.logits(texts, ())]

    def _others(self, row: Floats) -> tuple[float, float]:
        if not self._own:
            return 0.0, 0.0
        return round(_sigmoid(float(row[11])), 4), round(_sigmoid(float(row[12])), 4)

    def _label(self, row: Floats, negative: float) -> str:
        """The likeliest label that fits the degree: a calm turn is neutral or positive."""
        if not self._own:
            return self._meaning[int(row.argmax())]
        scores = dict(zip(LABELS, row[3:11], strict=True))
        allowed = [n for n in LABELS if (n in _GRAVE) == (negative >= 0.4)]
        return max(allowed, key=lambda n: scores[n])
