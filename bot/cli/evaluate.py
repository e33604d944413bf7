"""`jieli eval`: quality on labelled files, with 95 % bootstrap intervals.

One sub-command for each area; the measures stand in `evaluate_metrics`, the files' layouts in
`evaluate_files`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bot.cli.evaluate_knowledge import answers, retrieval
from bot.cli.words import t

if TYPE_CHECKING:
    from bot.cli.evaluate_files import LabelledChat
    from bot.cli.evaluate_metrics import Estimate
    from handoff.emotion import EmotionClassifier
    from handoff.policy import EscalationPolicy

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=t("在标注数据上评测", "measure quality on labelled data"),
)
app.command("retrieval")(retrieval)
app.command("answers")(answers)
T = TypeVar("T")
Rows = list[tuple[str, "Estimate"]]
AsJson = Annotated[bool, typer.Option("--json", help=t("输出 JSON", "print JSON"))]


@app.command("emotion")
def emotion(
    file: Annotated[
        Path, typer.Argument(help=t("带 text 与 neg 的 JSONL(.gz)", "JSONL(.gz) with text and neg"))
    ],
    source: Annotated[str | None, typer.Option(help=t("只取该来源", "only this source"))] = None,
    limit: Annotated[int | None, typer.Option(help=t("最多多少条", "at most that many"))] = None,
    as_json: AsJson = False,
) -> None:
    """AUC, accuracy, macro-F1 and calibration of the single-turn reading."""
    from bot.cli import evaluate_files as files
    from bot.cli import evaluate_metrics as metrics
    from bot.cli.emotion import classifier, existing

    found = files.texts(existing(file) or file, source, limit)
    if not found:
        typer.echo(t("没有可用的标注", "no usable labels"), err=True)
        raise typer.Exit(1)
    model = classifier()
    begun = time.perf_counter()
    scores = [model.read(item.text).negative for item in progress(found, t("识别", "reading"))]
    ms = (time.perf_counter() - begun) * 1000 / len(found)
    truth = [item.truth for item in found]
    rows: Rows = [
        ("AUC", metrics.estimate(metrics.auc, truth, scores)),
        ("accuracy", metrics.estimate(metrics.accuracy, truth, scores)),
        ("macro-F1", metrics.estimate(metrics.macro_f1, truth, scores)),
        ("ECE", metrics.estimate(metrics.calibration_error, truth, scores)),
    ]
    show(
        f"{model.name} · {file.name} · n={len(found)} · {ms:.1f} ms",
        rows,
        {"n": len(found), "ms": ms},
        as_json,
    )


@app.command("escalation")
def escalation(
    file: Annotated[Path, typer.Argument(help=t("对话文件", "file of chats"))],
    *,
    labels: Annotated[
        Path | None, typer.Option(help=t("标注文件（handlabels）", "labels (handlabels)"))
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help=t("情绪阈值 0..1", "emotion threshold, 0..1"))
    ] = None,
    policy: Annotated[Path | None, typer.Option(help=t("策略 YAML 文件", "policy as a YAML file"))] = None,
    errors: Annotated[bool, typer.Option("--errors", help=t("列出每个漏判与误判", "list each miss"))] = False,
    as_json: AsJson = False,
) -> None:
    """Whether a person is brought in at the right turn, and not where nobody should be."""
    from bot.cli import evaluate_files as files
    from bot.cli.emotion import classifier, existing, load_policy

    chosen = load_policy(existing(policy), threshold)
    found = files.chats(existing(file) or file, existing(labels))
    if not found:
        typer.echo(t("没有可用的标注", "no usable labels"), err=True)
        raise typer.Exit(1)
    model = classifier()
    outcomes = [_outcome(chat, model, chosen) for chat in progress(found, t("重放", "replaying"))]
    if errors:
        for outcome in outcomes:
            if outcome["timing"] not in ("exact", "within_one", "clean"):
                typer.echo(json.dumps(outcome, ensure_ascii=False, default=str), err=True)
    rows, facts = _escalation_figures(found, outcomes)
    show(f"{model.name} · {file.name} · {len(found)} chats", rows, facts, as_json)


def _outcome(chat: LabelledChat, model: EmotionClassifier, policy: EscalationPolicy) -> dict[str, Any]:
    """One chat replayed: what fired first, and how that compares with the label."""
    from bot.cli.emotion import first, replay_chat
    from bot.cli.evaluate_metrics import timing

    rows = list(replay_chat(chat.turns, model, policy))
    turn = first(rows, "escalate")
    said = rows[turn] if turn is not None else None
    return {
        "dialog": chat.dialog,
        "expected": chat.handoff,
        "because": chat.reason,
        "escalated": turn,
        "timing": timing(chat.handoff, turn),
        "rule": said["rule"] if said else None,
        "reason": t(said["reason_zh"], said["reason_en"]) if said else None,
        "negatives": [row["negative"] for row in rows],
        "ms": [row["ms"] for row in rows],
    }


def _escalation_figures(
    chats: Sequence[LabelledChat], outcomes: Sequence[dict[str, Any]]
) -> tuple[Rows, dict[str, Any]]:
    from bot.cli import evaluate_metrics as metrics

    needed = [o for o in outcomes if o["expected"] is not None]
    clean = [o for o in outcomes if o["expected"] is None]
    pairs = [
        (x, y)
        for c, o in zip(chats, outcomes, strict=True)
        for x, y in zip(c.labels, o["negatives"], strict=True)
    ]
    clear = [(x == 2, y) for x, y in pairs if x != 1]
    truth, score = [float(a) for a, _ in clear], [b for _, b in clear]
    rows: Rows = [
        ("caught within one turn", metrics.share([o["timing"] in ("exact", "within_one") for o in needed])),
        ("false escalation on clean chats", metrics.share([o["timing"] == "false" for o in clean])),
        ("clear vs none: AUC", metrics.estimate(metrics.auc, truth, score)),
        ("clear vs none: recall at 3 % false alarms", metrics.estimate(metrics.recall_at_3, truth, score)),
        (
            "any vs none: AUC",
            metrics.estimate(metrics.auc, [float(a > 0) for a, _ in pairs], [b for _, b in pairs]),
        ),
    ]
    late = [o["escalated"] - o["expected"] for o in needed if o["escalated"] is not None]
    facts: dict[str, Any] = {"timing": _counts(o["timing"] for o in outcomes)}
    facts["by_reason"] = {
        reason: _counts(o["timing"] for o in needed if o["because"] == reason)
        for reason in sorted({str(o["because"]) for o in needed})
    }
    facts["false_rules"] = _counts(str(o["rule"]) for o in clean if o["timing"] == "false")
    facts["mean_delay"] = sum(late) / len(late) if late else None
    for tolerance in (1, 2, 3):
        each = [
            metrics.golden_transfer(_as_list(o["expected"]), _as_list(o["escalated"]), tolerance)
            for o in outcomes
        ]
        facts[f"GT-{tolerance}"] = sum(each) / len(each)
    times = sorted(m for o in outcomes for m in o["ms"])
    facts["ms_p50"], facts["ms_p99"] = times[len(times) // 2], times[int(len(times) * 0.99)]
    return rows, facts


def _as_list(value: int | None) -> list[int]:
    return [] if value is None else [value]


def _counts(values: Iterable[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for value in values:
        out[value] = out.get(value, 0) + 1
    return out


def progress(items: Sequence[T], text: str) -> Iterable[T]:
    """A bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, text, console=console, disable=not console.is_terminal, transient=True)


def show(title: str, rows: Rows, facts: dict[str, Any], as_json: bool) -> None:
    """The figures as a table, or as one JSON object."""
    if as_json:
        figures = {
            name: None if math.isnan(e.value) else {"value": e.value, "low": e.low, "high": e.high}
            for name, e in rows
        }
        typer.echo(json.dumps({"title": title, "figures": figures, **facts}, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column(t("指标", "measure"))
    table.add_column(t("值 [95 % 区间]", "value [95 % interval]"), justify="right")
    for name, figure in rows:
        table.add_row(name, str(figure))
    for name, value in facts.items():
        table.add_row(
            name, f"{value:.3f}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
        )
    Console().print(table)
