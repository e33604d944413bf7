"""The server that a drill kills: `jieli serve` in a process of its own, on a home of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from bot.bench.process import free_port
from bot.errors import BotError
from bot.migrate import migrate
from handoff import agents
from handoff.seed import DEFAULT, ensure_defaults
from handoff.writer import Database
from kb_ingest.embedder import load_embedder
from kb_ingest.knowledge import KnowledgeBase

ARTICLES: Final = Path(__file__).parent.parent / "demo" / "articles"
SHELVES: Final = ("zh/退换货", "zh/配送", "en/returns", "en/delivery")  # enough to answer something
READY_S: Final = 180.0  # a busy machine may need minutes; a quiet one a few seconds
CAPACITY: Final = 8  # conversations that one agent of the drill has at a time


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who can sign in."""

    email: str
    password: str


def prepare(home: Path, people: int) -> list[Account]:
    """A migrated database with that many agents and a small knowledge base in `home`."""
    url = f"sqlite:///{home / 'jieli.db'}"
    migrate(url)
    database = Database(url)
    try:
        database.write_now(ensure_defaults)
        accounts = [_account(database, number) for number in range(1, people + 1)]
        embedder = load_embedder(None, home / "models", threads=1)
        knowledge = KnowledgeBase(database, data_dir=home, embedder=embedder, chroma=False)
        try:
            for _ in knowledge.ingest_now([ARTICLES / shelf for shelf in SHELVES]):
                pass
        finally:
            knowledge.close()
    finally:
        database.close()
    return accounts


def _account(database: Database, number: int) -> Account:
    account = Account(f"drill-{number}@jieli.example", secrets.token_urlsafe(16))
    digest = agents.hash_password(account.password)
    database.write_now(
        lambda conn: agents.create(
            conn,
            workspace=DEFAULT,
            email=account.email,
            name=f"drill-{number}",
            password_hash=digest,
            capacity=CAPACITY,
        )
    )
    return account


class DrillServer:
    """`jieli serve`; `kill()` is SIGKILL, `start()` brings it up again on the same home and port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = home / "server.log"
        self.starts: list[float] = []  # seconds from start to ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JIELI_")}
        command: Sequence[str] = [
            sys.executable, "-c", "from bot.cli.main import run; run()", "serve", "--port", str(self.port),
        ]  # fmt: skip
        environment = {**kept, "JIELI_HOME": str(self.home), "JIELI_LANG": "en", "OMP_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603

    async def ready(self) -> None:
        """Wait until it can answer. Raises BotError(`bench_server`)."""
        began = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
            while time.monotonic() < began + READY_S and self._process and self._process.poll() is None:
                try:
                    if (await http.get(f"{self.base}/readyz")).status_code == 200:
                        self.starts.append(time.monotonic() - began)
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)
        raise BotError(
            "bench_server",
            f"测量用的服务器没有启动，见 {self.log}。",
            f"The server of the drill did not start, see {self.log}.",
        )

    def kill(self) -> None:
        """Pull the plug."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
