"""The command `jieli`. Sub-commands load when they are called, so that help costs no heavy import.

Each area's module stands in `COMMANDS`: either a plain function with Typer annotations or a `typer.Typer`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from bot.cli.words import t


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a sub-command lives and its line in the help."""

    target: str  # "module:attribute"
    zh: str
    en: str


COMMANDS: dict[str, Entry] = {
    "serve": Entry("bot.cli.serve:serve", "启动服务", "run the server"),
    "demo": Entry("bot.cli.demo:demo", "用虚构的商店演示全部功能", "show everything with a fictional shop"),
    "migrate": Entry("bot.cli.serve:migrate", "建立或升级数据库", "create or upgrade the database"),
    "ingest": Entry("bot.cli.knowledge:ingest", "把文档放入知识库", "put documents into the knowledge base"),
    "search": Entry("bot.cli.knowledge:search", "检索知识库", "search the knowledge base"),
    "ask": Entry("bot.cli.answers:ask", "向机器人提问", "ask the bot"),
    "emotion": Entry("bot.cli.emotion:emotion", "识别文本的情绪", "read the emotion of texts"),
    "replay": Entry(
        "bot.cli.emotion:replay", "用历史对话重放转人工的判断", "replay chats through the escalation"
    ),
    "eval": Entry("bot.cli.evaluate:app", "在标注数据上评测", "measure quality on labelled data"),
    "bench": Entry("bot.cli.bench:app", "测量性能", "measure performance"),
    "agent": Entry("bot.cli.agents:app", "管理坐席账号", "manage the agents' accounts"),
    "inbox": Entry(
        "bot.cli.inboxes:app", "管理收件箱：允许嵌入的网站等", "manage the inboxes that pages embed"
    ),
    "doctor": Entry("bot.cli.doctor:doctor", "逐项检查安装", "check every component"),
}


class LazyGroup(TyperGroup):
    """A group whose commands are only named until one of them is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that carries the name and the help line."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(cmd_name, callback=None, help=t(entry.zh, entry.en))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command, loaded now."""
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}  # for "did you mean"
        name, stand_in, rest = super().resolve_command(ctx, args)
        if stand_in is None or name is None:
            return name, stand_in, rest
        return name, load(name), rest


def load(name: str) -> Any:
    """Import one sub-command and return it as the command object that Typer runs."""
    entry = COMMANDS[name]
    module, attribute = entry.target.split(":")
    target = getattr(import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        holder = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        holder.command(name)(target)
        target = holder
    command = typer.main.get_command(target)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"jieli {version('jieli')}")
        raise typer.Exit


@app.callback(
    help=t(
        "接力：会回答、懂情绪、该转人工时就转人工的客服机器人。",
        "Jieli: a customer-service bot that answers from your knowledge and hands over to a person"
        " the moment emotion turns.",
    )
)
def main(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help=t("显示版本", "show the version")
    ),
) -> None:
    """Root of all commands."""


def run() -> None:
    """Entry point of the console script: typed errors become one line and an exit status."""
    try:
        app()
    except Exception as error:
        if not (hasattr(error, "code") and hasattr(error, "zh") and hasattr(error, "en")):
            raise
        typer.echo(f"{t('错误', 'error')} [{error.code}] {t(error.zh, error.en)}", err=True)
        sys.exit(getattr(error, "exit_status", 1))
