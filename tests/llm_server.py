"""A scripted OpenAI-compatible model server: streams, dawdles, fails and obeys, as the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Script:
    """One answer of the server. Times are seconds."""

    pieces: tuple[str, ...] = ()
    status: int = 200
    wait: float = 0.0  # before the first byte
    between: float = 0.0  # before each further piece
    cut: bool = False  # drop the connection after the pieces, without an end
    raw: bytes | None = None  # sent in place of the events
    headers: dict[str, str] = field(default_factory=dict)


Obey = Callable[[list[dict[str, Any]]], str]
"""What a model that obeys everything says to these messages."""


class ModelServer:
    """Answers each call with the next script; the last one again and again."""

    def __init__(self) -> None:
        self.scripts: list[Script] = [Script(("ok",))]
        self.obey: Obey | None = None
        self.calls: list[list[dict[str, Any]]] = []
        self.dropped = asyncio.Event()  # a client hung up before the end
        self.url = ""

    def says(self, *scripts: Script) -> None:
        """Set the scripts."""
        self.scripts = list(scripts)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one call."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (
                    int(line.split(":")[1])
                    for line in head.splitlines()
                    if line.lower().startswith("content-length")
                ),
                0,
            )
            messages = json.loads(await reader.readexactly(length))["messages"]
            self.calls.append(messages)
            script = self.scripts[min(len(self.calls), len(self.scripts)) - 1]
            if self.obey is not None:
                script = Script((self.obey(messages),))
            await self._play(script, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped.set()
        finally:
            writer.close()

    async def _play(self, script: Script, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(script.wait)
        kind = "text/event-stream" if script.status == 200 else "application/json"
        extra = "".join(f"{name}: {value}\r\n" for name, value in script.headers.items())
        writer.write(
            f"HTTP/1.1 {script.status} X\r\nContent-Type: {kind}\r\n{extra}Connection: close\r\n\r\n".encode()
        )
        if script.status != 200:
            writer.write(json.dumps({"error": {"message": "scripted", "code": str(script.status)}}).encode())
            await writer.drain()
            return
        if script.raw is not None:
            writer.write(script.raw)
            await writer.drain()
            return
        for n, piece in enumerate(script.pieces):
            if n:
                await asyncio.sleep(script.between)
            writer.write(_event(piece))
            await writer.drain()
        if script.cut:
            writer.transport.abort()
            return
        writer.write(_event(None) + b"data: [DONE]\n\n")
        await writer.drain()


def _event(text: str | None) -> bytes:
    delta = {} if text is None else {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": "stop" if text is None else None}
    chunk = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "scripted",
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    """A server on a free port of the loopback."""
    scripted = ModelServer()
    server = await asyncio.start_server(scripted.handle, "127.0.0.1", 0)
    scripted.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield scripted
    finally:
        server.close()
