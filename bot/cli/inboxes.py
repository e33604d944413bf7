"""`jieli inbox`: which sites may embed the chat, what it speaks and what it answers from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.store import open_database
from bot.cli.words import t

if TYPE_CHECKING:
    from handoff.inboxes import Inbox

app = typer.Typer(
    no_args_is_help=True, help=t("管理收件箱：允许嵌入的网站等", "manage the inboxes that pages embed")
)
LANGUAGES = ("zh-CN", "en")
NONE = "none"


def _print(inbox: Inbox) -> None:
    shown = {
        "id": inbox.id,
        "name": inbox.name,
        "allowed_origins": list(inbox.allowed_origins),
        "languages": list(inbox.languages),
        "collections": list(inbox.collections),
        "queue": inbox.queue,
    }
    typer.echo(json.dumps(shown, ensure_ascii=False))


@app.command("list", help=t("列出收件箱", "list the inboxes"))
def list_inboxes() -> None:
    """List the inboxes, one JSON object a line."""
    from handoff import inboxes

    with open_database() as database:
        for inbox in database.read_now(lambda conn: inboxes.all_of(conn, "default")):
            _print(inbox)


@app.command(
    "set", help=t("更改收件箱；未给出的选项保持不变", "change an inbox; what is not given stays as it is")
)
def set_inbox(
    inbox: Annotated[
        str, typer.Argument(help=t("收件箱编号，例如 default", "the inbox's id, for example default"))
    ],
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help=t(
                "允许嵌入的网站，可重复；* 为全部，none 为只限接力自己",
                "site that may embed it, repeatable; * for all, none for Jieli itself only",
            )
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help=t("语言，可重复：", "language, repeatable: ") + " · ".join(LANGUAGES)),
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(help=t("知识集合，可重复", "knowledge collection, repeatable"))
    ] = None,
    name: Annotated[str | None, typer.Option(help=t("名称", "name"))] = None,
) -> None:
    """Change an inbox and print it."""
    from handoff import inboxes

    wrong = set(language or ()) - set(LANGUAGES)
    if wrong:
        words = ", ".join(LANGUAGES)
        raise typer.BadParameter(t(f"语言只能是 {words}", f"a language is one of {words}"))
    origins = None if origin is None else [] if origin == [NONE] else origin
    given = {"allowed_origins": origins, "languages": language, "collections": collection, "name": name}
    fields = {key: value for key, value in given.items() if value is not None}
    with open_database() as database:
        _print(database.write_now(lambda conn: inboxes.change(conn, "default", inbox, **dict(fields))))
