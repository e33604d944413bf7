"""The knowledge API as an editor's browser uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request

from kb_ingest.api import Action, router, translate
from kb_ingest.errors import KnowledgeError
from kb_ingest.knowledge import KnowledgeBase

ARTICLE = "# 退货\n\n七天内可以无理由退货，退款三个工作日内到账。\n".encode()


async def allow_by_header(request: Request, action: Action) -> None:
    if action not in request.headers.get("x-may", ""):
        raise HTTPException(403)


@pytest.fixture
async def editor(kb: KnowledgeBase) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may do everything."""
    app = FastAPI()
    app.include_router(router(kb, allow_by_header))
    app.add_exception_handler(KnowledgeError, translate)
    headers = {"x-may": "kb.read kb.search kb.write", "accept-language": "zh-CN"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://kb/api/v1/kb", headers=headers
    ) as client:
        yield client


async def test_an_upload_is_found_listed_archived_and_deleted(editor: httpx.AsyncClient) -> None:
    files = [("files", ("退货.md", ARTICLE)), ("files", ("坏.pdf", b"%PDF-1.4"))]
    reports = (await editor.post("/documents", files=files, data={"collection": "shop"})).json()["reports"]
    assert [(r["path"], r["status"]) for r in reports] == [("退货.md", "indexed"), ("坏.pdf", "failed")]
    found = (await editor.get("/search", params={"q": "怎么退货", "collection": "shop"})).json()
    assert found["hits"][0]["path"] == "退货.md" and found["answered"] and found["hits"][0]["stages"]
    assert (await editor.get("/collections")).json() == {
        "collections": [{"name": "shop", "documents": 1, "chunks": 1}]
    }
    (listed,) = (await editor.get("/documents", params={"q": "退货"})).json()["documents"]
    whole = (await editor.get(f"/documents/{listed['id']}")).json()
    assert "三个工作日" in whole["text"] and whole["chunks"][0]["ordinal"] == 0
    assert (await editor.post(f"/documents/{listed['id']}/archive")).json()["status"] == "archived"
    assert (await editor.get("/search", params={"q": "怎么退货"})).json()["hits"] == []
    assert (await editor.delete(f"/documents/{listed['id']}")).status_code == 200
    gone = await editor.get(f"/documents/{listed['id']}")
    assert gone.status_code == 404 and gone.json()["error"]["code"] == "document_not_found"


async def test_each_request_is_authorised(editor: httpx.AsyncClient) -> None:
    reader = {"x-may": "kb.read"}
    assert (await editor.get("/documents", headers=reader)).status_code == 200
    for call in (
        editor.get("/search", params={"q": "x"}, headers=reader),
        editor.post("/documents", files=[("files", ("a.md", ARTICLE))], headers=reader),
        editor.post("/documents/url", json={"url": "https://a.example"}, headers=reader),
        editor.delete("/documents/1", headers=reader),
    ):
        assert (await call).status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:pw@example.com/",
    ],
)
async def test_addresses_inside_are_refused(editor: httpx.AsyncClient, url: str) -> None:
    (report,) = (await editor.post("/documents/url", json={"url": url})).json()["reports"]
    assert (report["status"], report["code"]) == ("failed", "url_refused")


async def test_an_upload_as_draft_stays_a_draft(editor: httpx.AsyncClient) -> None:
    files = [("files", ("退货.md", ARTICLE))]
    for _ in range(2):
        await editor.post("/documents", files=files, data={"publish": "false"})
        (listed,) = (await editor.get("/documents")).json()["documents"]
        assert listed["status"] == "draft"
        assert (await editor.get("/search", params={"q": "怎么退货"})).json()["hits"] == []
    assert (await editor.post(f"/documents/{listed['id']}/publish")).json()["status"] == "published"
    assert (await editor.get("/search", params={"q": "怎么退货"})).json()["hits"]
