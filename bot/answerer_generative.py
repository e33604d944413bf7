"""Answers written by a language model from the retrieved passages only, shown sentence by sentence once
checked.

A sentence reaches the customer only after `ground.check` found it in a passage, so nothing has to be taken
back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import structlog

from bot import guard
from bot.answers import Answer, Answerer, Citation, Piece, Question, Retrieved
from bot.errors import ModelError
from bot.llm import LanguageModel
from bot.pipeline.ground import Checked, check, quote_for
from bot.prompts import load_prompt
from bot.redact import Redacted, redact

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from kb_ingest.knowledge import Hit

log = structlog.get_logger(__name__)
NOT_FOUND = "NOT_FOUND"
SOURCES = 6  # passages shown to the model
SOURCE_CHARS = 1_200  # of each
HISTORY_CHARS = 400  # of each side of an earlier exchange
KEPT = 0.5  # an answer that loses more than half of its sentences to the check is withdrawn
# After a sentence's end and its marks; a line end always ends one.
_BOUNDARY = re.compile(
    r"\n+|(?<=[。！？!?；])(?:\s*[\[【][\d,，、 ]+[\]】])*|(?<=[^\W\d][.])(?:\s*\[[\d, ]+\])*(?=\s)"
    r"|(?<=\][.])(?=\s)"
)


class SentenceBuffer:
    """Cuts a stream of text into whole sentences, marks included."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> list[str]:
        """Sentences that `text` completes; the last one waits, for its marks may still come."""
        self._held += text
        done = []
        while (cut := self._cut()) is not None:
            done.append(self._held[:cut])
            self._held = self._held[cut:]
        return done

    def _cut(self) -> int | None:
        for match in _BOUNDARY.finditer(self._held):
            end = match.end()
            rest = self._held[end:]
            if end and rest and not re.match(r"\s*[\[【]\d*[,，、\d ]*$", rest):
                return end
        return None

    def rest(self) -> str:
        """What is left at the end of the stream."""
        held, self._held = self._held, ""
        return held


class GenerativeAnswerer:
    """A language model over the passages, with quotes (`fallback`) when it fails or is not grounded."""

    def __init__(
        self,
        model: LanguageModel,
        fallback: Answerer,
        *,
        redact_personal: bool = True,
        link_hosts: Sequence[str] = (),
    ) -> None:
        self._model = model
        self._fallback = fallback
        self._redact = redact_personal
        self._hosts = tuple(link_hosts)

    async def answer(self, question: Question, retrieved: Retrieved) -> AsyncGenerator[Piece | Answer, None]:
        """Checked sentences as pieces, then the answer; the fallback's answer when there is nothing to
        show."""
        hits = [hit for hit in retrieved.hits if not guard.gives_orders(hit.title)][:SOURCES]
        shown: list[Checked] = []
        dropped, declined, code = 0, False, ""
        masked = redact(question.text) if self._redact else Redacted(question.text, {})
        try:
            async with aclosing(self._sentences(question, masked, hits)) as stream:
                async for sentence in stream:
                    if NOT_FOUND in sentence:
                        declined = True
                        break
                    checked = check(sentence, hits, self._hosts) if sentence.strip() else None
                    if checked is None:
                        dropped += bool(sentence.strip())
                        continue
                    shown.append(checked)
                    line_end = "\n" if sentence.endswith("\n") else ""
                    yield Piece(("" if len(shown) == 1 else " ") + checked.text + line_end)
        except ModelError as error:
            code = error.code
        log.info("answer_generated", shown=len(shown), dropped=dropped, declined=declined, failed=code)
        if shown and not declined and len(shown) >= KEPT * (len(shown) + dropped):
            yield self._finished(shown, hits, retrieved)
            return
        async with aclosing(self._fallback.answer(question, retrieved)) as rest:
            async for item in rest:
                if isinstance(item, Answer) or not shown:  # shown sentences are replaced by the final text
                    yield item

    def _finished(self, shown: list[Checked], hits: list[Hit], retrieved: Retrieved) -> Answer:
        order = list(dict.fromkeys(n for checked in shown for n in checked.sources))
        text = " ".join(checked.text for checked in shown)
        citations = []
        for n in order:
            hit = hits[n - 1]
            said = " ".join(checked.text for checked in shown if n in checked.sources)
            citations.append(
                Citation(n, hit.document, hit.title, hit.url, hit.path, quote_for(said, hit.text))
            )
        return Answer(text, tuple(citations), confidence=retrieved.confidence, source="generative")

    async def _sentences(
        self, question: Question, masked: Redacted, hits: list[Hit]
    ) -> AsyncGenerator[str, None]:
        buffer = SentenceBuffer()
        async with aclosing(self._model.stream(self._messages(question, masked, hits))) as stream:
            async for text in stream:
                for sentence in buffer.feed(text):
                    yield masked.restore(sentence)
        rest = buffer.rest()
        if rest.strip():
            yield masked.restore(rest)

    def _messages(self, question: Question, masked: Redacted, hits: list[Hit]) -> list[BaseMessage]:
        from langchain_core.messages import AIMessage
        from langchain_core.prompts import ChatPromptTemplate

        prompt = ChatPromptTemplate.from_messages(
            [
                ("system", load_prompt("answer", question.language)),
                ("placeholder", "{history}"),
                ("human", "{question}"),
            ]
        )
        history: list[BaseMessage] = []
        for turn in question.history:
            said, replied = (redact(side[:HISTORY_CHARS]).text for side in (turn.user, turn.reply))
            history += [_human(said), AIMessage(replied)]
        sources = "\n\n".join(_source(n, hit) for n, hit in enumerate(hits, start=1))
        value = prompt.invoke(
            {"canary": guard.CANARY, "sources": sources, "history": history, "question": masked.text}
        )
        return value.to_messages()


def _human(text: str) -> BaseMessage:
    from langchain_core.messages import HumanMessage

    return HumanMessage(text)


def _source(n: int, hit: Hit) -> str:
    """One passage as delimited data, without sentences that give orders."""
    lines = [line for line in hit.text[:SOURCE_CHARS].splitlines() if not guard.gives_orders(line)]
    heading = f" > {hit.heading}" if hit.heading else ""
    return f'<source id="{n}">\n{hit.title}{heading}\n' + "\n".join(lines) + "\n</source>"
