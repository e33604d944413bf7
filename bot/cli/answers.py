"""`jieli ask`: the bot's answers as JSON Lines, by the code and settings of the server."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from bot.cli.history import earlier_turns
from bot.cli.words import t

if TYPE_CHECKING:
    from bot.answers import Answer, Question
    from bot.pipeline.answering import Pipeline


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the input."""

    id: str
    text: str
    history: tuple[tuple[str, str], ...]


def ask(
    question: Annotated[str | None, typer.Argument(help=t("问题", "the question"))] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            help=t("JSONL：id、question、history（可选）", "JSONL: id, question, history (optional)")
        ),
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(help=t("只在这些知识集合中查找", "look only into these collections"))
    ] = None,
) -> None:
    """Ask the bot; one JSON object for each answer."""
    if (question is None) == (questions is None):
        raise typer.BadParameter(
            t("请给出一个问题，或用 --questions 指定文件", "give a question, or --questions FILE")
        )
    asked, bad = [Asked("1", question, ())] if question is not None else [], 0
    if questions is not None:
        asked, bad = _read(questions)
    answered = _answer_all(asked, tuple(collection or ()))
    typer.echo(
        t(
            f"共 {len(asked)} 个问题，回答 {answered} 个，跳过 {bad} 行",
            f"{len(asked)} questions, {answered} answered, {bad} lines skipped",
        ),
        err=True,
    )


def _read(path: Path) -> tuple[list[Asked], int]:
    if str(path) != "-" and not path.is_file():
        raise typer.BadParameter(t(f"找不到文件 {path}", f"there is no file {path}"))
    lines = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    found: list[Asked] = []
    bad = 0
    with lines:
        for number, raw in enumerate(lines, start=1):
            if not raw.strip():
                continue
            try:
                found.append(_parse(json.loads(raw.decode("utf-8")), number))
            except (ValueError, KeyError, TypeError) as error:
                bad += 1
                typer.echo(
                    t(f"第 {number} 行无法读取：{error}", f"line {number} is malformed: {error}"), err=True
                )
    return found, bad


def _parse(value: Any, number: int) -> Asked:
    text = value["question"]
    if not isinstance(text, str) or not text.strip():
        raise ValueError("question is empty")
    return Asked(str(value.get("id", number)), text, tuple(earlier_turns(value.get("history") or [])))


def _answer_all(asked: list[Asked], collections: tuple[str, ...]) -> int:
    from rich.progress import track

    from bot.cli.knowledge import knowledge_base
    from bot.components import make_language_model, make_pipeline
    from bot.logs import configure_logging
    from bot.settings import load_settings

    settings = load_settings()
    configure_logging(settings)  # to standard error: standard output holds answers only
    model = make_language_model(settings)
    answered = 0
    with ExitStack() as stack:
        pipeline = make_pipeline(stack.enter_context(knowledge_base()), settings, model)
        runner = stack.enter_context(asyncio.Runner())
        quiet = not sys.stderr.isatty() or len(asked) < 2
        for one in track(asked, description=t("回答", "answering"), console=_console(), disable=quiet):
            line = runner.run(answer_one(pipeline, one, collections))
            answered += line["answered"]
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
            sys.stdout.flush()
    return answered


def _console() -> Any:
    from rich.console import Console

    return Console(stderr=True)


class AskedLike(Protocol):
    """A question with earlier turns as (customer, reply)."""

    @property
    def id(self) -> str:
        """Passed through."""
        ...

    @property
    def text(self) -> str:
        """What is asked."""
        ...

    @property
    def history(self) -> tuple[tuple[str, str], ...]:
        """Oldest first."""
        ...


def as_question(asked: AskedLike, collections: tuple[str, ...]) -> Question:
    """The question as the chat would ask it."""
    from bot.answers import Question
    from bot.textparts import language_of
    from handoff.emotion_text import Exchange

    history = tuple(Exchange(user, reply) for user, reply in asked.history)
    return Question(asked.text, language_of(asked.text), history, collections)


async def answer_one(pipeline: Pipeline, asked: AskedLike, collections: tuple[str, ...]) -> dict[str, Any]:
    """One line of `jieli ask`."""
    question = as_question(asked, collections)
    started = time.perf_counter()
    answer, first = await _run(pipeline, question, started)
    return {
        "id": asked.id,
        "answer": answer.text,
        "answered": answer.answered,
        "confidence": round(answer.confidence, 4),
        "citations": [{"path": c.path, "title": c.title, "quote": c.quote} for c in answer.citations],
        "source": answer.source,
        "ms": _ms(started),
        "ttft_ms": first,
    }


async def _run(pipeline: Pipeline, question: Question, started: float) -> tuple[Answer, float]:
    from bot.answers import Answer
    from bot.pipeline.answering import declined

    first: float | None = None
    retrieved = await pipeline.retrieve(question)
    async for item in pipeline.answer(question, retrieved):
        first = _ms(started) if first is None else first
        if isinstance(item, Answer):
            return item, first
    return declined(question.language, retrieved.confidence), _ms(started)


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
