"""The console's HTTP: sign-in, CSRF, lists, and every route for every role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from handoff import auth, canned_replies, left_messages
from handoff.client import Agent
from handoff.domain import Role
from handoff.protocol import ConversationChanged, Read
from tests.serving import PASSWORD, Served

ANYBODY = {Role.AGENT, Role.SUPERVISOR, Role.EDITOR, Role.ADMIN}
CHATS = ANYBODY - {Role.EDITOR}
# route → roles that get an answer; a route that is missing here fails the test
ROUTES: dict[str, set[Role]] = {
    "POST /api/v1/desk/login": ANYBODY,
    "POST /api/v1/desk/logout": ANYBODY,
    "GET /api/v1/desk/me": ANYBODY,
    "POST /api/v1/desk/ticket": ANYBODY,
    "GET /api/v1/desk/queue": CHATS,
    "GET /api/v1/desk/offers": CHATS,
    "GET /api/v1/desk/agents": CHATS,
    "GET /api/v1/desk/canned": ANYBODY,
    "GET /api/v1/desk/queues": CHATS,
    "GET /api/v1/desk/left-messages": CHATS,
    "POST /api/v1/desk/left-messages/{message}/done": CHATS,
    "GET /api/v1/desk/conversations": CHATS,
    "GET /api/v1/desk/conversations/{conversation}": {Role.SUPERVISOR, Role.ADMIN},
    "GET /api/v1/desk/conversations/{conversation}/messages": {Role.SUPERVISOR, Role.ADMIN},
    "GET /api/v1/desk/conversations/{conversation}/verdicts": {Role.SUPERVISOR, Role.ADMIN},
}


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


@asynccontextmanager
async def signed_in(server: Served, role: Role, name: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A browser with the session of a new account."""
    email = server.account(name or f"one-{role}", role)
    async with httpx.AsyncClient(base_url=server.base, trust_env=False) as http:
        answer = await http.post("/api/v1/desk/login", json={"email": email, "password": PASSWORD})
        http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield http


def _routes(app: Any) -> set[str]:
    """Every route of the desk, as the application itself describes it."""
    paths = app.openapi()["paths"]
    return {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        if path.startswith("/api/v1/desk")
        for method in methods
    }


def test_every_route_is_listed_here(server_app: FastAPI) -> None:
    assert _routes(server_app) == set(ROUTES)


@pytest.fixture
def server_app(sqlite_database: Any) -> FastAPI:
    from bot.edge import Edge

    app = FastAPI()
    Edge(sqlite_database).install(app)
    return app


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_what_it_may(server: Served, role: Role) -> None:
    """The conversation is with the bot: supervisors and admins see it, an agent does not until it is theirs."""
    async with server.visitor() as visitor, signed_in(server, role) as http:
        await visitor.asks("leave_message", contact="13800000000", text="请回电")
        left = await server.database.read(lambda conn: left_messages.all_of(conn, "default"))
        for route, allowed in ROUTES.items():
            method, path = route.split(" ")
            if path.endswith(("/login", "/logout")):
                continue
            named = path.format(conversation=visitor.conversation, message=left[0].id)
            answer = await http.request(method, named)
            if role in allowed:
                assert answer.status_code == 200, (route, answer.text)
            else:
                assert answer.status_code in {403, 404}, route
                assert code(answer) in {"forbidden", "not_found"}, route


async def test_nobody_gets_in_without_a_session_and_nothing_changes_without_the_token(server: Served) -> None:
    async with httpx.AsyncClient(base_url=server.base, trust_env=False) as stranger:
        for route in ROUTES:
            method, path = route.split(" ")
            if path.endswith("/login"):
                continue
            answer = await stranger.request(method, path.format(conversation="x", message="x"))
            assert (answer.status_code, code(answer)) == (401, "no_session"), route
        stranger.cookies.set("jieli_session", "x" * 43)
        assert code(await stranger.get("/api/v1/desk/me")) == "no_session"
    async with signed_in(server, Role.AGENT) as http:
        for token in ("", "x", "中"):
            headers = httpx.Headers({"X-CSRF-Token": token}, encoding="utf-8")
            answer = await http.post("/api/v1/desk/ticket", headers=headers)
            assert (answer.status_code, code(answer)) == (403, "bad_csrf")


async def test_signing_in_and_out(server: Served) -> None:
    email = server.account("lin")
    async with httpx.AsyncClient(base_url=server.base, trust_env=False) as http:
        for wrong in (
            {"email": email, "password": "no"},
            {"email": "nobody@shop.example", "password": PASSWORD},
        ):
            answer = await http.post("/api/v1/desk/login", json=wrong)
            assert (answer.status_code, code(answer)) == (401, "bad_credentials")
        answer = await http.post("/api/v1/desk/login", json={"email": email, "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie
        assert answer.json()["agent"]["email"] == email
        me = (await http.get("/api/v1/desk/me")).json()
        assert me == answer.json()
        http.headers["X-CSRF-Token"] = me["csrf"]
        old = dict(http.cookies)
        assert (await http.post("/api/v1/desk/logout")).status_code == 204
        http.cookies.update(old)
        assert code(await http.get("/api/v1/desk/me")) == "no_session"


async def test_six_wrong_passwords_lock_the_account(server: Served) -> None:
    email = server.account("lin")
    async with httpx.AsyncClient(base_url=server.base, trust_env=False) as http:
        codes = [
            code(await http.post("/api/v1/desk/login", json={"email": email, "password": f"{n}"}))
            for n in range(6)
        ]
        assert codes == ["bad_credentials"] * 5 + ["locked"]


async def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    from handoff.desk_api import COOKIE, SECURE_COOKIE

    assert f"__Host-{COOKIE}" == SECURE_COOKIE


async def test_queue_list_detail_and_history(server: Served) -> None:
    async with server.agent("lin") as agent, server.visitor() as visitor:
        await visitor.says("我要投诉")
        await visitor.asks("request_human", reason="等了三天")
        offer = await agent.hears("queue.offered")
        entry = (await agent.gets("queue"))["entries"][0]
        assert (entry["entry"], entry["reason"], entry["evidence"]) == (offer.entry, "request", ["等了三天"])
        assert (await agent.gets("offers"))["offers"][0]["entry"] == offer.entry
        await agent.accepts(offer.entry)
        mine = (await agent.gets("conversations?view=mine"))["conversations"]
        assert [(item["conv"], item["status"]) for item in mine] == [(offer.conv, "with_agent")]
        detail = await agent.gets(f"conversations/{offer.conv}")
        assert detail["visitor"]["id"] == visitor.user and detail["escalations"][0]["rule"] == "request"
        messages = (await agent.gets(f"conversations/{offer.conv}/messages"))["messages"]
        assert [row["seq"] for row in messages] == list(range(1, len(messages) + 1))
        assert (await agent.gets(f"conversations/{offer.conv}/verdicts"))["verdicts"] == []
        found = (await agent.gets("conversations?view=all&q=投诉"))["conversations"]
        assert [item["conv"] for item in found] == [offer.conv]
        assert (await agent.gets("conversations?view=all&q=%25"))["conversations"] == []
        await agent.act("resolve", offer.conv)
        done = (await agent.gets("conversations?view=resolved"))["conversations"]
        assert [item["conv"] for item in done] == [offer.conv]
        assert (await agent.gets(f"conversations/{offer.conv}"))["status"] == "resolved"
        await _sees_nothing(server, offer.conv)


async def test_a_list_shows_events_in_both_languages_and_the_nameless_without_a_name(server: Served) -> None:
    async with server.agent("lin") as agent, server.visitor() as visitor:
        await visitor.says("没人管我吗")
        await visitor.asks("request_human", reason="??")
        offer = await agent.hears("queue.offered")
        assert offer.evidence == ["没人管我吗"], "two marks say nothing; the last sentence does"
        assert (offer.visitor_name, offer.visitor_short) == ("", visitor.user[-6:])
        assert "首选语言" in offer.why_zh and "your first" in offer.why_en
        again = (await agent.gets("offers"))["offers"][0]
        assert again["why_zh"] and again["why_en"], "a reload knows why, too"
        line = (await agent.gets("conversations?view=waiting"))["conversations"][0]
        assert (line["visitor_name"], line["visitor_short"]) == ("", visitor.user[-6:])
        assert line["preview"] == "" and "人工客服" in line["preview_zh"] and "a person" in line["preview_en"]
        told = await agent.hears(lambda f: isinstance(f, ConversationChanged) and f.preview_en != "")
        assert "人工客服" in told.preview_zh
        await agent.accepts(offer.entry)
        detail = await agent.gets(f"conversations/{offer.conv}")
        assert (detail["visitor"]["name"], detail["visitor"]["short"]) == ("", visitor.user[-6:])


async def test_marks_of_what_was_read_survive_a_reload(server: Served) -> None:
    async with server.agent("lin") as agent, server.visitor() as visitor:
        await visitor.says("在吗")
        await visitor.asks("request_human")
        offer = await agent.hears("queue.offered")
        await agent.follow(offer.conv)
        await agent.accepts(offer.entry)
        answered = await agent.says(offer.conv, "在的")
        assert answered.seq is not None
        await visitor.sees(offer.conv, "在的")
        assert answered.seq is not None
        await visitor.read(offer.conv, answered.seq)
        await agent.hears(lambda f: isinstance(f, Read) and f.seq == answered.seq)
        await agent.read(offer.conv, 2)
        await visitor.hears(lambda f: isinstance(f, Read) and f.seq == 2)
        detail = await agent.gets(f"conversations/{offer.conv}")
        assert (detail["visitor_read_seq"], detail["agent_read_seq"]) == (answered.seq, 2)
        head = await visitor.http.get(f"/api/v1/widget/conversations/{offer.conv}", headers=visitor.bearer)
        assert head.json()["agent_read_seq"] == 2


async def test_queues_tell_who_waits_and_who_is_there(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("lin", online=False) as agent:
        await visitor.asks("request_human")
        (queue,) = (await agent.gets("queues"))["queues"]
        assert (queue["id"], queue["waiting"], queue["online"]) == ("default", 1, 0)
        await agent.goes("online")
        assert (await agent.gets("queues"))["queues"][0]["online"] == 1


async def test_a_left_message_is_ticked_off(server: Served) -> None:
    async with server.visitor() as visitor, server.agent("lin") as agent:
        await visitor.asks("leave_message", contact="13800000000", text="请回电")
        (left,) = (await agent.gets("left-messages"))["left_messages"]
        assert left["state"] == "open"
        done = await agent.http.post(f"/api/v1/desk/left-messages/{left['id']}/done")
        assert done.json()["left_message"]["state"] == "done"
        assert (await agent.gets("left-messages"))["left_messages"][0]["state"] == "done"
        unknown = await agent.http.post("/api/v1/desk/left-messages/x/done")
        assert (unknown.status_code, code(unknown)) == (404, "left_message_not_found")


async def _sees_nothing(server: Served, conversation: str) -> None:
    async with signed_in(server, Role.AGENT, "stranger") as http:
        answer = await http.get(f"/api/v1/desk/conversations/{conversation}")
        assert (answer.status_code, code(answer)) == (404, "not_found")
        assert (await http.get("/api/v1/desk/conversations?view=resolved")).json()["conversations"] == []


async def test_a_long_list_comes_in_pages(server: Served) -> None:
    from handoff import conversations, visitors

    def many(conn: Any) -> None:
        for _ in range(60):
            visitor, _ = visitors.create(conn, workspace="default", inbox="default")
            conversations.open_conversation(conn, workspace="default", inbox="default", visitor=visitor.id)

    await server.database.write(many)
    async with signed_in(server, Role.SUPERVISOR) as http:
        first = (await http.get("/api/v1/desk/conversations?view=all")).json()
        assert len(first["conversations"]) == 50 and first["cursor"]
        rest = (await http.get(f"/api/v1/desk/conversations?view=all&cursor={first['cursor']}")).json()
        assert rest["cursor"] is None
        seen = {item["conv"] for page in (first, rest) for item in page["conversations"]}
        assert len(seen) == 60


async def test_lists_of_colleagues_and_canned_replies(server: Served) -> None:
    await server.database.write(
        lambda conn: canned_replies.put(conn, "default", short_code="hi", language="zh-CN", text="您好!")
    )
    async with server.agent("lin") as agent:
        people = (await agent.gets("agents"))["agents"]
        assert [(one["name"], one["availability"], one["active"]) for one in people] == [("lin", "online", 0)]
        assert (await agent.gets("canned"))["canned"][0]["text"] == "您好!"


@pytest.mark.parametrize("query", ["view=secret", "cursor=x", "cursor=-1", "q=" + "x" * 201])
async def test_a_bad_query_is_an_error_in_words(server: Served, query: str) -> None:
    async with signed_in(server, Role.SUPERVISOR) as http:
        answer = await http.get(f"/api/v1/desk/conversations?{query}")
        assert (answer.status_code, code(answer)) == (422, "invalid")


async def test_a_session_ends_with_a_new_password(server: Served) -> None:
    from handoff import agents

    async with Agent(server.base, server.account("lin"), PASSWORD) as agent:
        await server.database.write(lambda conn: agents.set_password(conn, "default", agent.user, "x"))
        answer = await agent.http.get("/api/v1/desk/me")
        assert code(answer) == "no_session"
    assert auth.SESSION_LIFE.total_seconds() == 43_200
