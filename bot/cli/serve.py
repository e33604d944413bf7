"""`jieli serve` and `jieli migrate`."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.words import t

if TYPE_CHECKING:
    from bot.settings import Settings

BACKLOG = 2_048


def serve(
    host: Annotated[str | None, typer.Option(help=t("监听地址", "address to listen on"))] = None,
    port: Annotated[int | None, typer.Option(help=t("端口", "port"))] = None,
) -> None:
    """Run the server until it is told to stop."""
    from bot.settings import load_settings

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    run_server(load_settings(**given))


def run_server(settings: Settings, *, demo: bool = False) -> None:
    """Bind, build, serve.

    Raises:
        ConfigurationError: port taken, database newer, model path or setting wrong.
    """
    listener = bind(
        settings.host, settings.port
    )  # before anything slow, so that a taken port is told at once
    settings.signing_secret()
    from bot.components import check_model_paths
    from bot.logs import configure_logging
    from bot.migrate import migrate as upgrade

    check_model_paths(settings)
    upgrade(settings.database)
    configure_logging(settings)
    import uvicorn

    from bot.app import create_app
    from bot.edge import UVICORN
    from bot.serving import Server

    failed: list[BaseException] = []

    def stop(error: BaseException) -> None:
        failed.append(error)
        server.should_exit = True

    app = create_app(settings, demo=demo, on_fatal=stop)
    config = uvicorn.Config(app, log_config=None, access_log=False, backlog=BACKLOG, **UVICORN)
    server = Server(config, app.state.parts.edge.sockets.close)
    typer.echo(_greeting(settings), err=True)
    with listener:
        server.run(sockets=[listener])
    if failed:
        raise typer.Exit(1)


def _greeting(settings: Settings) -> str:
    at = settings.address
    return t(f"接力已启动：{at}（状态 {at}/health）", f"Jieli is at {at} (health: {at}/health)")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, or an error that says what to do.

    Raises:
        ConfigurationError: `port_taken` or `address_unusable`.
    """
    from bot.errors import ConfigurationError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                "port_taken",
                f"端口 {port} 已被占用；请先停掉占用它的程序，或用 --port 换一个端口。",
                f"Port {port} is taken; stop what uses it, or choose another with --port.",
            ) from error
        raise ConfigurationError(
            "address_unusable",
            f"无法监听 {host}:{port}：{error.strerror}；请检查 JIELI_HOST 和 JIELI_PORT。",
            f"Cannot listen on {host}:{port}: {error.strerror}; check JIELI_HOST and JIELI_PORT.",
        ) from error
    return listener


def migrate() -> None:
    """Create or upgrade the database."""
    from bot.migrate import migrate as upgrade
    from bot.settings import load_settings

    revision = upgrade(load_settings().database)
    typer.echo(t(f"数据库结构已是最新：{revision}", f"The database is at revision {revision}"))
