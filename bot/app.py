"""The composition root: every part is built here, once, and handed to those who need it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from bot.components import check_model_paths, make_language_model, make_pipeline
from bot.copilot import Copilot
from bot.edge import Edge
from bot.errors import ModelError
from bot.frontdesk import BriefingDesk
from bot.health import Health, health_routes
from bot.llm import LanguageModel
from bot.migrate import migrate
from bot.settings import Settings
from bot.turns import Turns
from handoff.bus import EventBus, InMemoryBus
from handoff.desk_api import DeskApi
from handoff.emotion import EmotionClassifier, load_emotion
from handoff.emotion_lexicon import LexiconClassifier
from handoff.errors import HandoffError
from handoff.writer import Database
from kb_ingest.api import router as knowledge_routes
from kb_ingest.api import translate as translate_knowledge_error
from kb_ingest.embedder import load_embedder
from kb_ingest.errors import KnowledgeError
from kb_ingest.knowledge import KnowledgeBase
from web_widget import STATIC

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = structlog.get_logger(__name__)
DEMO_SHOP = Path(__file__).parent / "demo" / "shop"


@dataclass(frozen=True, slots=True)
class Parts:
    """What one server process is made of; `app.state.parts`."""

    settings: Settings
    database: Database
    knowledge: KnowledgeBase
    emotion: EmotionClassifier
    model: LanguageModel | None
    edge: Edge
    desk: BriefingDesk
    turns: Turns
    health: Health


def create_app(
    settings: Settings,
    *,
    chat_model: BaseChatModel | None = None,
    emotion: EmotionClassifier | None = None,
    bus: EventBus | None = None,
    demo: bool = False,
    on_fatal: Callable[[BaseException], None] | None = None,
) -> FastAPI:
    """The application over the settings' database, upgraded first.

    Args:
        chat_model, emotion, bus: in place of what the settings name.
        demo: also serve the fictional shop under /demo/.
        on_fatal: told when storage failed for good, on the writer's thread.

    Raises:
        ConfigurationError: a setting, the database or a model path is wrong.
    """
    parts = build(settings, chat_model=chat_model, emotion=emotion, bus=bus, on_fatal=on_fatal)
    app = FastAPI(
        title="Jieli",
        lifespan=_lifespan(parts),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.parts = parts
    parts.edge.install(app)
    app.add_exception_handler(KnowledgeError, translate_knowledge_error)
    app.include_router(
        knowledge_routes(parts.knowledge, _editors_only(parts), answered=settings.answer_threshold)
    )
    app.include_router(health_routes(parts.health))
    _mount_browser_files(app, demo=demo)
    return app


def _editors_only(parts: Parts) -> Callable[[Request, str], Awaitable[None]]:
    """The desk's sign-in as the knowledge API's authoriser."""
    api = DeskApi(parts.desk, public_url=parts.settings.public_url)

    async def authorise(request: Request, action: str) -> None:
        await api.requires(action)(request)

    return authorise


def build(
    settings: Settings,
    *,
    chat_model: BaseChatModel | None = None,
    emotion: EmotionClassifier | None = None,
    bus: EventBus | None = None,
    on_fatal: Callable[[BaseException], None] | None = None,
) -> Parts:
    """Build every part; models are loaded later, in the lifespan."""
    check_model_paths(settings)
    model = make_language_model(settings, chat_model)
    settings.home.mkdir(parents=True, exist_ok=True)
    migrate(settings.database)
    database = Database(settings.database, on_fatal=on_fatal)
    embedder = load_embedder(settings.embedder, settings.home / "models", threads=settings.workers)
    knowledge = KnowledgeBase(database, data_dir=settings.home, embedder=embedder)
    reader = emotion or load_emotion(settings.emotion_model, threads=settings.model_threads)
    copilot = Copilot(database, model)
    edge = Edge(
        database,
        bus=bus or _bus(settings),
        public_url=settings.public_url,
        front_desk=lambda hub: BriefingDesk(hub, copilot),
    )
    desk = edge.desk
    assert isinstance(desk, BriefingDesk)
    turns = Turns(
        database=database,
        pipeline=make_pipeline(knowledge, settings, model),
        emotion=reader,
        lexicon=LexiconClassifier(),
        bus=edge.hub.bus,
        hub=edge.hub,
        desk=desk,
        settings=settings,
    )
    edge.answer_with(turns)
    health = Health(database, knowledge, reader, model)
    return Parts(settings, database, knowledge, reader, model, edge, desk, turns, health)


def _bus(settings: Settings) -> EventBus:
    if settings.redis_url is None:
        return InMemoryBus()
    from handoff.bus_redis import RedisBus

    return RedisBus(settings.redis_url)


def _lifespan(parts: Parts) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await parts.edge.start()
        warming = asyncio.create_task(warm_up(parts))
        try:
            yield
        finally:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
            await parts.edge.close()
            await parts.turns.close()
            await asyncio.to_thread(parts.knowledge.close)
            await asyncio.to_thread(parts.database.close)

    return lifespan


async def warm_up(parts: Parts) -> None:
    """Load the models while sockets are accepted already, then let the waiting turns begin."""
    try:
        await asyncio.gather(
            asyncio.to_thread(parts.emotion.warm_up), asyncio.to_thread(parts.knowledge.warm_up)
        )
        await asyncio.to_thread(_import_langchain)
    except (KnowledgeError, HandoffError) as error:
        parts.health.failure = error
        log.error("warm_up_failed", code=error.code, hint=error.en)
    parts.health.ready = parts.health.failure is None
    parts.turns.open()
    log.info("ready", chunks=parts.knowledge.size, emotion=parts.emotion.name)
    try:
        await parts.turns.recover()
        await parts.desk.recover()
    except Exception:  # the server serves on; the turns stay marked for the next start
        log.exception("recover_failed")
    if parts.model is not None:
        await _probe(parts.model)


def _import_langchain() -> None:
    import bot.pipeline.retrieve  # noqa: F401  takes a second, which the first question should not pay


async def _probe(model: LanguageModel) -> None:
    """Find out now whether address and key are right; answers quote until it works."""
    try:
        await model.probe()
    except ModelError as error:
        log.warning("language_model_unusable", code=error.code, hint=error.en)


def _mount_browser_files(app: FastAPI, *, demo: bool) -> None:
    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/demo/" if demo else "/desk/")

    @app.get("/widget.js", include_in_schema=False)
    async def loader() -> Response:
        return _file(STATIC / "widget.js", "no-cache")

    @app.get("/desk/{path:path}", include_in_schema=False)
    async def console(path: str, request: Request) -> Response:
        return _file(_inside(STATIC / "desk", path), "no-cache")

    @app.get("/widget/{path:path}", include_in_schema=False)
    async def chat(path: str, request: Request) -> Response:
        return _file(_inside(STATIC / "widget", path), "no-cache")

    if demo:
        app.mount("/demo", StaticFiles(directory=DEMO_SHOP, html=True), name="demo")


def _inside(folder: Path, path: str) -> Path:
    """The file of a path, or the page itself, which routes in the browser."""
    wanted = (folder / path).resolve()
    if wanted.is_relative_to(folder.resolve()) and wanted.is_file():
        return wanted
    return folder / "index.html"


def _file(path: Path, cache: str) -> Response:
    if not path.is_file():
        return Response(
            "The browser files are not built yet: run `make web`. 浏览器端文件尚未构建：请运行 make web。",
            status_code=503,
            media_type="text/plain; charset=utf-8",
        )
    if path.parent.name == "assets":  # their names carry a hash of their content
        cache = "public, max-age=31536000, immutable"
    return FileResponse(path, headers={"Cache-Control": cache})
