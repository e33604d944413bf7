"""uvicorn, saying goodbye properly: sockets hear `bye` and 4001 before the server stops listening to them."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import uvicorn


class Server(uvicorn.Server):
    """A uvicorn server that runs `goodbye` first when it is told to stop.

    uvicorn itself would close sockets with 1012 before the lifespan hears of the end, and all clients would
    come back at once instead of spread by `retry_ms`.
    """

    def __init__(self, config: uvicorn.Config, goodbye: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._goodbye = goodbye

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye, then shut down as uvicorn does."""
        await self._goodbye()
        await super().shutdown(sockets)
