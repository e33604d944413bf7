"""The server as its operators see it: health, metrics, logs, the whole application in one process."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import REGISTRY

from bot.app import create_app
from bot.edge import UVICORN
from bot.logs import configure_logging
from bot.settings import Settings
from handoff.client import Visitor
from handoff.protocol import Msg
from kb_ingest.knowledge import KnowledgeBase
from tests.bot.stand_ins import Mood
from tests.bot.talk import quick_settings, until
from tests.llm_server import ModelServer, Script, model_server
from tests.serving import listening

DOCS = Path(__file__).parent.parent.parent / "docs" / "operations.md"


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[str]:
    """The application behind a real server, lifespan and all."""
    bound = listening()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, **UVICORN))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        bound.close()


async def scripted_app(tmp_path: Path, server: ModelServer) -> FastAPI:
    """The real application with a model server that refuses the key."""
    settings = quick_settings(tmp_path, llm="openai:scripted", llm_base_url=server.url)
    return await asyncio.to_thread(create_app, settings, emotion=Mood())


@pytest.mark.slow
async def test_the_whole_application_starts_answers_and_tells_what_is_wrong(tmp_path: Path) -> None:
    async with model_server() as server:
        server.says(Script(status=401))
        app = await scripted_app(tmp_path, server)
        knowledge: KnowledgeBase = app.state.parts.knowledge
        article = tmp_path / "shipping.md"
        article.write_text(
            "# 运费标准\n\n单笔订单满 99 元包邮，不满 99 元收取 8 元运费。\n", encoding="utf-8"
        )
        await asyncio.to_thread(lambda: list(knowledge.ingest_now([article])))
        async with running(app) as base, httpx.AsyncClient(base_url=base, trust_env=False) as http:
            async with Visitor(base) as visitor:
                await visitor.says("运费怎么收？满多少元包邮？")
                answer: Msg = await visitor.hears(
                    lambda f: isinstance(f, Msg) and f.from_ == "bot", patience=60
                )
                assert "99 元" in answer.body["text"] and answer.body["source"] == "extractive"
            assert (await http.get("/readyz")).status_code == 200
            page = (await http.get("/health", headers={"Accept-Language": "zh"})).text
            assert "llm_key_wrong" in page and "JIELI_LLM_API_KEY" in page and "降级" in page
            english = (await http.get("/health", headers={"Accept-Language": "en"})).text
            assert "refused the key" in english
            assert (await http.get("/api/v1/kb/documents")).status_code == 401
            assert (await http.get("/desk/%2e%2e/%2e%2e/__init__.py")).text.find("STATIC") == -1


def test_every_metric_is_documented() -> None:
    told = DOCS.read_text(encoding="utf-8")
    ours = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("jieli_")}
    assert len(ours) >= 10
    for name in ours:
        assert f"`{name}" in told


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Put logging back as it was."""
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**kept)


@pytest.mark.usefixtures("own_logging")
def test_logs_hold_no_words_of_people_and_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    configure_logging(Settings(home=tmp_path))
    structlog.get_logger("x").info("turn", text="我的密码是 hunter2", api_key="sk-123", ms=3)
    line = json.loads(out.getvalue())
    assert line["event"] == "turn" and line["ms"] == 3 and line["text"] == line["api_key"] == "***"
