"""Headers that keep browsers strict: CSP by area, no sniffing, framing only where it is meant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qs

from handoff.seed import DEFAULT
from handoff.sockets import Receive, Scope, Send

Origins = Callable[[str], Awaitable[frozenset[str]]]
"""Inbox → the origins that it allows."""

EMBED: Final = "/api/v1/widget/embed"
"""Any page may ask whether it may embed an inbox; the answer holds nothing else."""
_CONSOLE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:;"
    " font-src 'self' data:; connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none';"
    " form-action 'self'; object-src 'none'; frame-ancestors 'none'"
)  # Ant Design writes style elements at run time, so styles cannot be bound to 'self' alone
_WIDGET: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none';"
    " object-src 'none'; frame-ancestors {ancestors}"
)
_API: Final = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
]


class SecurityHeaders:
    """ASGI middleware; adds what the answer does not already say."""

    def __init__(self, app: Any, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the start of every HTTP answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = [*_ALWAYS, *await self._policy(scope["path"], scope["query_string"])]
        if scope.get("scheme") == "https":
            extra.append((b"strict-transport-security", b"max-age=31536000"))

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                said = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(item for item in extra if item[0] not in said)]
            await send(message)

        await self._app(scope, receive, with_headers)

    async def _policy(self, path: str, query: bytes) -> list[tuple[bytes, bytes]]:
        if path.startswith("/api/"):
            open_ = [(b"access-control-allow-origin", b"*")] if path == EMBED else []
            return [(b"content-security-policy", _API.encode()), (b"cache-control", b"no-store"), *open_]
        if path.startswith("/desk"):
            return [(b"content-security-policy", _CONSOLE.encode()), (b"x-frame-options", b"DENY")]
        if path.startswith("/widget/"):
            inbox = parse_qs(query.decode("latin-1")).get("inbox", [DEFAULT])[0]
            allowed = await self._origins(inbox)
            ancestors = "*" if "*" in allowed else " ".join(["'self'", *sorted(allowed)])
            return [(b"content-security-policy", _WIDGET.format(ancestors=ancestors).encode())]
        if path == "/widget.js":  # included by other people's pages
            return [(b"cross-origin-resource-policy", b"cross-origin")]
        return []
