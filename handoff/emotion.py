"""Reading a customer's emotion: the words of it, and the one way to get a classifier."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import structlog

from handoff.emotion_text import Exchange
from handoff.errors import HandoffError

__all__ = ["LABELS", "EmotionClassifier", "EmotionModelBroken", "Exchange", "Reading", "Span", "load_emotion"]

LABELS = ("neutral", "positive", "worry", "disappointment", "frustration", "anger", "sarcasm", "abuse")
SHIPPED = Path(__file__).parent / "models" / "emotion"
log = structlog.get_logger(__name__)


class EmotionModelBroken(HandoffError):
    """The emotion model is missing, incomplete or of a kind that cannot be read."""

    status = 503


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the customer's own text: `text == original[start:end]`, in characters."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from one turn.

    Attributes:
        negative: 0..1, probability that the turn is negative, mildly or clearly; calibrated.
        label: one of `LABELS`.
        intensity: 0..1, how strongly it is said, whatever it is.
        evidence: the stretches that carry the feeling, strongest first; empty below 0.5.
        model: name of the classifier that read it.
        clear: 0..1, probability that the turn is clearly negative, not only mildly.
        wants_person: 0..1, probability that the customer asks for a person.
        handoff: 0..1, probability that a supervisor would have stepped in by now, given the chat before.
    """

    negative: float
    label: str
    intensity: float
    evidence: tuple[Span, ...]
    model: str
    clear: float = 0.0
    wants_person: float = 0.0
    handoff: float = 0.0


@runtime_checkable
class EmotionClassifier(Protocol):
    """Reads one turn; thread-safe and synchronous."""

    @property
    def name(self) -> str:
        """Which classifier reads; stored with each reading."""

    def warm_up(self) -> None:
        """Load what is needed, so that the first message does not wait."""

    def read(self, text: str, history: Sequence[Exchange] = ()) -> Reading:
        """The emotion of `text`, in the light of the exchanges before it (oldest first)."""


class _WithFallback:
    """A model that gives way to the lexicon when it cannot be loaded; says so once."""

    def __init__(self, primary: EmotionClassifier, fallback: EmotionClassifier) -> None:
        self._primary, self._fallback = primary, fallback
        self._active: EmotionClassifier | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return (self._active or self._primary).name

    def warm_up(self) -> None:
        self._ready()

    def _ready(self) -> EmotionClassifier:
        if self._active is None:
            with self._lock:
                if self._active is None:
                    try:
                        self._primary.warm_up()
                        self._active = self._primary
                    except EmotionModelBroken as error:
                        log.warning("emotion_model_fallback", code=error.code, reason=error.en)
                        self._active = self._fallback
        return self._active

    def read(self, text: str, history: Sequence[Exchange] = ()) -> Reading:
        return self._ready().read(text, history)


@cache
def load_emotion(model: str | None = None, *, threads: int = 1) -> EmotionClassifier:
    """The classifier of a transformers id or path; None is the model that comes with Jieli.

    Cheap: the weights load on `warm_up()` or the first `read()`. When they cannot be loaded, the word lists
    of
    `handoff.emotion_lexicon` read instead; `name` tells which one it is.
    """
    from handoff.emotion_lexicon import LexiconClassifier
    from handoff.emotion_model import TransformerClassifier

    primary = TransformerClassifier(
        Path(model) if model and Path(model).exists() else model or SHIPPED, threads=threads
    )
    return _WithFallback(primary, LexiconClassifier())
