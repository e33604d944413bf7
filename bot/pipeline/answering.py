"""The pipeline: condense → retrieve → answer → cite → check."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from bot import texts
from bot.answers import Answer, Answerer, Choice, Knowledge, Piece, Question, Retrieved
from bot.llm import LanguageModel
from bot.pipeline.condense import condense, refers_back, with_context
from bot.pipeline.topics import competing, focused, in_language, nearby
from bot.settings import Settings
from bot.smalltalk import smalltalk, unclear

log = structlog.get_logger(__name__)
MAX_QUERY = 512  # characters that retrieval looks at; the tail of a long message holds the question


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
        lost = unclear(question.text, question.language, after_answer=bool(question.history))
        if lost is not None:
            return Retrieved("", (), 1.0, lost)
        found = await self._look_up(question)
        if not refers_back(question):
            return found
        completed = await self._search((await self._complete(question))[-MAX_QUERY:], question)
        best = max(found, completed, key=lambda retrieved: retrieved.confidence)
        return replace(best, hits=focused(best.hits, question.text))

    async def _look_up(self, question: Question) -> Retrieved:
        """By the end of the message; of a long one by its beginning too, whichever is answered better."""
        found = await self._search(question.text[-MAX_QUERY:], question)
        if len(question.text) <= MAX_QUERY:
            return found
        begun = await self._search(question.text[:MAX_QUERY], question)
        return max(found, begun, key=lambda retrieved: retrieved.confidence)

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
        confidence = self._knowledge.answerability(query, hits) if hits else 0.0
        return Retrieved(query, in_language(hits, question.language), confidence)

    async def answer(self, question: Question, retrieved: Retrieved) -> AsyncGenerator[Piece | Answer, None]:
        """Pieces as they come, then one `Answer`: small talk, a decline, a question back, or from the
        passages."""
        if retrieved.ready is not None:
            yield retrieved.ready
            return
        if not retrieved.hits or retrieved.confidence < self._settings.answer_threshold:
            yield declined(question.language, retrieved.confidence, nearby(retrieved))
            return
        choices = competing(retrieved, self._settings.clarify_margin)
        if choices:
            text = texts.clarify([choice.title for choice in choices], question.language)
            yield Answer(text, confidence=retrieved.confidence, source="clarify", choices=choices)
            return
        async with aclosing(self._answerer.answer(question, retrieved)) as stream:
            async for item in stream:
                yield item


def declined(language: str, confidence: float, near: Sequence[Choice] = ()) -> Answer:
    """The honest answer when the knowledge base does not hold one: a person is offered, and what is known
    nearby is named without answering from it."""
    text = texts.decline(language)
    if near:
        text = f"{text}\n{texts.near([choice.title for choice in near], language)}"
    return Answer(
        text, answered=False, confidence=confidence, offer_person=True, source="decline", choices=tuple(near)
    )
