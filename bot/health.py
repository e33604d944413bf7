"""Whether the server lives and can answer: /healthz, /readyz, /health (a page), /metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html import escape
from importlib.metadata import version

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from bot.errors import BotError
from bot.llm import LanguageModel
from handoff.emotion import EmotionClassifier
from handoff.errors import HandoffError
from handoff.writer import Database
from kb_ingest.errors import KnowledgeError
from kb_ingest.knowledge import KnowledgeBase


@dataclass(frozen=True, slots=True)
class Component:
    """One line of the health page. `state`: ok, starting, degraded or failed."""

    name: str
    state: str
    zh: str
    en: str


@dataclass(slots=True)
class Health:
    """What is known of the parts; `ready` once the models are loaded, `failure` when they cannot be."""

    database: Database
    knowledge: KnowledgeBase
    emotion: EmotionClassifier
    model: LanguageModel | None
    started: float = field(default_factory=time.monotonic)
    ready: bool = False
    failure: BotError | HandoffError | KnowledgeError | None = None

    def components(self) -> list[Component]:
        """Every part and its state."""
        return [self._storage(), self._knowledge(), self._emotion(), *self.ladder()]

    def _storage(self) -> Component:
        kind = self.database.url.split(":", 1)[0]
        if self.database.read_only:
            return Component(
                "database",
                "failed",
                "存储失败，只读",
                "storage failed; read-only, the server must be restarted",
            )
        try:
            self.database.read_now(lambda conn: conn.execute(text("SELECT 1")).scalar())
        except Exception as error:  # whatever the driver raises is the finding itself
            return Component("database", "failed", f"{kind} 无法读取", f"{kind}: {type(error).__name__}")
        return Component("database", "ok", kind, kind)

    def _knowledge(self) -> Component:
        if self.failure is not None:
            return Component("knowledge", "failed", self.failure.zh, self.failure.en)
        if not self.ready:
            return Component("knowledge", "starting", "正在加载", "loading")
        index = self.knowledge.index_state
        size = self.knowledge.size
        state = "ok" if index in {"ready", "off", "closed"} else "degraded"
        return Component("knowledge", state, f"{size} 个片段，索引 {index}", f"{size} chunks, index {index}")

    def _emotion(self) -> Component:
        if not self.ready:
            return Component("emotion", "starting", "正在加载", "loading")
        name = self.emotion.name
        state = "degraded" if "lexicon" in name.lower() else "ok"
        return Component("emotion", state, f"情绪模型 {name}", f"emotion model {name}")

    def ladder(self) -> list[Component]:
        """Language model → extractive → person: the first step that is ok answers."""
        steps = []
        if self.model is not None:
            error = self.model.last_error
            state = "degraded" if self.model.breaker.is_open or error is not None else "ok"
            zh, en = (
                (f"{error.zh}（{error.code}）", f"{error.en} ({error.code})")
                if error
                else ("可用", "available")
            )
            steps.append(
                Component("language_model", state, f"{self.model.name}：{zh}", f"{self.model.name}: {en}")
            )
        else:
            steps.append(Component("language_model", "off", "未设置（JIELI_LLM）", "not set (JIELI_LLM)"))
        ready = "ok" if self.ready else "starting"
        steps.append(Component("extractive", ready, "从帮助文档中引用", "quotes from the help articles"))
        steps.append(Component("person", "ok", "人工客服或留言", "an agent, or a message for the team"))
        return steps

    @property
    def state(self) -> str:
        """`starting`, `ready` or `failed`."""
        if self.failure is not None:
            return "failed"
        return "ready" if self.ready else "starting"


def health_routes(health: Health) -> APIRouter:
    """The four addresses."""
    routes = APIRouter(tags=["service"])

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"state": health.state}

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        able = health.ready and not health.database.read_only
        return JSONResponse({"state": health.state, "ready": able}, status_code=200 if able else 503)

    @routes.get("/health", response_class=HTMLResponse)
    def page(request: Request) -> HTMLResponse:
        chinese = request.headers.get("accept-language", "zh").lower().startswith("zh")
        return HTMLResponse(_page(health, chinese=chinese))

    @routes.get("/health.css")
    async def style() -> Response:
        return Response(CSS, media_type="text/css")

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


_NAMES = {
    "database": "数据库",
    "knowledge": "知识库",
    "emotion": "情绪识别",
    "language_model": "语言模型",
    "extractive": "引用回答",
    "person": "人工",
}
_STATES = {"ok": "正常", "starting": "启动中", "degraded": "降级", "failed": "故障", "off": "未启用"}


def _page(health: Health, *, chinese: bool) -> str:
    ladder = {step.name for step in health.ladder()}
    rows = []
    for part in health.components():
        name = _NAMES[part.name] if chinese else part.name.replace("_", " ")
        state = _STATES[part.state] if chinese else part.state
        step = " ↓" if part.name in ladder and part.name != "person" else ""
        rows.append(
            f'<tr class="{part.state}"><th scope="row">{escape(name)}{step}</th><td>{escape(state)}</td>'
            f"<td>{escape(part.zh if chinese else part.en)}</td></tr>"
        )
    title = "接力运行状态" if chinese else "Jieli health"
    up = int(time.monotonic() - health.started)
    note = f"版本 {version('jieli')}，已运行 {up} 秒" if chinese else f"version {version('jieli')}, up {up} s"
    return (
        f'<!doctype html><html lang="{"zh-CN" if chinese else "en"}"><meta'
        f' charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="10">'
        f'<link rel="stylesheet"'
        f' href="/health.css"><h1>{title}</h1><p>{escape(note)}</p><table>{"".join(rows)}</table>'
    )


CSS = """
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0
1rem;color:#1f2328;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.5rem .75rem;border-bottom:1px solid
#d0d7de}
.ok td:nth-child(2){color:#116329}.degraded td:nth-child(2){color:#7d4e00}.failed
td:nth-child(2){color:#a40e26}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}
.ok td:nth-child(2){color:#3fb950}.degraded td:nth-child(2){color:#d29922}.failed
td:nth-child(2){color:#f85149}}
"""
