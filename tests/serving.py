"""A real uvicorn server on a free port, in the test's own event loop, and accounts to sign in with."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from bot.edge import UVICORN, Edge
from bot.serving import Server
from handoff import agents
from handoff.client import Agent, Visitor
from handoff.domain import Role
from handoff.writer import Database

PASSWORD = "correct horse battery"
PASSWORD_HASH = agents.hash_password(PASSWORD)


class Served:
    """A running server with its edge and database."""

    def __init__(self, edge: Edge, port: int) -> None:
        self.edge = edge
        self.database: Database = edge.database
        self.base = f"http://127.0.0.1:{port}"
        self.port = port

    def account(self, name: str, role: Role = Role.AGENT, **fields: Any) -> str:
        """A new account; its address (the password is `PASSWORD`)."""
        email = f"{name}@shop.example"
        self.database.write_now(
            lambda conn: agents.create(
                conn,
                workspace="default",
                email=email,
                name=name,
                password_hash=PASSWORD_HASH,
                role=role,
                **fields,
            )
        )
        return email

    @asynccontextmanager
    async def visitor(self, **fields: Any) -> AsyncIterator[Visitor]:
        """A visitor with an open conversation."""
        async with Visitor(self.base, base_s=0.02, **fields) as visitor:
            yield visitor

    @asynccontextmanager
    async def agent(
        self, name: str, role: Role = Role.AGENT, *, online: bool = True, **fields: Any
    ) -> AsyncIterator[Agent]:
        """A new agent, signed in and (unless told otherwise) online."""
        async with Agent(self.base, self.account(name, role, **fields), PASSWORD, base_s=0.02) as agent:
            if online:
                await agent.goes("online")
            yield agent


def listening() -> socket.socket:
    """A socket bound to a free port of the loopback."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


@asynccontextmanager
async def serving(database: Database, **fields: Any) -> AsyncIterator[Served]:
    """Run the edge over `database`; `fields` go to `Edge`."""
    edge = Edge(database, **fields)
    app = FastAPI()
    edge.install(app)
    bound = listening()
    config = uvicorn.Config(app, log_config=None, lifespan="off", **UVICORN)
    server = Server(config, edge.sockets.close)
    await edge.start()
    task = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield Served(edge, bound.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        await edge.close()
        bound.close()
