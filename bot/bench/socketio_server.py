"""`python -m bot.bench.socketio_server PORT`: an acknowledged relay on python-socketio, for comparison."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import uvicorn

from bot.edge import UVICORN


def main() -> None:
    """Relay `send` to the room, as its documentation shows it."""
    socketio: Any = import_module("socketio")  # not a dependency: present only where somebody compares
    server: Any = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")

    async def join(sid: str, room: str) -> str:
        await server.enter_room(sid, room)
        return "ok"

    async def send(sid: str, data: dict[str, Any]) -> dict[str, Any]:
        await server.emit("msg", data, room=data["conv"])
        return {"cid": data["cid"]}

    server.on("join", join)
    server.on("send", send)
    config = uvicorn.Config(
        socketio.ASGIApp(server), port=int(sys.argv[1]), log_level="warning", lifespan="off",
        access_log=False, backlog=4_096, loop="uvloop", **UVICORN,
    )  # fmt: skip
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
