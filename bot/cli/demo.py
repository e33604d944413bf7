"""`jieli demo`: a fictional shop with its help centre, two agents, a supervisor and an editor, ready to
try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.words import t

if TYPE_CHECKING:
    from bot.settings import Settings
    from handoff.writer import Database

DEMO_FILES = Path(__file__).parent.parent / "demo"
PASSWORD = "jieli-demo-2026"  # noqa: S105  printed on the screen; the demo listens on this machine only
TEXTS = {
    "zh-CN": {
        "title": "云杉生活客服",
        "greeting": "您好！我是云杉生活的自动客服，退换货、配送、发票都可以问我。",
        "suggestions": ["怎么申请退货？", "运费怎么收？", "退款多久到账？"],
    },
    "en": {
        "title": "Spruce Living support",
        "greeting": "Hello! I am the automated assistant of Spruce Living. Ask me about returns, delivery"
        " or invoices.",
        "suggestions": ["How do I return an item?", "What does shipping cost?", "How long do refunds take?"],
    },
}


@dataclass(frozen=True, slots=True)
class Account:
    """A person at the demo's desk."""

    email: str
    name: str
    role: str
    zh: str
    en: str
    languages: tuple[str, ...] = ("zh-CN", "en")


ACCOUNTS: Sequence[Account] = (
    Account("lin@demo.local.test", "林晓", "agent", "客服", "agent"),
    Account(
        "emma@demo.local.test", "Emma", "agent", "客服（英文优先）", "agent (English first)", ("en", "zh-CN")
    ),
    Account("zhou@demo.local.test", "周主管", "supervisor", "主管", "supervisor"),
    Account("editor@demo.local.test", "编辑", "editor", "知识编辑", "content editor"),
)


def demo(
    port: Annotated[int | None, typer.Option(help=t("端口", "port"))] = None,
    home: Annotated[
        Path | None, typer.Option(help=t("演示数据的文件夹", "folder for the demo's data"))
    ] = None,
) -> None:
    """Set up and run the demo."""
    from bot.cli.serve import bind, run_server
    from bot.settings import load_settings

    given: dict[str, object] = {"home": home or Path(".jieli-demo"), "database_url": None}
    if port is not None:
        given["port"] = port
    settings = load_settings(**given)
    bind(settings.host, settings.port).close()  # a taken port is told before the documents are read
    prepare(settings)
    typer.echo(welcome(settings))
    run_server(settings, demo=True)


def prepare(settings: Settings) -> None:
    """Database, accounts, inbox and articles; does only what is missing."""
    from bot.migrate import migrate
    from handoff.seed import ensure_defaults
    from handoff.writer import Database

    settings.home.mkdir(parents=True, exist_ok=True)
    migrate(settings.database)
    database = Database(settings.database)
    try:
        database.write_now(ensure_defaults)
        _seed(database)
        _ingest(database, settings)
    finally:
        database.close()


def _seed(database: Database) -> None:
    from handoff import agents, inboxes
    from handoff.domain import Role

    known = {agent.email for agent in database.read_now(lambda conn: agents.all_of(conn, "default"))}
    missing = [account for account in ACCOUNTS if account.email not in known]
    digest = agents.hash_password(PASSWORD) if missing else ""
    for account in missing:
        database.write_now(
            lambda conn, account=account: agents.create(  # type: ignore[misc]
                conn,
                workspace="default",
                email=account.email,
                name=account.name,
                password_hash=digest,
                role=Role(account.role),
                languages=account.languages,
            )
        )
    database.write_now(lambda conn: inboxes.change(conn, "default", "default", texts=TEXTS))


def _ingest(database: Database, settings: Settings) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from kb_ingest.embedder import load_embedder
    from kb_ingest.knowledge import KnowledgeBase

    articles = DEMO_FILES / "articles"
    total = sum(1 for path in articles.rglob("*") if path.is_file())
    embedder = load_embedder(settings.embedder, settings.home / "models", threads=settings.workers)
    knowledge = KnowledgeBase(database, data_dir=settings.home, embedder=embedder, chroma=False)
    try:
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task(t("读取帮助文档", "reading the help articles"), total=total)
            for report in knowledge.ingest_now([articles]):
                progress.advance(task)
                if report.status == "failed":
                    why = t(report.reason_zh or "", report.reason_en or "")
                    typer.echo(f"{report.path}: {why}", err=True)
    finally:
        knowledge.close()


def welcome(settings: Settings) -> str:
    """What to open, who to sign in as, what to try."""
    at = settings.address
    people = "\n".join(f"    {a.email:<26}{PASSWORD}   {t(a.zh, a.en)}" for a in ACCOUNTS)
    return t(
        f"""
接力演示已就绪（Ctrl+C 停止）

  商店    {at}/demo/     以顾客身份聊天
  工作台  {at}/desk/     以客服身份登录，把状态设为“在线”
{people}

  试一试
    1. 在商店问：“怎么申请退货？”“退款多久到账？”
    2. 问一个文档里没有的：“你们卖火箭吗？”——它会老实说不知道
    3. 发脾气：“问了三遍了！你们到底管不管？”——工作台会收到原因、情绪和摘要
  状态    {at}/health
""",
        f"""
The Jieli demo is ready (Ctrl+C stops it)

  Shop    {at}/demo/     chat as a customer
  Desk    {at}/desk/     sign in as an agent and set yourself online
{people}

  Try
    1. Ask in the shop: “How do I return an item?” “How long do refunds take?”
    2. Ask what no article answers: “Do you sell rockets?” It says honestly that it does not know
    3. Lose your temper: “This is the third time I ask! Does anyone care at all?” The desk gets reason, mood
    and summary
  Health  {at}/health
""",
    )
