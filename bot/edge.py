"""The edge as one piece: hub, desk, sockets and HTTP routes, to be installed into the application.

Sockets are answered before the framework's router: the origin is checked and the storm shed before anything
is accepted, and a frame's way is as short as it can be.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fastapi import FastAPI
from sqlalchemy import Connection

from bot.errors_http import error_body, install_errors, prefers_chinese
from bot.security import SecurityHeaders
from bot.websocket import TurnHandler, Visitors
from bot.widget_api import WidgetApi
from handoff import tables
from handoff.bus import EventBus
from handoff.connection import AGENT_LIMITS, VISITOR_LIMITS, Limits, Rate
from handoff.desk_api import DeskApi
from handoff.frontdesk import FrontDesk
from handoff.hub import ConversationHub
from handoff.seed import ensure_defaults
from handoff.sockets import (
    Admission,
    Greeter,
    Receive,
    Scope,
    Send,
    Socket,
    Sockets,
    header,
    own_origins,
    reject,
)
from handoff.websocket import Desks
from handoff.writer import Database

UVICORN: Final[dict[str, Any]] = {
    "ws": "websockets-sansio",
    "ws_max_size": 65_536,
    "ws_per_message_deflate": False,
    "ws_ping_interval": None,  # our own heartbeat, both ways, with our own close code
    "timeout_graceful_shutdown": 5,
}
"""What uvicorn must be told; see RELIABILITY and ADR 0036."""
ORIGINS_S: Final = 5.0  # the allowed origins of all inboxes are read again after this


class Edge:
    """Build it over a database, `install` it into the application, `start` and `close` it in the lifespan."""

    def __init__(
        self,
        database: Database,
        *,
        bus: EventBus | None = None,
        turns: TurnHandler | None = None,
        public_url: str | None = None,
        front_desk: Callable[[ConversationHub], FrontDesk] = FrontDesk,
        visitor_limits: Limits = VISITOR_LIMITS,
        agent_limits: Limits = AGENT_LIMITS,
        handshakes: Rate = Rate(300, 1.0),  # noqa: B008 a frozen value
    ) -> None:
        self.database = database
        self.public_url = public_url
        self.hub = ConversationHub(database, bus, node=uuid.uuid4().hex)
        self.desk = front_desk(self.hub)
        self.sockets = Sockets()
        self.epoch = database.write_now(ensure_defaults).epoch
        self.visitors = Visitors(self.hub, self.desk, epoch=self.epoch, turns=turns, limits=visitor_limits)
        self.desks = Desks(self.desk, epoch=self.epoch, limits=agent_limits)
        self._admission = Admission(handshakes)
        self._origins: dict[str, frozenset[str]] = {}
        self._origins_until = 0.0

    def install(self, app: FastAPI) -> None:
        """Routes, errors, headers, sockets."""
        install_errors(app)
        app.include_router(WidgetApi(self.hub, epoch=self.epoch, public_url=self.public_url).router())
        app.include_router(DeskApi(self.desk, public_url=self.public_url).router())
        app.add_middleware(SecurityHeaders, origins=self.allowed_origins)
        app.add_middleware(SocketGate, edge=self)

    def answer_with(self, turns: TurnHandler) -> None:
        """Who answers visitors, when it can only be built after the hub."""
        self.visitors.turns = turns

    async def start(self) -> None:
        """Connect the bus and start the clocks."""
        await self.hub.start()
        await self.desk.start()

    async def close(self) -> None:
        """Say goodbye to everybody and stop; the database is its owner's to close."""
        await self.sockets.close()
        await self.desk.close()
        await self.hub.close()

    async def allowed_origins(self, inbox: str | None = None) -> frozenset[str]:
        """Origins that the inbox allows, or with None any inbox, at most five seconds old."""
        now = asyncio.get_running_loop().time()
        if now >= self._origins_until:
            self._origins = await self.database.read(_all_origins)
            self._origins_until = now + ORIGINS_S
        if inbox is not None:
            return self._origins.get(inbox, frozenset())
        return frozenset().union(*self._origins.values())

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One handshake: path, storm, origin, then the socket's whole life."""
        path = scope["path"]
        own = own_origins(scope, self.public_url)
        language = header(dict(scope["headers"]), b"accept-language")
        refuse = partial(_refuse, receive, send, language)
        if path not in {"/ws/visitor", "/ws/desk"}:
            await refuse(404, "not_found", "没有这个地址。", "There is no such address.")
            return
        if self._admission.wait() > 0:
            await refuse(
                503, "server_busy", "连接的人太多,请稍后重试。", "Too many are connecting; try again.", 1
            )
            return
        origin = header(dict(scope["headers"]), b"origin")
        if not await self._welcome_origin(path, origin, own):
            await refuse(403, "bad_origin", "这个网站不允许连接。", "This site may not connect.")
            return
        greet: Greeter = self.desks.greet
        limits = self.desks.limits
        if path == "/ws/visitor":
            greet, limits = partial(self.visitors.greet, own=own), self.visitors.limits
        await receive()  # websocket.connect
        await self.sockets.run(Socket(scope, receive, send, greet=greet, limits=limits))

    async def _welcome_origin(self, path: str, origin: str | None, own: frozenset[str]) -> bool:
        """No origin means no browser: such a client has only the ticket that it asked for itself."""
        if origin is None or origin in own:
            return True
        if path == "/ws/desk":
            return False
        allowed = await self.allowed_origins()
        return origin in allowed or ("*" in allowed and origin != "null")


def _all_origins(conn: Connection) -> dict[str, frozenset[str]]:
    from sqlalchemy import select

    rows = conn.execute(select(tables.inboxes.c.id, tables.inboxes.c.allowed_origins))
    return {inbox: frozenset(origins) for inbox, origins in rows}


async def _refuse(  # noqa: PLR0917 one sentence in two languages
    receive: Receive, send: Send, language: str | None, status: int, code: str, zh: str, en: str,
    retry_after: int | None = None,
) -> None:  # fmt: skip
    body = json.dumps(error_body(code, zh if prefers_chinese(language) else en), ensure_ascii=False).encode()
    await reject(receive, send, status, body, retry_after=retry_after)


class SocketGate:
    """ASGI middleware that takes the sockets out before the framework sees them."""

    def __init__(self, app: Any, edge: Edge) -> None:
        self._app = app
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sockets to the edge, everything else on."""
        if scope["type"] == "websocket":
            await self._edge.socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)
