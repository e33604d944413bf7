"""HTTP for the console: sign in, tickets, queue, conversations, colleagues. Cookie session, CSRF header."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from handoff import agents, auth, canned_replies, conversations, deskviews, left_messages, log
from handoff.clock import to_ms, utc_now
from handoff.domain import Conversation, Message
from handoff.errors import Forbidden, Unauthenticated
from handoff.frontdesk import FrontDesk
from handoff.hub import frame_of
from handoff.limits import Throttle
from handoff.seed import DEFAULT

COOKIE: Final = "jieli_session"
SECURE_COOKIE: Final = "__Host-jieli_session"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOGINS_PER_15_MINUTES: Final = 50  # from one address; one account is locked after five
Ident = Annotated[str, Path(max_length=64)]


class LoginIn(BaseModel):
    """An account and its password."""

    email: str = Field(max_length=320)
    password: str = Field(max_length=1_000)


Authorised = Callable[[Request], Awaitable[auth.Session]]


class DeskApi:
    """The console's endpoints over one front desk."""

    def __init__(self, desk: FrontDesk, *, public_url: str | None = None) -> None:
        self.desk = desk
        self.database = desk.database
        self._secure = (public_url or "").startswith("https://")
        self._logins = Throttle(LOGINS_PER_15_MINUTES, 900.0)

    # ---- who asks ---------------------------------------------------------------------------------

    async def session(self, request: Request) -> auth.Session:
        """The signed-in caller; 401 `no_session`, 403 `bad_csrf` for a change without the header."""
        token = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)
        if not token:
            raise Unauthenticated("no_session", "请先登录。", "Sign in first.")
        found = await self.database.read(lambda conn: auth.session(conn, token))
        if request.method not in SAFE:
            given = request.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(given.encode(), found.csrf.encode()):
                raise Forbidden(
                    "bad_csrf",
                    "请求缺少安全令牌,请刷新页面后再试。",
                    "The request lacks its X-CSRF-Token; reload the page.",
                )
        return found

    def requires(self, action: str) -> Authorised:
        """A dependency for this and other routers: signed in, and allowed `action` in the workspace."""

        async def check(request: Request) -> auth.Session:
            found = await self.session(request)
            me = found.principal
            auth.authorise(me, action, auth.Resource(me.workspace, agent=me.id))
            return found

        return check

    # ---- routes -----------------------------------------------------------------------------------

    def router(self) -> APIRouter:
        """`/api/v1/desk`."""
        router = APIRouter(prefix="/api/v1/desk", tags=["desk"])
        router.post("/login")(self.login)
        self._account_routes(router)
        self._list_routes(router)
        self._conversation_routes(router)
        self._record_routes(router)
        return router

    def _account_routes(self, router: APIRouter) -> None:
        signed_in: Any = Depends(self.session)

        @router.post("/logout", status_code=204)
        async def logout(request: Request, response: Response, _: auth.Session = signed_in) -> None:
            token = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE) or ""
            await self.database.write(lambda conn: auth.sign_out(conn, token))
            response.delete_cookie(self._cookie(request), path="/")

        @router.get("/me")
        async def me(found: auth.Session = signed_in) -> dict[str, Any]:
            return {"agent": account(found.agent), "csrf": found.csrf}

        @router.post("/ticket")
        async def ticket(request: Request, found: auth.Session = signed_in) -> dict[str, str]:
            origin = request.headers.get("origin")
            return {"ticket": await auth.issue_ticket(self.database, found.principal, origin=origin)}

    def _list_routes(self, router: APIRouter) -> None:
        queue_reader: Any = Depends(self.requires("queue.read"))

        @router.get("/queue")
        async def queue(found: auth.Session = queue_reader) -> dict[str, Any]:
            return {"entries": await self.database.read(lambda conn: deskviews.queue(conn, found.principal))}

        @router.get("/queues")
        async def queues(found: auth.Session = queue_reader) -> dict[str, Any]:
            workspace = found.principal.workspace
            return {"queues": await self.database.read(lambda conn: deskviews.queues_of(conn, workspace))}

        @router.get("/offers")
        async def offers(found: auth.Session = queue_reader) -> dict[str, Any]:
            me = found.principal
            frames = await self.database.read(lambda conn: deskviews.offers_of(conn, me.workspace, me.id))
            return {"offers": [msgspec.to_builtins(frame) for frame in frames]}

        self._team_routes(router)

    def _team_routes(self, router: APIRouter) -> None:
        agents_reader: Any = Depends(self.requires("agents.read"))
        canned_reader: Any = Depends(self.requires("canned.read"))
        left_messages_reader: Any = Depends(self.requires("left_messages.read"))
        left_messages_writer: Any = Depends(self.requires("left_messages.write"))

        @router.get("/agents")
        async def colleagues(
            found: auth.Session = agents_reader,
        ) -> dict[str, Any]:
            return {
                "agents": await self.database.read(lambda conn: _colleagues(conn, found.principal.workspace))
            }

        @router.get("/canned")
        async def canned(
            found: auth.Session = canned_reader,
        ) -> dict[str, Any]:
            replies = await self.database.read(
                lambda conn: canned_replies.all_of(conn, found.principal.workspace)
            )
            return {"canned": [msgspec.to_builtins(reply) for reply in replies]}

        @router.get("/left-messages")
        async def left(
            found: auth.Session = left_messages_reader,
        ) -> dict[str, Any]:
            items = await self.database.read(
                lambda conn: left_messages.all_of(conn, found.principal.workspace)
            )
            return {"left_messages": [_left(item) for item in items]}

        @router.post("/left-messages/{message}/done")
        async def done(message: Ident, found: auth.Session = left_messages_writer) -> dict[str, Any]:
            workspace = found.principal.workspace
            item = await self.database.write(lambda conn: left_messages.finish(conn, workspace, message))
            return {"left_message": _left(item)}

    def _conversation_routes(self, router: APIRouter) -> None:
        reader: Any = Depends(self.requires("conversation.read"))

        @router.get("/conversations")
        async def listed(
            found: auth.Session = reader,
            view: Literal["mine", "waiting", "all", "resolved"] = "mine",
            q: Annotated[str, Query(max_length=200)] = "",
            cursor: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        ) -> dict[str, Any]:
            return await self.database.read(
                lambda conn: deskviews.conversations_of(
                    conn, found.principal, view=view, words=q, cursor=cursor
                )
            )

        @router.get("/conversations/{conversation}")
        async def detail(conversation: Ident, found: auth.Session = reader) -> dict[str, Any]:
            return await self.database.read(
                lambda conn: deskviews.detail(conn, _readable(conn, found.principal, conversation))
            )

    def _record_routes(self, router: APIRouter) -> None:
        reader: Any = Depends(self.requires("conversation.read"))

        @router.get("/conversations/{conversation}/messages")
        async def messages(
            conversation: Ident,
            found: auth.Session = reader,
            before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
            limit: Annotated[int, Query(ge=1, le=100)] = 50,
        ) -> dict[str, Any]:
            def unit(conn: Connection) -> list[Message]:
                _readable(conn, found.principal, conversation)
                return log.before(conn, conversation, before=before, limit=limit)

            rows = await self.database.read(unit)
            shown = [msgspec.to_builtins(frame_of(row)) for row in rows]
            return {"messages": shown, "more": bool(rows) and rows[0].seq > 1}

        @router.get("/conversations/{conversation}/verdicts")
        async def verdicts(conversation: Ident, found: auth.Session = reader) -> dict[str, Any]:
            def unit(conn: Connection) -> list[dict[str, Any]]:
                _readable(conn, found.principal, conversation)
                return deskviews.verdict_list(conn, conversation)

            return {"verdicts": await self.database.read(unit)}

    async def login(self, request: Request, response: Response, body: LoginIn) -> dict[str, Any]:
        """Sign in; the cookie is HttpOnly, SameSite=Lax, and `__Host-` over https."""
        self._logins.check(request.client.host if request.client else "")
        done = await auth.sign_in(self.database, workspace=DEFAULT, email=body.email, password=body.password)
        response.set_cookie(
            self._cookie(request), done.token, max_age=int(auth.SESSION_LIFE.total_seconds()), path="/",
            httponly=True, samesite="lax", secure=self._is_secure(request),
        )  # fmt: skip
        return {"agent": account(done.agent), "csrf": done.csrf}

    def _is_secure(self, request: Request) -> bool:
        return self._secure or request.url.scheme == "https"

    def _cookie(self, request: Request) -> str:
        return SECURE_COOKIE if self._is_secure(request) else COOKIE


def account(agent: agents.Agent) -> dict[str, Any]:
    """What the console knows of its user."""
    return {
        "id": agent.id, "name": agent.name, "email": agent.email, "role": agent.role.value,
        "languages": list(agent.languages), "skills": sorted(agent.skills), "queues": sorted(agent.queues),
        "capacity": agent.capacity, "availability": agent.availability.value,
    }  # fmt: skip


def _readable(conn: Connection, me: auth.Principal, conversation: str) -> Conversation:
    found = conversations.get(conn, conversation, workspace=me.workspace)
    deskviews.allow(conn, me, "conversation.read", found)
    return found


def _colleagues(conn: Connection, workspace: str) -> list[dict[str, Any]]:
    present = {state.id: state for state in agents.states(conn, workspace, utc_now())}
    return [
        {
            **account(agent),
            "availability": present[agent.id].availability.value,
            "active": present[agent.id].active,
        }
        for agent in agents.all_of(conn, workspace)
        if agent.id in present
    ]


def _left(item: left_messages.LeftMessage) -> dict[str, Any]:
    return {
        "id": item.id, "conv": item.conversation, "visitor": item.visitor, "contact": item.contact,
        "text": item.text, "state": item.state, "created": to_ms(item.created),
    }  # fmt: skip
