"""`jieli emotion` and `jieli replay`: the live emotion and escalation code over files, without a server."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.words import t

if TYPE_CHECKING:
    from handoff.emotion import EmotionClassifier, Exchange
    from handoff.policy import EscalationPolicy


class Lines:
    """The input's lines with their numbers; counts and reports what is malformed."""

    def __init__(self, source: Path | None) -> None:
        self._source = source
        self.bad = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        handle: Any = self._source.open("rb") if self._source else sys.stdin.buffer
        with handle:
            for number, raw in enumerate(handle, 1):
                try:
                    line = raw.decode("utf-8").strip("\r\n\ufeff")
                except UnicodeDecodeError:
                    self.skip(number, t("不是 UTF-8", "not UTF-8"))
                    continue
                if line.strip():
                    yield number, line

    def skip(self, number: int, why: str) -> None:
        """Report one malformed line on standard error."""
        self.bad += 1
        typer.echo(t(f"第 {number} 行已跳过：{why}", f"line {number} skipped: {why}"), err=True)

    def finish(self, done: int) -> None:
        """The closing line on standard error."""
        typer.echo(
            t(f"完成 {done} 条，跳过 {self.bad} 行", f"{done} done, {self.bad} lines skipped"), err=True
        )


def existing(path: Path | None) -> Path | None:
    """The path, or exit 2 when there is no such file; "-" means standard input."""
    if path is None or str(path) == "-":
        return None
    if not path.is_file():
        typer.echo(t(f"没有这个文件：{path}", f"no such file: {path}"), err=True)
        raise typer.Exit(2)
    return path


def classifier() -> EmotionClassifier:
    """The configured emotion classifier, warmed up."""
    from bot.logs import configure_logging
    from bot.settings import Settings
    from handoff.emotion import load_emotion

    settings = Settings()
    configure_logging(settings)
    model = load_emotion(settings.emotion_model)
    model.warm_up()
    return model


def _emit(row: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _history(values: object) -> tuple[Exchange, ...]:
    """Earlier turns: customer texts, or objects with `user` and `agent`."""
    from handoff.emotion import Exchange

    if not isinstance(values, list):
        raise ValueError(t("history 必须是列表", "history must be a list"))
    out = []
    for item in values:
        if isinstance(item, dict):
            out.append(Exchange(str(item.get("user", "")), str(item.get("agent") or item.get("reply") or "")))
        else:
            out.append(Exchange(str(item), ""))
    return tuple(out)


def _input_row(line: str) -> dict[str, Any]:
    """A JSON object with `text`, or the line itself as text. Raises ValueError."""
    if not line.lstrip().startswith("{"):
        return {"text": line}
    row = json.loads(line)
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise ValueError(t("缺少文本字段 text", "the field text is missing"))
    return row


def emotion(
    file: Annotated[
        Path | None,
        typer.Argument(help=t("文本或 JSONL；省略读标准输入", "text or JSONL; else stdin")),
    ] = None,
) -> None:
    """Read the emotion of each line; one JSON object a line."""
    lines = Lines(existing(file))
    model = classifier()
    done = 0
    for number, line in lines:
        try:
            row = _input_row(line)
            history = _history(row.get("history") or [])
        except ValueError as error:
            lines.skip(number, str(error))
            continue
        begun = time.perf_counter()
        reading = model.read(row["text"], history)
        ms = (time.perf_counter() - begun) * 1000
        _emit(
            {
                **row,
                "negative": reading.negative,
                "label": reading.label,
                "intensity": reading.intensity,
                "evidence": [{"start": s.start, "end": s.end, "text": s.text} for s in reading.evidence],
                "clear": reading.clear,
                "model": reading.model,
                "ms": round(ms, 2),
            }
        )
        done += 1
    lines.finish(done)


def replay_chat(
    turns: Sequence[Mapping[str, Any]], model: EmotionClassifier, policy: EscalationPolicy
) -> Iterator[dict[str, Any]]:
    """The verdict of each customer turn, the recorded replies standing for the bot's."""
    from handoff.emotion import Exchange
    from handoff.emotion_text import language_of
    from handoff.triggers import Trajectory, TurnSignals, judge

    state = Trajectory()
    history: list[Exchange] = []
    for number, turn in enumerate(turns):
        text = str(turn.get("user") or "")
        begun = time.perf_counter()
        reading = model.read(text, history)
        signals = TurnSignals(text, language_of(text), reading, tuple(history))
        state, verdict = judge(state, signals, policy)
        yield {
            "turn": number,
            "negative": reading.negative,
            "level": verdict.level,
            "decision": verdict.decision,
            "rule": verdict.rule,
            "score": verdict.score,
            "threshold": verdict.threshold,
            "label": reading.label,
            "reason_zh": verdict.reason_zh,
            "reason_en": verdict.reason_en,
            "ms": round((time.perf_counter() - begun) * 1000, 2),
        }
        history.append(Exchange(text, str(turn.get("agent") or "")))


def load_policy(path: Path | None, threshold: float | None) -> EscalationPolicy:
    """The policy of a file with the threshold laid over it; a bad one exits 2 with what to mend."""
    from handoff.policy import EscalationPolicy, PolicyInvalid

    try:
        policy = EscalationPolicy.from_file(path) if path else EscalationPolicy()
        if threshold is not None:
            offer = min(policy.offer_threshold, threshold)
            values = {**policy.to_mapping(), "threshold": threshold, "offer_threshold": offer}
            policy = EscalationPolicy.from_mapping(values)
    except PolicyInvalid as error:
        typer.echo(f"{t('错误', 'error')} [{error.code}] {t(error.zh, error.en)}", err=True)
        raise typer.Exit(2) from error
    return policy


def first(rows: Sequence[Mapping[str, Any]], decision: str) -> int | None:
    """Number of the first turn with that decision."""
    return next((int(r["turn"]) for r in rows if r["decision"] == decision), None)


def _turns(line: str) -> tuple[str, list[Mapping[str, Any]]]:
    row = json.loads(line)
    if not isinstance(row, dict) or not isinstance(row.get("turns"), list):
        raise ValueError(t("缺少 turns 列表", "the list turns is missing"))
    if not all(isinstance(turn, dict) for turn in row["turns"]):
        raise ValueError(t("turns 的每一项必须是对象", "each of turns must be an object"))
    return str(row.get("dialog", "")), row["turns"]


def replay(
    file: Annotated[Path, typer.Argument(help=t("对话 JSONL，- 为标准输入", "chats as JSONL, - for stdin"))],
    threshold: Annotated[
        float | None, typer.Option(help=t("情绪阈值 0..1", "emotion threshold, 0..1"))
    ] = None,
    policy: Annotated[Path | None, typer.Option(help=t("策略 YAML 文件", "policy as a YAML file"))] = None,
    summary: Annotated[bool, typer.Option("--summary", help=t("最后输出总计", "add totals"))] = False,
) -> None:
    """Run recorded chats through the live decision code."""
    from rich.console import Console
    from rich.progress import Progress

    lines = Lines(existing(file))
    chosen = load_policy(existing(policy), threshold)
    model = classifier()
    counts = {"chats": 0, "turns": 0, "escalated": 0, "offered": 0}
    rules: dict[str, int] = {}
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(t("重放", "replaying"), total=None)
        for number, line in lines:
            try:
                dialog, turns = _turns(line)
            except ValueError as error:
                lines.skip(number, str(error))
                continue
            rows = []
            for row in replay_chat(turns, model, chosen):
                _emit({"dialog": dialog, **row})
                rows.append(row)
            escalated, offered = first(rows, "escalate"), first(rows, "offer")
            _emit({"dialog": dialog, "escalated_turn": escalated, "offered_turn": offered})
            _count(counts, rules, rows, escalated, offered)
            progress.advance(task)
    if summary:
        _emit({"summary": {**counts, "rules": rules, "skipped": lines.bad, "policy_version": chosen.version}})
    lines.finish(counts["chats"])


def _count(
    counts: dict[str, int],
    rules: dict[str, int],
    rows: Sequence[Mapping[str, Any]],
    escalated: int | None,
    offered: int | None,
) -> None:
    counts["chats"] += 1
    counts["turns"] += len(rows)
    counts["escalated"] += escalated is not None
    counts["offered"] += offered is not None
    if escalated is not None:
        rule = str(rows[escalated]["rule"])
        rules[rule] = rules.get(rule, 0) + 1
