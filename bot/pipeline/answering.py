"""The pipeline: condense → retrieve → answer → cite → check."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from bot import texts
from bot.answers import Answer, Answerer, Knowledge, Piece, Question, Retrieved
from bot.llm import LanguageModel
from bot.pipeline.condense import condense, refers_back, with_context
from bot.settings import Settings
from bot.smalltalk import smalltalk
from bot.textparts import Weights, terms
from kb_ingest.knowledge import Hit

log = structlog.get_logger(__name__)
FOCUS = 0.5  # how much the follow-up's own words count beside a passage's score
MAX_QUERY = 512  # characters that retrieval looks at; the tail of a long message holds the question
VAGUE_TERMS = 2  # questions with more content terms than this are never asked back


class Pipeline:
    """Questions to answers over one knowledge base.

    Args:
        model: the language model, also used to complete follow-ups; None answers with quotes.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        answerer: Answerer,
        settings: Settings,
        model: LanguageModel | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._answerer = answerer
        self._settings = settings
        self._model = model

    async def retrieve(self, question: Question) -> Retrieved:
        """The passages on the question, a follow-up also read together with what it leans on."""
        ready = smalltalk(question.text, question.language)
        if ready is not None:
            return Retrieved("", (), 1.0, ready)
        if not any(char.isalnum() for char in question.text):
            return Retrieved("", (), 0.0)
        found = await self._search(question.text[-MAX_QUERY:], question)
        if not refers_back(question):
            return found
        completed = await self._search((await self._complete(question))[-MAX_QUERY:], question)
        best = max(found, completed, key=lambda retrieved: retrieved.confidence)
        return replace(best, hits=focused(best.hits, question.text))

    async def _complete(self, question: Question) -> str:
        if self._model is None or self._model.breaker.is_open:
            return with_context(question)
        return await condense(question, self._model)

    async def _search(self, query: str, question: Question) -> Retrieved:
        from bot.pipeline.retrieve import KnowledgeRetriever

        retriever = KnowledgeRetriever(
            knowledge=self._knowledge, collections=question.collections, k=self._settings.search_k
        )
        hits = tuple(document.metadata["hit"] for document in await retriever.ainvoke(query))
        return Retrieved(query, hits, self._knowledge.answerability(query, hits) if hits else 0.0)

    async def answer(self, question: Question, retrieved: Retrieved) -> AsyncGenerator[Piece | Answer, None]:
        """Pieces as they come, then one `Answer`: small talk, a decline, a question back, or from the
        passages."""
        if retrieved.ready is not None:
            yield retrieved.ready
            return
        if not retrieved.hits or retrieved.confidence < self._settings.answer_threshold:
            yield declined(question.language, retrieved.confidence)
            return
        choices = competing(retrieved, self._settings.clarify_margin)
        if choices:
            text = texts.clarify(choices, question.language)
            yield Answer(text, confidence=retrieved.confidence, source="clarify", choices=choices)
            return
        async with aclosing(self._answerer.answer(question, retrieved)) as stream:
            async for item in stream:
                yield item


def focused(hits: Sequence[Hit], text: str) -> tuple[Hit, ...]:
    """Passages of a completed follow-up, those first that hold what is new in it: the question that it
    leans on has
    been answered already."""
    weights = Weights.of(text, [hit.text for hit in hits])
    return tuple(
        sorted(
            hits,
            key=lambda hit: -(hit.score + FOCUS * weights.coverage(f"{hit.title} {hit.text}", hit.heading)),
        )
    )


def declined(language: str, confidence: float) -> Answer:
    """The honest answer when the knowledge base does not hold one: a person is offered."""
    return Answer(
        texts.decline(language), answered=False, confidence=confidence, offer_person=True, source="decline"
    )


def competing(retrieved: Retrieved, margin: float) -> tuple[str, ...]:
    """Titles to choose from when a question of a word or two fits several documents equally well."""
    if len(terms(retrieved.query)) > VAGUE_TERMS:
        return ()
    best: dict[str, Hit] = {}
    for hit in retrieved.hits:
        best.setdefault(hit.document, hit)
    ranked = list(best.values())
    close = [hit for hit in ranked if hit.score >= ranked[0].score * (1 - margin)]
    asked = terms(retrieved.query)
    named = [len(asked & terms(f"{hit.title} {hit.heading}")) for hit in close]
    if named.count(max(named)) == 1 or any(terms(hit.title) == asked for hit in close):
        return ()  # one of them bears the question's name
    titles = tuple(dict.fromkeys(hit.title for hit in close))[:4]
    return titles if len(titles) >= 2 else ()
