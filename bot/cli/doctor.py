"""`jieli doctor`: every component, its version, whether it works, and the way to mend it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.words import t

if TYPE_CHECKING:
    from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One component. `state`: ok, off, warn or failed; `mend` says what to do."""

    component: str
    state: str
    detail: str
    mend: str = ""
    ms: int = 0


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help=t("输出 JSON Lines", "print JSON Lines"))] = False,
) -> None:
    """Check every component."""
    from bot.settings import load_settings

    settings = load_settings()
    findings = [_timed(name, check, settings) for name, check in CHECKS]
    for finding in findings:
        if as_json or not sys.stdout.isatty():
            typer.echo(json.dumps(asdict(finding), ensure_ascii=False))
        else:
            mark = {"ok": "✓", "off": "–", "warn": "!", "failed": "✗"}[finding.state]
            typer.echo(f"{mark} {finding.component}: {finding.detail} ({finding.ms} ms)")
            if finding.mend:
                typer.echo(f"    → {finding.mend}")
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


def _timed(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    started = time.monotonic()
    try:
        found = check(settings)
    except Exception as error:  # a check that breaks is a finding, whatever broke
        zh, en = getattr(error, "zh", str(error)), getattr(error, "en", str(error))
        code = getattr(error, "code", type(error).__name__)
        found = Finding(name, "failed", code, t(zh, en))
    return Finding(name, found.state, found.detail, found.mend, int((time.monotonic() - started) * 1000))


def _python(_: Settings) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    shown = ["python " + ".".join(map(str, sys.version_info[:3]))]
    for package in ("jieli", "fastapi", "uvicorn", "sqlalchemy", "chromadb", "langchain", "onnxruntime"):
        try:
            shown.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            return Finding(
                "", "failed", f"{package} –", t("重新安装：make install", "install again: make install")
            )
    return Finding("", "ok", ", ".join(shown))


def _home(settings: Settings) -> Finding:
    import shutil

    settings.home.mkdir(parents=True, exist_ok=True)
    probe = settings.home / ".probe"
    probe.write_bytes(b"x")
    probe.unlink()
    free = shutil.disk_usage(settings.home).free // 2**20
    if free < 500:
        return Finding(
            "", "warn", f"{settings.home}, {free} MB", t("磁盘空间不足 500 MB", "less than 500 MB are free")
        )
    return Finding("", "ok", f"{settings.home}, {free} MB {t('可用', 'free')}")


def _database(settings: Settings) -> Finding:
    from sqlalchemy.engine import make_url

    from bot.migrate import migrate

    revision = migrate(settings.database)
    return Finding(
        "", "ok", f"{make_url(settings.database).get_backend_name()}, {t('结构', 'schema')} {revision}"
    )


def _knowledge(settings: Settings) -> Finding:
    from bot.cli.knowledge import knowledge_base
    from bot.components import check_model_paths

    check_model_paths(settings)
    with knowledge_base() as base:
        size = base.size
        base.search_now("退货 return", k=1)
    mend = t("放入文档：jieli ingest 文件夹", "put documents in: jieli ingest FOLDER") if not size else ""
    return Finding("", "ok" if size else "warn", f"{size} {t('个片段', 'chunks')}", mend)


def _emotion(settings: Settings) -> Finding:
    from handoff.emotion import load_emotion

    reader = load_emotion(settings.emotion_model, threads=settings.model_threads)
    angry = reader.read("问了三遍了！你们到底管不管？").negative
    detail = f"{reader.name}, negative={angry:.2f}"
    if "lexicon" in reader.name.lower():
        return Finding(
            "", "warn", detail, t("模型无法加载，改用词表；检查 JIELI_EMOTION_MODEL", "the model cannot"
            " be loaded, word lists are used; check JIELI_EMOTION_MODEL")
        )  # fmt: skip
    return Finding("", "ok", detail)


def _language_model(settings: Settings) -> Finding:
    from bot.components import make_language_model

    model = make_language_model(settings)
    if model is None:
        mend = t("要生成式回答：设置 JIELI_LLM", "for written answers set JIELI_LLM")
        return Finding("", "off", t("未设置，回答引用原文", "not set, answers are quotes"), mend)
    asyncio.run(model.probe())
    return Finding("", "ok", model.name)


def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("", "off", t("单进程，无需 Redis", "one process, not needed"))
    import redis

    redis.Redis.from_url(settings.redis_url, socket_connect_timeout=2).ping()
    return Finding("", "ok", "redis")


def _browser_files(_: Settings) -> Finding:
    from web_widget import STATIC

    missing = [
        name
        for name in ("widget.js", "widget/index.html", "desk/index.html")
        if not (STATIC / name).is_file()
    ]
    if missing:
        return Finding("", "failed", ", ".join(missing), t("构建浏览器端：make web", "build them: make web"))
    return Finding("", "ok", t("已构建", "built"))


CHECKS: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
    ("packages", _python),
    ("home", _home),
    ("database", _database),
    ("knowledge", _knowledge),
    ("emotion", _emotion),
    ("language model", _language_model),
    ("redis", _redis),
    ("browser files", _browser_files),
)
