"""The values that questions and answers are made of, and what every answerer offers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from handoff.emotion_text import Exchange

if TYPE_CHECKING:
    from kb_ingest.knowledge import Hit


@dataclass(frozen=True, slots=True)
class Question:
    """What a customer asked. `language` is zh-CN or en; `history` holds earlier exchanges, oldest first."""

    text: str
    language: str
    history: tuple[Exchange, ...] = ()
    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A snapshot of the source: `quote` stands word for word in the document; `n` is the mark in the text."""

    n: int
    document: str
    title: str
    url: str | None
    path: str
    quote: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A topic to pick: `title` is shown, `question` is what picking it asks."""

    title: str
    question: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer.

    Attributes:
        answered: False where the bot declines; then `offer_person` is True.
        source: who made it: generative, extractive, smalltalk, clarify or decline.
        choices: topics to pick from, when the bot asks back or declines near one.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    answered: bool = True
    confidence: float = 1.0
    offer_person: bool = False
    source: str = "extractive"
    choices: tuple[Choice, ...] = field(default=())

    def body(self) -> dict[str, Any]:
        """The answer as the body of a `text` row (docs/protocol.md)."""
        body: dict[str, Any] = {
            "text": self.text,
            "answered": self.answered,
            "confidence": round(self.confidence, 4),
            "source": self.source,
        }
        if self.citations:
            body["citations"] = [asdict(citation) for citation in self.citations]
        if self.offer_person:
            body["offer_person"] = True
        if self.choices:
            body["choices"] = [asdict(choice) for choice in self.choices]
        return body


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the knowledge base holds on a question.

    Attributes:
        query: the question as it was searched for, follow-ups completed.
        confidence: probability 0..1 that `hits` (best first) answer it.
        ready: the answer when none of this was needed (small talk).
    """

    query: str
    hits: tuple[Hit, ...]
    confidence: float
    ready: Answer | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more text of the answer in the making."""

    text: str


class Knowledge(Protocol):
    """What answering needs of a knowledge base (`kb_ingest.knowledge.KnowledgeBase`)."""

    async def search(self, query: str, *, collections: Sequence[str] = (), k: int = 10) -> list[Hit]:
        """Passages, best first."""
        ...

    def search_now(self, query: str, *, collections: Sequence[str] = (), k: int = 10) -> list[Hit]:
        """As `search`, blocking."""
        ...

    def answerability(self, query: str, hits: Sequence[Hit]) -> float:
        """Probability 0..1 that the passages answer the question."""
        ...


class Answerer(Protocol):
    """Makes an answer from passages that are known to be about the question."""

    def answer(self, question: Question, retrieved: Retrieved) -> AsyncGenerator[Piece | Answer, None]:
        """Pieces as they come, then one `Answer` with the whole text."""
        ...
