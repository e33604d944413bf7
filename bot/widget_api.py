"""HTTP for the widget: who is the visitor, tickets, conversations and their history."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from handoff import agents, auth, conversations, deskviews, inboxes, log, visitors
from handoff.clock import utc_now
from handoff.domain import Conversation
from handoff.errors import Forbidden, Unauthenticated
from handoff.hub import ConversationHub, frame_of
from handoff.inboxes import Inbox
from handoff.limits import Throttle
from handoff.protocol import Msg
from handoff.seed import DEFAULT
from handoff.sockets import own_origins
from handoff.tokens import new_secret

MAX_PAGE: Final = 100
SESSIONS_PER_MINUTE: Final = 60  # new sessions from one address
EMBEDS_PER_MINUTE: Final = 600  # asked once a page that opens the chat; a whole office has one address
TICKETS_PER_MINUTE: Final = 60  # of one visitor


class Known(BaseModel):
    """A visitor that this browser already is."""

    id: str = Field(max_length=64)
    secret: str = Field(max_length=128)


class SessionIn(BaseModel):
    """What the widget says when it opens."""

    model_config = ConfigDict(extra="ignore")

    inbox: str = Field(max_length=64)
    visitor: Known | None = None
    language: str = Field(default="zh-CN", max_length=16)
    page: str | None = Field(default=None, max_length=2_000)
    identity: dict[str, Any] | None = None


class OpenIn(BaseModel):
    """A conversation to open."""

    language: str = Field(default="zh-CN", max_length=16)


def plain(message: Any, *, visitor: bool) -> dict[str, Any]:
    """A row as the `msg` frame that a socket would carry."""
    import msgspec

    frame: Msg = frame_of(log.for_visitor(message) if visitor else message)
    built: dict[str, Any] = msgspec.to_builtins(frame)
    return built


class WidgetApi:
    """The widget's endpoints over one hub."""

    def __init__(self, hub: ConversationHub, *, epoch: str, public_url: str | None = None) -> None:
        self.hub = hub
        self.database = hub.database
        self.epoch = epoch
        self.public_url = public_url
        self._sessions = Throttle(SESSIONS_PER_MINUTE, 60.0)
        self._embeds = Throttle(EMBEDS_PER_MINUTE, 60.0)
        self._tickets = Throttle(TICKETS_PER_MINUTE, 60.0)

    def router(self) -> APIRouter:
        """`/api/v1/widget`."""
        router = APIRouter(prefix="/api/v1/widget", tags=["widget"])
        router.get("/embed")(self.embed)
        router.post("/session")(self.session)
        me: Any = Depends(self.visitor)

        @router.post("/ticket")
        async def ticket(request: Request, who: visitors.Visitor = me) -> dict[str, str]:
            return await self.ticket(request, who)

        @router.post("/conversations")
        async def open_(body: OpenIn, who: visitors.Visitor = me) -> dict[str, Any]:
            return await self.open(body, who)

        @router.get("/conversations/{conversation}")
        async def head(conversation: str, who: visitors.Visitor = me) -> dict[str, Any]:
            return await self.database.read(lambda conn: deskviews.head(conn, _own(conn, conversation, who)))

        @router.get("/conversations/{conversation}/messages")
        async def messages(
            conversation: str,
            who: visitors.Visitor = me,
            before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
            limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
        ) -> dict[str, Any]:
            return await self.history(conversation, who, before, limit)

        return router

    async def visitor(self, authorization: Annotated[str | None, Header()] = None) -> visitors.Visitor:
        """The visitor of `Authorization: Bearer id.secret`; 401 `bad_visitor`."""
        scheme, _, token = (authorization or "").partition(" ")
        ident, _, secret = token.strip().partition(".")
        if scheme.lower() != "bearer" or not ident or not secret or len(token) > 256:
            raise Unauthenticated(
                "bad_visitor",
                "访客凭证无效,请刷新页面。",
                "The visitor's credentials are not valid; reload the page.",
            )
        return await self.database.read(lambda conn: visitors.authenticate(conn, ident, secret))

    async def embed(
        self, request: Request, inbox: Annotated[str, Query(max_length=64)] = DEFAULT
    ) -> dict[str, str]:
        """May the asking page embed the inbox? 403 `bad_origin` with what to do, 404 `inbox_not_found`."""
        self._embeds.check(_address(request))
        found = await self.database.read(lambda conn: inboxes.get(conn, inbox))
        self._embeddable(request, found)
        return {"inbox": found.id}

    async def session(self, request: Request, body: SessionIn) -> dict[str, Any]:
        """Who is this browser, what was said so far, and how does the widget look?"""
        self._sessions.check(_address(request))
        secret = new_secret()

        def unit(conn: Connection) -> dict[str, Any]:
            inbox = inboxes.get(conn, body.inbox)
            self._embeddable(request, inbox)
            who, fresh = _recognise(conn, inbox, body, secret)
            found = conversations.latest_for(conn, who.id, inbox.id)
            here = {"id": who.id, **({"secret": secret} if fresh else {})}
            return {
                "visitor": here,
                "epoch": self.epoch,
                "conversation": None if found is None else deskviews.head(conn, found),
                "inbox": _shown(conn, inbox),
            }

        return await self.database.write(unit)

    def _embeddable(self, request: Request, inbox: Inbox) -> None:
        origin = request.headers.get("origin")
        if origin is None or origin in own_origins(request.scope, self.public_url) or inbox.allows(origin):
            return
        raise Forbidden(
            "bad_origin",
            f"这个网站({origin[:80]})不在收件箱允许的来源中;添加方法:"
            f"jieli inbox set {inbox.id} --origin {origin[:80]}",
            f"This site ({origin[:80]}) is not among the inbox's allowed origins; add it:"
            f" jieli inbox set {inbox.id} --origin {origin[:80]}",
        )

    async def ticket(self, request: Request, who: visitors.Visitor) -> dict[str, str]:
        """A ticket for one hello."""
        self._tickets.check(who.id)
        principal = auth.visitor_principal(who)
        origin = request.headers.get("origin")
        return {"ticket": await auth.issue_ticket(self.database, principal, origin=origin)}

    async def open(self, body: OpenIn, who: visitors.Visitor) -> dict[str, Any]:
        """The visitor's open conversation, or a new one."""

        def unit(conn: Connection) -> tuple[dict[str, Any], tuple[Any, ...]]:
            found, rows = conversations.open_conversation(
                conn, workspace=who.workspace, inbox=who.inbox, visitor=who.id, language=body.language
            )
            return deskviews.head(conn, found), rows

        head, rows = await self.database.write(unit)
        await self.hub.rows(rows)
        return head

    async def history(
        self, conversation: str, who: visitors.Visitor, before: int | None, limit: int
    ) -> dict[str, Any]:
        """A page of the log, oldest first; private rows as empty shells."""

        def unit(conn: Connection) -> dict[str, Any]:
            _own(conn, conversation, who)
            rows = log.before(conn, conversation, before=before, limit=limit)
            more = bool(rows) and rows[0].seq > 1
            return {"messages": [plain(row, visitor=True) for row in rows], "more": more}

        return await self.database.read(unit)


def _own(conn: Connection, conversation: str, who: visitors.Visitor) -> Conversation:
    head = conversations.get(conn, conversation, workspace=who.workspace)
    if head.visitor != who.id:
        raise log.not_found()
    return head


def _recognise(conn: Connection, inbox: Inbox, body: SessionIn, secret: str) -> tuple[visitors.Visitor, bool]:
    """The known visitor, or a new one (also when the known one's secret is wrong or of another inbox)."""
    if body.visitor is not None:
        try:
            who = visitors.authenticate(conn, body.visitor.id, body.visitor.secret)
        except Unauthenticated:
            who = None
        if who is not None and who.inbox == inbox.id:
            visitors.seen(conn, who.id)
            return who, False
    attributes = {"language": body.language, **({"page": body.page} if body.page else {})}
    who, _ = visitors.create(
        conn, workspace=inbox.workspace, inbox=inbox.id, secret=secret, attributes=attributes
    )
    return who, True


def _shown(conn: Connection, inbox: Inbox) -> dict[str, Any]:
    """What the page may know of its inbox; never keys or policy."""
    staffed = agents.anyone_for(conn, inbox.workspace, inbox.queue, utc_now())
    return {
        "id": inbox.id, "name": inbox.name, "languages": list(inbox.languages), "texts": inbox.texts,
        "look": inbox.look, "availability": "online" if staffed else "offline",
    }  # fmt: skip


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
