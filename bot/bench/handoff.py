"""`bench handoff`: from a visitor's wish for a person to the offer at a desk and the agent's first word."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from bot.bench.chat import milliseconds
from bot.bench.process import Measured, running
from handoff import agents, tables
from handoff.client import Agent, Visitor
from handoff.protocol import Msg, QueueOffered
from handoff.seed import DEFAULT, ensure_defaults
from handoff.writer import Database


def handoffs(rounds: int) -> dict[str, Any]:
    """`rounds` handoffs one after another over a server process of their own; times in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="jieli-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'jieli.db'}"
        password = secrets.token_urlsafe(16)
        _seed(url, password)
        with running("bot.bench.server", url) as server:
            return asyncio.run(_drive(server, password, rounds))


def _seed(url: str, password: str) -> None:
    database = Database(url)
    database.create_tables(tables.metadata)
    database.write_now(ensure_defaults)
    hashed = agents.hash_password(password)
    database.write_now(
        lambda conn: agents.create(
            conn,
            workspace=DEFAULT,
            email="bench@jieli.example",
            name="bench",
            password_hash=hashed,
            capacity=100,
        )
    )
    database.close()


async def _drive(server: Measured, password: str, rounds: int) -> dict[str, Any]:
    base = f"http://127.0.0.1:{server.port}"
    offered, answered, lost = [], [], 0
    async with Agent(base, "bench@jieli.example", password) as agent, Visitor(base) as visitor:
        await agent.goes("online")
        cpu = server.cpu_s()
        for number in range(rounds):
            await visitor.says(f"第 {number} 次:我要人工")
            marks = len(agent.frames), len(visitor.frames)
            began = time.perf_counter()
            await visitor.asks("request_human")
            try:
                offer = await agent.hears(QueueOffered, since=marks[0])
            except TimeoutError:
                lost += 1
                continue
            offered.append(time.perf_counter() - began)
            await agent.accepts(offer.entry)
            await agent.says(offer.conv, "您好")
            await visitor.hears(
                lambda frame: isinstance(frame, Msg) and frame.from_ == "agent", since=marks[1]
            )
            answered.append(time.perf_counter() - began)
            await agent.act("resolve", offer.conv)
        used = server.cpu_s() - cpu
    return {
        "rounds": rounds, "missed": lost, "offer_p50_ms": milliseconds(offered, 50),
        "offer_p99_ms": milliseconds(offered, 99), "answer_p50_ms": milliseconds(answered, 50),
        "answer_p99_ms": milliseconds(answered, 99), "cpu_ms_per_handoff": round(used / rounds * 1000, 1),
    }  # fmt: skip
