"""`python -m bot.bench.server URL PORT`: the edge alone over a database, without models, for measuring."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import uvicorn
from fastapi import FastAPI

from bot.edge import UVICORN, Edge
from bot.serving import Server
from handoff.connection import AGENT_LIMITS, VISITOR_LIMITS, Rate
from handoff.writer import Database

_FREE = Rate(1_000_000, 1.0)  # what is measured is the way, not the brake


async def serve(url: str, port: int) -> None:
    """Until SIGTERM."""
    database = Database(url)
    edge = Edge(
        database,
        visitor_limits=replace(VISITOR_LIMITS, sends=_FREE, frames=_FREE),
        agent_limits=replace(AGENT_LIMITS, sends=_FREE, frames=_FREE),
        handshakes=_FREE,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await edge.start()
        gc.freeze()
        yield
        await edge.close()
        database.close()

    app = FastAPI(lifespan=lifespan)
    edge.install(app)
    config = uvicorn.Config(app, port=port, log_level="warning", access_log=False, backlog=4_096, **UVICORN)
    await Server(config, edge.sockets.close).serve()


def main() -> None:
    """Run on uvloop, as `jieli serve` does."""
    url, port = sys.argv[1], int(sys.argv[2])
    if sys.platform == "win32":
        asyncio.run(serve(url, port))
        return
    import uvloop

    uvloop.run(serve(url, port))


if __name__ == "__main__":
    main()
