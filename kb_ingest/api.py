"""The knowledge part of the HTTP API: /api/v1/kb/**, as docs/protocol.md describes it."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from kb_ingest.documents import StoredDocument
from kb_ingest.errors import Invalid, KnowledgeError
from kb_ingest.knowledge import Hit, KnowledgeBase
from kb_ingest.loaders.base import MAX_BYTES, too_large
from kb_ingest.reports import Report
from kb_ingest.sources import Source

Action = Literal["kb.read", "kb.search", "kb.write"]
Authorise = Callable[[Request, Action], Awaitable[None]]
MAX_FILES = 50
ANSWERED = 0.5  # answerability from which the bot answers


class FromUrl(BaseModel):
    """An address to be read."""

    url: str = Field(max_length=2000)
    collection: str = Field(default="default", pattern=r"^[\w.\- ]{1,120}$")
    publish: bool = True


def router(kb: KnowledgeBase, authorise: Authorise, *, answered: float = ANSWERED) -> APIRouter:
    """The routes over one knowledge base.

    Args:
        authorise: called before each request with the action; raises what the application translates.
        answered: answerability from which the bot answers, so that the search test tells what it would do.
    """
    routes = APIRouter(prefix="/api/v1/kb", tags=["knowledge"])

    async def may_read(request: Request) -> None:
        await authorise(request, "kb.read")

    async def may_search(request: Request) -> None:
        await authorise(request, "kb.search")

    async def may_write(request: Request) -> None:
        await authorise(request, "kb.write")

    _add_lists(routes, kb, [Depends(may_read)])
    _add_search(routes, kb, [Depends(may_search)], answered)
    _add_uploads(routes, kb, [Depends(may_write)])
    _add_changes(routes, kb, [Depends(may_write)])
    return routes


async def translate(request: Request, error: Exception) -> JSONResponse:
    """A `KnowledgeError` as the API's error object; for `app.add_exception_handler`."""
    assert isinstance(error, KnowledgeError)
    language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
    body = {"code": error.code, "message": error.text(language), "hint": ""}
    return JSONResponse({"error": body}, status_code=error.status)


def _add_lists(routes: APIRouter, kb: KnowledgeBase, guard: list[Any]) -> None:
    @routes.get("/collections", dependencies=guard)
    async def collections() -> dict[str, Any]:
        found = await run_in_threadpool(kb.collections)
        return {"collections": [{"name": n, "documents": d, "chunks": c} for n, d, c in found]}

    @routes.get("/documents", dependencies=guard)
    async def documents(
        collection: str | None = None, q: str | None = None, status: str | None = None
    ) -> dict[str, Any]:
        found = await run_in_threadpool(
            lambda: kb.documents(collection=collection or None, words=q or None, status=status or None)
        )
        return {"documents": [described(one) for one in found]}

    @routes.get("/documents/{identifier}", dependencies=guard)
    async def document(identifier: str) -> dict[str, Any]:
        stored = await run_in_threadpool(kb.document, identifier)
        text = await run_in_threadpool(kb.text, stored)
        chunks = [
            {"id": c.id, "ordinal": c.ordinal, "heading": c.question or c.heading, "text": c.text}
            for c in stored.chunks
        ]
        return {**described(stored), "text": text, "chunks": chunks}


def _add_search(routes: APIRouter, kb: KnowledgeBase, guard: list[Any], answered: float) -> None:
    @routes.get("/search", dependencies=guard)
    async def search(
        q: Annotated[str, Query(min_length=1, max_length=8000)],
        collection: str | None = None,
        k: Annotated[int, Query(ge=1, le=50)] = 10,
    ) -> dict[str, Any]:
        started = time.perf_counter()
        hits = await kb.search(q, collections=[collection] if collection else (), k=k)
        confidence = await run_in_threadpool(kb.answerability, q, hits)
        return {
            "hits": [_shown(hit) for hit in hits],
            "confidence": round(confidence, 4),
            "answered": confidence >= answered,
            "ms": round((time.perf_counter() - started) * 1000, 1),
        }


def _add_uploads(routes: APIRouter, kb: KnowledgeBase, guard: list[Any]) -> None:
    @routes.post("/documents", dependencies=guard)
    async def upload(
        files: Annotated[list[UploadFile], File()],
        collection: Annotated[str, Form(pattern=r"^[\w.\- ]{1,120}$")] = "default",
        publish: Annotated[bool, Form()] = True,
    ) -> dict[str, Any]:
        if len(files) > MAX_FILES:
            raise Invalid(
                "too_many_files",
                f"一次最多上传 {MAX_FILES} 个文件：请分批上传。",
                f"At most {MAX_FILES} files at a time: upload them in parts.",
            )
        reports: list[Report] = []
        for file in files:
            reports += await _uploaded(kb, file, collection, publish)
        return {"reports": [asdict(report) for report in reports]}

    @routes.post("/documents/url", dependencies=guard)
    async def from_url(body: FromUrl) -> dict[str, Any]:
        source = Source(body.url, url=body.url)
        reports = await run_in_threadpool(
            lambda: list(kb.ingest_source(source, collection=body.collection, publish=body.publish))
        )
        return {"reports": [asdict(report) for report in reports]}


async def _uploaded(kb: KnowledgeBase, file: UploadFile, collection: str, publish: bool) -> list[Report]:
    name = PurePosixPath((file.filename or "").replace("\\", "/")).name or "upload"
    data = await file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        error = too_large(name)
        return [Report(None, name, "failed", 0, error.code, error.zh, error.en)]

    def work() -> list[Report]:
        with tempfile.TemporaryDirectory(prefix="jieli-upload-") as folder:
            path = Path(folder) / _on_disk(name)
            path.write_bytes(data)
            return list(kb.ingest_source(Source(name, file=path), collection=collection, publish=publish))

    return await run_in_threadpool(work)


def _on_disk(name: str) -> str:
    """The uploader's name, harmless and short enough for a disk: titles and messages show it."""
    given = PurePosixPath(name)
    stem = re.sub(r"[^\w\- ]", "_", given.stem)[:60]
    suffix = re.sub(r"[^.\w]", "", given.suffix)[:10]
    return (stem or "upload") + suffix


def _add_changes(routes: APIRouter, kb: KnowledgeBase, guard: list[Any]) -> None:
    @routes.post("/documents/{identifier}/publish", dependencies=guard)
    async def publish(identifier: str) -> dict[str, Any]:
        return described(await run_in_threadpool(kb.publish, identifier))

    @routes.post("/documents/{identifier}/archive", dependencies=guard)
    async def archive(identifier: str) -> dict[str, Any]:
        return described(await run_in_threadpool(kb.archive, identifier))

    @routes.delete("/documents/{identifier}", dependencies=guard)
    async def delete(identifier: str) -> dict[str, Any]:
        return described(await run_in_threadpool(kb.delete, identifier))


def described(stored: StoredDocument) -> dict[str, Any]:
    """A document as a list shows it."""
    return {
        "id": stored.id,
        "collection": stored.collection,
        "title": stored.title,
        "path": stored.path,
        "url": stored.url,
        "language": stored.language,
        "status": stored.status,
        "version": stored.version,
        "chunks": stored.size,
        "updated": stored.updated.isoformat(),
        "error": None,
    }


def _shown(hit: Hit) -> dict[str, Any]:
    return {
        **asdict(hit),
        "score": round(hit.score, 4),
        "stages": {k: round(v, 4) for k, v in hit.stages.items()},
    }
