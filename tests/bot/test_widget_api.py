"""The widget's HTTP: sessions, tickets, conversations, history, and errors in one shape."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import Connection

from handoff import inboxes
from tests.serving import Served


@pytest_asyncio.fixture(loop_scope="function")
async def http(server: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=server.base, trust_env=False, headers={"Accept-Language": "en"}
    ) as http:
        yield http


async def session(http: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await http.post("/api/v1/widget/session", json={"inbox": "default"} | fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['visitor']['id']}.{session['visitor']['secret']}"}


def code(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"} and error["message"]
    return str(error["code"])


async def test_a_new_visitor_gets_a_secret_once_and_is_known_by_it(http: httpx.AsyncClient) -> None:
    first = await session(http)
    assert first["conversation"] is None and first["epoch"]
    assert set(first["inbox"]) == {"id", "name", "languages", "texts", "look", "availability"}
    again = await session(http, visitor=first["visitor"])
    assert again["visitor"] == {"id": first["visitor"]["id"]}
    stolen = await session(http, visitor={"id": first["visitor"]["id"], "secret": "guess"})
    assert stolen["visitor"]["id"] != first["visitor"]["id"]


async def test_a_conversation_is_opened_once_and_shown_again(http: httpx.AsyncClient) -> None:
    me = await session(http)
    head = (await http.post("/api/v1/widget/conversations", json={}, headers=bearer(me))).json()
    assert (head["status"], head["last_seq"], head["agent"], head["position"]) == ("with_bot", 1, None, None)
    again = (await http.post("/api/v1/widget/conversations", json={}, headers=bearer(me))).json()
    assert again["id"] == head["id"]
    assert (await session(http, visitor=me["visitor"]))["conversation"]["id"] == head["id"]
    assert (await http.get(f"/api/v1/widget/conversations/{head['id']}", headers=bearer(me))).json() == head


async def test_history_is_paged_backwards(server: Served) -> None:
    async with server.visitor() as visitor:
        for number in range(6):
            await visitor.says(f"{number}")
        path = f"/api/v1/widget/conversations/{visitor.conversation}/messages"
        last = (await visitor.http.get(path, params={"limit": 3}, headers=visitor.bearer)).json()
        assert [row["seq"] for row in last["messages"]] == [5, 6, 7] and last["more"]
        assert last["messages"][0]["t"] == "msg" and last["messages"][0]["from"] == "visitor"
        rest = (await visitor.http.get(path, params={"before": 5}, headers=visitor.bearer)).json()
        assert [row["seq"] for row in rest["messages"]] == [1, 2, 3, 4] and not rest["more"]


async def test_somebody_elses_conversation_is_not_there(http: httpx.AsyncClient) -> None:
    mine, theirs = await session(http), await session(http)
    head = (await http.post("/api/v1/widget/conversations", json={}, headers=bearer(theirs))).json()
    for path in (f"/{head['id']}", f"/{head['id']}/messages", "/nope", "/nope/messages"):
        answer = await http.get(f"/api/v1/widget/conversations{path}", headers=bearer(mine))
        assert (answer.status_code, code(answer)) == (404, "conversation_not_found")


@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer x", "Bearer a.b", "Basic a.b", "Bearer " + "x" * 999 + ".y"]
)
async def test_without_a_right_secret_nothing_is_given(http: httpx.AsyncClient, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": token}
    for method, path in (
        ("POST", "/ticket"),
        ("POST", "/conversations"),
        ("GET", "/conversations/x"),
        ("GET", "/conversations/x/messages"),
    ):
        answer = await http.request(
            method, f"/api/v1/widget{path}", json={} if method == "POST" else None, headers=headers
        )
        assert (answer.status_code, code(answer)) == (401, "bad_visitor")


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b"{", 422, "invalid"),
        (b"\xff\xfe", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"inbox": 7}', 422, "invalid"),
        (b'{"inbox": "nope"}', 404, "inbox_not_found"),
        (b'{"inbox": "' + b"x" * 100 + b'"}', 422, "invalid"),
    ],
)
async def test_a_bad_body_is_an_error_in_words(
    http: httpx.AsyncClient, body: bytes, status: int, expected: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await http.post("/api/v1/widget/session", content=body, headers=headers)
    assert (answer.status_code, code(answer)) == (status, expected)
    chinese = await http.post(
        "/api/v1/widget/session", content=body, headers=headers | {"Accept-Language": "zh-CN,zh;q=0.9"}
    )
    assert not chinese.json()["error"]["message"].isascii()


@pytest.mark.parametrize("query", ["before=0", "before=x", "limit=0", "limit=101", "before=99999999999"])
async def test_a_bad_page_is_an_error(http: httpx.AsyncClient, query: str) -> None:
    me = await session(http)
    answer = await http.get(f"/api/v1/widget/conversations/x/messages?{query}", headers=bearer(me))
    assert (answer.status_code, code(answer)) == (422, "invalid")


async def test_unknown_addresses_and_methods_have_the_same_shape(http: httpx.AsyncClient) -> None:
    assert code(await http.get("/api/v1/nothing")) == "not_found"
    assert code(await http.delete("/api/v1/widget/session")) == "method_not_allowed"


async def test_only_the_inboxs_sites_may_embed_it(server: Served, http: httpx.AsyncClient) -> None:
    body = {"inbox": "default"}
    refused = await http.post("/api/v1/widget/session", json=body, headers={"Origin": "https://evil.example"})
    assert (refused.status_code, code(refused)) == (403, "bad_origin")
    await server.database.write(
        lambda conn: inboxes.change(conn, "default", "default", allowed_origins=["https://shop.example"])
    )
    for origin in ("https://shop.example", server.base):
        answer = await http.post("/api/v1/widget/session", json=body, headers={"Origin": origin})
        assert answer.status_code == 200


async def test_the_frame_follows_the_inbox_and_the_loader_learns_why_not(
    server: Served, http: httpx.AsyncClient
) -> None:
    async def ancestors(inbox: str) -> str:
        answer = await http.get("/widget/index.html", params={"inbox": inbox})
        return answer.headers["content-security-policy"].partition("frame-ancestors ")[2]

    def two_inboxes(conn: Connection) -> None:
        inboxes.create(conn, workspace="default", name="A", queue="default", ident="a",
                       allowed_origins=["https://a.example"])  # fmt: skip
        inboxes.create(conn, workspace="default", name="Open", queue="default", ident="open",
                       allowed_origins=["*"])  # fmt: skip

    await server.database.write(two_inboxes)
    assert await ancestors("a") == "'self' https://a.example"
    assert await ancestors("open") == "*"
    assert await ancestors("default") == await ancestors("nowhere") == "'self'"

    async def asked(inbox: str, origin: str, language: str = "en") -> httpx.Response:
        headers = {"Origin": origin, "Accept-Language": language}
        answer = await http.get("/api/v1/widget/embed", params={"inbox": inbox}, headers=headers)
        assert answer.headers["access-control-allow-origin"] == "*"
        return answer

    assert (await asked("a", "https://a.example")).json() == {"inbox": "a"}
    assert (await asked("open", "https://b.example")).status_code == 200
    assert code(await asked("open", "null")) == "bad_origin"
    refused = await asked("a", "https://b.example", "zh-CN")
    assert (refused.status_code, code(refused)) == (403, "bad_origin")
    assert "jieli inbox set a --origin https://b.example" in refused.json()["error"]["message"]
    assert code(await asked("nowhere", "https://b.example")) == "inbox_not_found"


async def test_sessions_from_one_address_are_limited(http: httpx.AsyncClient) -> None:
    answers = [await http.post("/api/v1/widget/session", json={"inbox": "nope"}) for _ in range(65)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and code(refused[0]) == "rate_limited" and int(refused[0].headers["Retry-After"]) >= 1


async def test_answers_carry_strict_headers(http: httpx.AsyncClient) -> None:
    api = (await http.get("/api/v1/nothing")).headers
    assert api["x-content-type-options"] == "nosniff" and api["cache-control"] == "no-store"
    assert "default-src 'none'" in api["content-security-policy"]
    desk = (await http.get("/desk/")).headers
    assert "frame-ancestors 'none'" in desk["content-security-policy"]
