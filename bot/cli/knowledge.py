"""`jieli ingest` and `jieli search`: documents in, passages out, as JSON Lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.words import t

if TYPE_CHECKING:
    from kb_ingest.knowledge import Hit, KnowledgeBase
    from kb_ingest.reports import Report


@contextmanager
def knowledge_base() -> Iterator[KnowledgeBase]:
    """The knowledge base of the settings, warmed, without Chroma: that belongs to the server's process."""
    from bot.migrate import migrate
    from bot.settings import load_settings
    from handoff.writer import Database
    from kb_ingest.embedder import load_embedder
    from kb_ingest.knowledge import KnowledgeBase

    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    migrate(settings.database)
    database = Database(settings.database)
    embedder = load_embedder(settings.embedder, settings.home / "models", threads=settings.workers)
    base = KnowledgeBase(database, data_dir=settings.home, embedder=embedder, chroma=False)
    try:
        base.warm_up()
        yield base
    finally:
        base.close()
        database.close()


def _line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def ingest(
    paths: Annotated[list[str], typer.Argument(help=t("文件、文件夹或网址", "files, folders or URLs"))],
    collection: Annotated[str, typer.Option(help=t("知识集合", "the collection they go into"))] = "default",
    draft: Annotated[bool, typer.Option("--draft", help=t("先不发布", "do not publish yet"))] = False,
) -> None:
    """Put documents into the knowledge base: one report a line, totals last."""
    started = time.perf_counter()
    totals = {"documents": 0, "indexed": 0, "skipped": 0, "failed": 0, "chunks": 0}
    with knowledge_base() as base, _progress() as advance:
        for report in base.ingest_now(paths, collection=collection, publish=not draft):
            _line(_report(report))
            totals["documents"] += 1
            totals[report.status] += 1
            totals["chunks"] += report.chunks if report.status == "indexed" else 0
            advance(report)
    _line({"totals": {**totals, "ms": int((time.perf_counter() - started) * 1000)}})
    if totals["failed"] == totals["documents"] > 0:
        raise typer.Exit(1)


def _report(report: Report) -> dict[str, Any]:
    from dataclasses import asdict

    return {key: value for key, value in asdict(report).items() if value is not None}


@contextmanager
def _progress() -> Iterator[Any]:
    """A line that says how far it is, where standard error is a terminal; failures are told in any case."""
    from rich.console import Console

    console = Console(stderr=True)
    done = chunks = 0

    def advance(report: Report) -> None:
        nonlocal done, chunks
        done += 1
        chunks += report.chunks
        if report.status == "failed":
            console.print(t(report.reason_zh or "", report.reason_en or ""), style="red", markup=False)
        if status is not None:
            status.update(
                t(
                    f"{done} 篇文档，{chunks} 段 · {report.path}",
                    f"{done} documents, {chunks} chunks · {report.path}",
                )
            )

    status = console.status(t("正在读取", "reading")) if console.is_terminal else None
    if status is None:
        yield advance
        return
    with status:
        yield advance


def search(
    query: Annotated[str | None, typer.Argument(help=t("问题", "the question"))] = None,
    queries: Annotated[
        Path | None, typer.Option(help=t("JSONL 问题文件", "a JSONL file of questions"))
    ] = None,
    collection: Annotated[str | None, typer.Option(help=t("只在此集合中", "only in this collection"))] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help=t("条数", "how many passages"))] = 10,
) -> None:
    """The passages that meet a question best."""
    if (query is None) == (queries is None):
        typer.echo(
            t("请给出一个问题，或用 --queries 指定文件。", "Give either a question or --queries FILE."),
            err=True,
        )
        raise typer.Exit(2)
    with knowledge_base() as base:
        if query is not None:
            _line({"id": None, "question": query, **_searched(base, query, collection, k)})
            return
        assert queries is not None
        _search_file(base, queries, collection, k)


def _search_file(base: KnowledgeBase, path: Path, collection: str | None, k: int) -> None:
    if not path.is_file():
        typer.echo(t(f"找不到 {path}。", f"{path} cannot be found."), err=True)
        raise typer.Exit(2)
    wrong = 0
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            question = str(item["question"])
        except (ValueError, KeyError, TypeError):
            wrong += 1
            typer.echo(
                t(
                    f"第 {number} 行不是含 question 的 JSON，已跳过。",
                    f"Line {number} is no JSON with a question: skipped.",
                ),
                err=True,
            )
            continue
        _line({"id": item.get("id", number), **_searched(base, _with_history(question, item), collection, k)})
    if wrong:
        typer.echo(t(f"跳过 {wrong} 行。", f"{wrong} lines skipped."), err=True)


def _with_history(question: str, item: dict[str, Any]) -> str:
    """What the bot would search for: a question that leans on an earlier one together with that one."""
    from bot.answers import Question
    from bot.cli.history import earlier_turns
    from bot.pipeline.condense import refers_back, with_context
    from bot.textparts import language_of
    from handoff.emotion_text import Exchange

    earlier = tuple(Exchange(user, reply) for user, reply in earlier_turns(item.get("history")))
    asked = Question(question, language_of(question), earlier)
    return with_context(asked) if refers_back(asked) else question


def _searched(base: KnowledgeBase, question: str, collection: str | None, k: int) -> dict[str, Any]:
    started = time.perf_counter()
    hits = base.search_now(question, collections=[collection] if collection else [], k=k)
    spent = (time.perf_counter() - started) * 1000
    return {"hits": [_hit(hit) for hit in hits], "ms": round(spent, 2)}


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "document": hit.document,
        "path": hit.path,
        "chunk": hit.chunk,
        "score": round(hit.score, 4),
        "title": hit.title,
        "heading": hit.heading,
        "url": hit.url,
        "text": hit.text,
    }
