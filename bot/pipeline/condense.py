"""Follow-ups ("那运费呢？", "what about refunds?") made into questions that stand alone."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from bot.answers import Question
from bot.errors import ModelError
from bot.smalltalk import smalltalk
from bot.textparts import terms

if TYPE_CHECKING:
    from bot.llm import LanguageModel

PATIENCE = 4.0  # seconds; the answer itself has not begun yet
_REFERS = re.compile(
    r"^(?:那|那么|如果|要是|还有|另外|然后|所以|但是|可是|不过|就是|比如)|(?:呢|的话)[?？。!！]?$|这个|那个|这些|那些|它|他们|上面|刚才|前面|"
    r"(?i:^(?:and|but|so|or|then|what about|how about|what if|also)\b|\b(?:it|that|this|those|these|them"
    r"|one|there|same)\b)"
)


def refers_back(question: Question) -> bool:
    """Whether the question likely leans on what was said before."""
    if not question.history:
        return False
    return bool(_REFERS.search(question.text)) or len(terms(question.text)) <= 2


def with_context(question: Question) -> str:
    """The question behind the last one it leans on; without a model."""
    for exchange in reversed(question.history):
        if smalltalk(exchange.user, question.language) is None and len(terms(exchange.user)) >= 2:
            return f"{exchange.user[:200]} {question.text}"
    return question.text


async def condense(question: Question, model: LanguageModel) -> str:
    """The question rewritten by a model, or with its context when the model fails or says nothing usable."""
    from langchain_core.prompts import ChatPromptTemplate

    from bot.prompts import load_prompt
    from bot.redact import redact

    prompt = ChatPromptTemplate.from_messages(
        [("system", load_prompt("condense", question.language)), ("human", "{history}\n\n{question}")]
    )
    said = redact("\n".join(f"- {turn.user}\n  > {turn.reply[:300]}" for turn in question.history))
    asked = redact(question.text)
    messages = prompt.invoke({"history": said.text, "question": asked.text}).to_messages()
    written = ""
    try:
        async with asyncio.timeout(PATIENCE):
            async for text in model.stream(messages):
                written += text
    except (ModelError, TimeoutError):
        return with_context(question)
    written = written.strip()
    if not 0 < len(written) <= 400 or not terms(written) & terms(with_context(question)):
        return with_context(question)
    return asked.restore(said.restore(written))
