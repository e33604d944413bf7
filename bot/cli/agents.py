"""`jieli agent`: accounts at the desk."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.store import open_database
from bot.cli.words import t

if TYPE_CHECKING:
    from handoff.agents import Agent

app = typer.Typer(no_args_is_help=True, help=t("管理坐席账号", "manage the agents' accounts"))
ROLES = ("agent", "supervisor", "editor", "admin")


def _shown(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "email": agent.email,
        "name": agent.name,
        "role": str(agent.role),
        "languages": list(agent.languages),
        "skills": sorted(agent.skills),
        "capacity": agent.capacity,
        "disabled": agent.disabled,
    }


@app.command(
    help=t("新建账号；不给密码时自动生成并显示一次", "create an account; a password is made if none is given")
)
def add(  # noqa: PLR0917 options of a command
    email: Annotated[str, typer.Argument(help=t("登录邮箱", "e-mail to sign in with"))],
    name: Annotated[str, typer.Option(help=t("显示给顾客的名字", "name shown to customers"))] = "",
    role: Annotated[str, typer.Option(help=t("角色：", "role: ") + " · ".join(ROLES))] = "agent",
    password: Annotated[
        str | None,
        typer.Option(envvar="JIELI_AGENT_PASSWORD", help=t("至少 10 个字符", "at least 10 characters")),
    ] = None,
    languages: Annotated[str, typer.Option(help=t("服务语言", "languages"))] = "zh-CN,en",
    skills: Annotated[str, typer.Option(help=t("技能，逗号分隔", "skills, comma-separated"))] = "",
    capacity: Annotated[int, typer.Option(help=t("同时会话数", "conversations at a time"))] = 4,
) -> None:
    """Create an account."""
    from handoff import agents
    from handoff.domain import Role

    if role not in ROLES:
        raise typer.BadParameter(t(f"角色只能是 {'、'.join(ROLES)}", f"a role is one of {', '.join(ROLES)}"))
    made = password is None
    word = password if password is not None else secrets.token_urlsafe(12)
    digest = agents.hash_password(word)
    with open_database() as database:
        agent = database.write_now(
            lambda conn: agents.create(
                conn,
                workspace="default",
                email=email,
                name=name or email.split("@")[0],
                password_hash=digest,
                role=Role(role),
                languages=_listed(languages),
                skills=_listed(skills),
                capacity=capacity,
            )
        )
    typer.echo(json.dumps(_shown(agent) | ({"password": word} if made else {}), ensure_ascii=False))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@app.command("list", help=t("列出账号", "list the accounts"))
def list_accounts() -> None:
    """List the accounts, one JSON object a line."""
    from handoff import agents

    with open_database() as database:
        for agent in database.read_now(lambda conn: agents.all_of(conn, "default")):
            typer.echo(json.dumps(_shown(agent), ensure_ascii=False))


@app.command(help=t("停用账号（--enable 恢复）", "disable an account (--enable restores it)"))
def disable(
    email: Annotated[str, typer.Argument(help=t("登录邮箱", "e-mail"))],
    enable: Annotated[bool, typer.Option("--enable", help=t("恢复", "restore"))] = False,
) -> None:
    """Disable or restore an account."""
    from bot.errors import BotError
    from handoff import agents

    with open_database() as database:
        found = database.read_now(lambda conn: agents.find(conn, "default", email))
        if found is None:
            raise BotError("agent_not_found", f"没有账号 {email}。", f"There is no account {email}.")
        changed = database.write_now(lambda conn: agents.set_disabled(conn, "default", found.id, not enable))
    typer.echo(json.dumps(_shown(changed), ensure_ascii=False))
