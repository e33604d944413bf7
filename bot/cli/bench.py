"""`jieli bench`: what the server costs and how fast it is, with servers and peers of its own."""

from __future__ import annotations

import json
import random
import statistics
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.words import t

app = typer.Typer(no_args_is_help=True, help=t("测量性能", "measure performance"))
_JSON = typer.Option(False, "--json", help=t("输出一行 JSON", "print one line of JSON"))


def _show(title: str, columns: dict[str, dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(columns, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("", *columns, title=title)
    names = dict.fromkeys(name for figures in columns.values() for name in figures)
    for name in names:
        table.add_row(name, *(str(figures.get(name, "–")) for figures in columns.values()))
    Console().print(table)


@app.command(help=t("聊天：持久化转发，每条消息的服务器 CPU", "chat: durable relay, server CPU per message"))
def chat(
    connections: int = typer.Option(1_000, min=2, max=18_000, help=t("连接数", "sockets")),
    rate: float = typer.Option(1_000.0, min=1, help=t("每秒消息数", "messages a second")),
    seconds: float = typer.Option(10.0, min=1, help=t("持续秒数", "how long")),
    runs: int = typer.Option(3, min=1, max=20, help=t("次数（取中位数）", "runs; the median counts")),
    as_json: bool = _JSON,
) -> None:
    """Our server and, where it is installed, python-socketio, in turn within one run."""
    from bot.bench.chat import Load, jieli, socketio

    load = Load(connections, rate, seconds)
    ours, theirs = [], []
    for number in range(runs):
        typer.echo(t(f"第 {number + 1}/{runs} 次", f"run {number + 1} of {runs}"), err=True)
        ours.append(jieli(load))
        if (peer := socketio(load)) is not None:
            theirs.append(peer)
    columns = {"jieli": _median(ours)}
    if theirs:
        columns["python-socketio"] = _median(theirs)
        ratios = [
            a["cpu_us_per_message"] / b["cpu_us_per_message"] for a, b in zip(ours, theirs, strict=True)
        ]
        columns["jieli"]["cpu_ratio_to_socketio"] = round(statistics.median(ratios), 2)
    _show(t("聊天", "chat"), columns, as_json)


def _median(figures: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for name in figures[0]:
        values = [one[name] for one in figures if one[name] is not None]
        found[name] = round(statistics.median(values), 2) if values else None
    return found


@app.command(
    help=t("转人工：从提出到客服看到、再到第一句话", "handoff: from the wish to the offer and the first word")
)
def handoff(
    rounds: int = typer.Option(200, min=2, max=100_000, help=t("次数", "handoffs")), as_json: bool = _JSON
) -> None:
    """One visitor, one agent, many handoffs."""
    from bot.bench.handoff import handoffs

    _show(t("转人工", "handoff"), {"jieli": handoffs(rounds)}, as_json)


@app.command(
    help=t(
        "演练：对话进行中反复强杀服务器，再核对有没有丢失或重复",
        "drill: kill the server again and again under chats, then look for what was lost or doubled",
    )
)
def drill(  # noqa: PLR0917 options of a command
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False,
            help=t("对话文件，同 jieli replay；省略用自带的", "chats as for jieli replay; else our own"),
        ),
    ] = None,
    chats: Annotated[int, typer.Option(min=1, max=60, help=t("对话数", "chats"))] = 50,
    agents: Annotated[int, typer.Option(min=1, max=20, help=t("客服数", "agents"))] = 2,
    kills: Annotated[int, typer.Option(min=0, max=100, help=t("强杀次数", "how often it is killed"))] = 5,
    seed: Annotated[int | None, typer.Option(help=t("随机种子", "seed of what is random"))] = None,
    as_json: bool = _JSON,
) -> None:  # fmt: skip
    """Real server, real sockets, SIGKILL; exit 1 when a promise was broken."""
    from bot.bench.drill import Wish, own, recorded
    from bot.bench.drill import drill as run

    chosen = recorded(file, chats) if file else own(chats)
    number = seed if seed is not None else random.randrange(1_000_000)
    found = run(Wish(chosen, agents, kills, number))
    _show(t("演练", "drill"), {"jieli": found.figures}, as_json)
    for wrong in found.violations:
        typer.echo(wrong, err=True)
    if found.violations:
        typer.echo(t(f"数据与日志保留在 {found.home}", f"data and log stay in {found.home}"), err=True)
        raise typer.Exit(1)


@app.command(help=t("回答：语言模型第一段文字的额外延迟", "answers: what is added to a model's first text"))
def answers(
    questions: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="JSONL: question")],
    collection: Annotated[list[str] | None, typer.Option(help=t("知识集合", "collections"))] = None,
    token_ms: Annotated[float, typer.Option(min=0, help=t("词间隔毫秒", "ms between tokens"))] = 0.0,
    as_json: bool = _JSON,
) -> None:
    """A stub model that quotes at once, bare and through the answer path, in turn within one run."""
    from bot.bench.answers import first_text
    from bot.cli.evaluate_questions import questions as read
    from bot.cli.knowledge import knowledge_base

    asked = [question.text for question in read([questions]) if question.gold and not question.history]
    with knowledge_base() as base:
        figures = first_text(base, asked, tuple(collection or ()), token_ms)
    _show(t("回答", "answers"), {"jieli": figures}, as_json)
