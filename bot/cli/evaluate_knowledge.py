"""`jieli eval retrieval|answers`: what is found and what is answered, on labelled questions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.words import t

if TYPE_CHECKING:
    import asyncio

    from bot.cli.evaluate_metrics import Estimate
    from bot.cli.evaluate_questions import LabelledQuestion
    from bot.pipeline.answering import Pipeline

SEARCHED = 30  # chunks, so that ten documents are ranked
Files = Annotated[
    list[Path],
    typer.Option(
        "--questions",
        help=t("带 question、path 的 JSONL，可多次", "JSONL with question and path, repeatable"),
    ),
]
Collections = Annotated[
    list[str] | None,
    typer.Option("--collection", help=t("只在这些知识集合中查找", "look only into these collections")),
]
Errors = Annotated[bool, typer.Option("--errors", help=t("列出每个错误", "list each error"))]
AsJson = Annotated[bool, typer.Option("--json", help=t("输出 JSON", "print JSON"))]  # fmt: skip


def retrieval(
    questions: Files, collection: Collections = None, *, errors: Errors = False, as_json: AsJson = False
) -> None:
    """Recall and rank of the gold documents, follow-ups completed as in the chat."""
    from bot.cli import evaluate_metrics as metrics
    from bot.cli.evaluate import progress, show
    from bot.cli.evaluate_questions import rank

    asked = [question for question in _read(questions) if question.gold]
    ranks: list[int | None] = []
    times: list[float] = []
    with _pipeline(search_k=SEARCHED) as (pipeline, runner):
        for question in progress(asked, t("检索", "searching")):
            started = time.perf_counter()
            found = runner.run(pipeline.retrieve(_as_question(question, collection)))
            times.append((time.perf_counter() - started) * 1000)
            paths = [hit.path for hit in found.hits]
            ranks.append(rank(paths, question.gold))
            if errors and ranks[-1] != 1:
                _tell(question, {"rank": ranks[-1], "found": list(dict.fromkeys(paths))[:3]})
    figures: list[tuple[str, Estimate]] = [
        ("R@1", metrics.share([place == 1 for place in ranks])),
        ("R@5", metrics.share([place is not None and place <= 5 for place in ranks])),
        ("MRR@10", metrics.average([1 / place if place else 0.0 for place in ranks])),
    ]
    facts = {"n": len(asked), **_times(times), "R@1 by kind": _by_kind(asked, [r == 1 for r in ranks])}
    show(_title(questions, len(asked)), figures, facts, as_json)


def answers(
    questions: Files, collection: Collections = None, *, errors: Errors = False, as_json: AsJson = False
) -> None:
    """Answered rightly, from the wrong document, wrongly declined; unanswerable declined; facts stated."""
    from bot.cli import evaluate_metrics as metrics
    from bot.cli.answers import answer_one
    from bot.cli.evaluate import progress, show
    from bot.cli.evaluate_questions import facts_present, outcome

    asked = _read(questions)
    lines = []
    with _pipeline() as (pipeline, runner):
        for question in progress(asked, t("回答", "answering")):
            line = runner.run(answer_one(pipeline, question, tuple(collection or ())))
            line["outcome"] = outcome(question, line)
            line["facts"] = facts_present(question, line["answer"])
            if errors and (line["outcome"] not in ("right", "declined") or not all(line["facts"])):
                _tell(question, {key: line[key] for key in ("outcome", "confidence", "facts", "answer")})
            lines.append(line)
    good = [line["outcome"] for question, line in zip(asked, lines, strict=True) if question.gold]
    bad = [line["outcome"] for question, line in zip(asked, lines, strict=True) if not question.gold]
    cited = [one for one in good if one in ("right", "wrong_document")]
    figures: list[tuple[str, Estimate]] = [
        ("answered rightly", metrics.share([one == "right" for one in good])),
        ("wrong document", metrics.share([one == "wrong_document" for one in good])),
        ("wrongly declined", metrics.share([one == "wrongly_declined" for one in good])),
        ("citation at a gold document, of answered", metrics.share([one == "right" for one in cited])),
        ("unanswerable declined", metrics.share([one == "declined" for one in bad])),
        ("facts present", metrics.share([fact for line in lines for fact in line["facts"]])),
    ]
    lengths = sorted(len(line["answer"]) for line in lines if line["outcome"] == "right")
    facts = {
        "n": len(asked), "answerable": len(good), "unanswerable": len(bad),
        "asked_back": good.count("asked_back") + bad.count("asked_back"),
        "median characters": lengths[len(lengths) // 2] if lengths else None,
        **_times([line["ms"] for line in lines]),
        "right by kind": _by_kind(asked, [line["outcome"] in ("right", "declined") for line in lines]),
    }  # fmt: skip
    show(_title(questions, len(asked)), figures, facts, as_json)


def _read(paths: Sequence[Path]) -> list[LabelledQuestion]:
    from bot.cli.evaluate_questions import questions

    for path in paths:
        if not path.is_file():
            raise typer.BadParameter(t(f"找不到文件 {path}", f"there is no file {path}"))
    found = questions(paths)
    if not found:
        typer.echo(t("没有可用的问题", "no usable questions"), err=True)
        raise typer.Exit(1)
    return found


@contextmanager
def _pipeline(search_k: int | None = None) -> Iterator[tuple[Pipeline, asyncio.Runner]]:
    """The server's pipeline by the settings, and the loop to run it on."""
    import asyncio

    from bot.cli.knowledge import knowledge_base
    from bot.components import make_language_model, make_pipeline
    from bot.logs import configure_logging
    from bot.settings import load_settings

    settings = load_settings()
    configure_logging(settings)
    if search_k is not None:
        settings = settings.model_copy(update={"search_k": search_k})
    with ExitStack() as stack:
        base = stack.enter_context(knowledge_base())
        runner = stack.enter_context(asyncio.Runner())
        yield make_pipeline(base, settings, make_language_model(settings)), runner


def _as_question(question: LabelledQuestion, collections: Sequence[str] | None) -> Any:
    from bot.cli.answers import as_question

    return as_question(question, tuple(collections or ()))


def _tell(question: LabelledQuestion, found: dict[str, Any]) -> None:
    said = {"id": question.id, "question": question.text, "gold": sorted(question.gold), **found}
    typer.echo(json.dumps(said, ensure_ascii=False), err=True)


def _times(times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"ms_p50": ordered[len(ordered) // 2], "ms_p99": ordered[int(len(ordered) * 0.99)]}


def _by_kind(asked: Sequence[LabelledQuestion], good: Sequence[bool]) -> dict[str, str]:
    found: dict[str, list[bool]] = {}
    for question, right in zip(asked, good, strict=True):
        found.setdefault(f"{question.kind}{'' if question.gold else ' (no answer)'}", []).append(right)
    return {kind: f"{sum(rights)}/{len(rights)}" for kind, rights in sorted(found.items())}


def _title(paths: Sequence[Path], n: int) -> str:
    return f"{', '.join(path.name for path in paths)} · n={n}"
