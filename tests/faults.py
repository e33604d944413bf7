"""A TCP proxy that misbehaves on request: cuts after so many bytes, goes silent, refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FaultProxy:
    """Between a client and 127.0.0.1:`target`. Set the attributes at any time; they hold for new bytes.

    Attributes:
        cut_up, cut_down: abort both sides after this many more bytes to the server / to the client.
        silent: swallow everything in both directions, closing nothing (a half-open line).
        refusing: hang up on new connections.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.cut_up: int | None = None
        self.cut_down: int | None = None
        self.silent = False
        self.refusing = False
        self.connections = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.port}"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        if self.refusing:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, up_writer)
        self._writers.update(pair)
        up = asyncio.create_task(self._pump(reader, up_writer, pair, up=True))
        down = asyncio.create_task(self._pump(up_reader, writer, pair, up=False))
        await asyncio.gather(up, down, return_exceptions=True)
        for side in pair:
            side.close()
            await asyncio.gather(side.wait_closed(), return_exceptions=True)
        self._writers.difference_update(pair)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        up: bool,
    ) -> None:
        while data := await reader.read(65_536):
            if self.silent:
                continue
            left = self.cut_up if up else self.cut_down
            if left is not None:
                writer.write(data[:left])
                left -= len(data)
                if left <= 0:
                    self.cut_up = self.cut_down = None
                    await asyncio.sleep(0)
                    for side in pair:
                        side.transport.abort()
                    return
                self.cut_up, self.cut_down = (left, self.cut_down) if up else (self.cut_up, left)
                continue
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    def cut(self) -> None:
        """Drop every connection now."""
        for writer in tuple(self._writers):
            writer.transport.abort()


@asynccontextmanager
async def fault_proxy(port: int) -> AsyncIterator[FaultProxy]:
    """A proxy in front of 127.0.0.1:`port`."""
    proxy = FaultProxy(port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.cut()
        server.close()
        await asyncio.sleep(0.02)
