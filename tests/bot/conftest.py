"""A real server for every test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from handoff.writer import Database
from tests.serving import Served, serving


@pytest_asyncio.fixture(loop_scope="function")
async def server(sqlite_database: Database) -> AsyncIterator[Served]:
    """The edge on a free port, nobody answering visitors but people."""
    async with serving(sqlite_database) as served:
        yield served
