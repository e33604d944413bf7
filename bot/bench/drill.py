"""`bench drill`: chats over real sockets while the server is killed again and again; nothing may be lost.

The server is `jieli serve` in its own process on a temporary home. Visitors say recorded words, agents take
what is offered and answer with the recorded replies. At the end both sides are held against the log.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.bench.drill_people import LONGEST, Caller, Chat, Desk, Plan
from bot.bench.drill_proof import Log, Seen, read_log, violations
from bot.bench.drill_server import Account, DrillServer, prepare
from bot.errors import BotError
from handoff.client import Closed, Refused, Transcript
from handoff.writer import Database

AT_ONCE: Final = 12  # chats at a time
ENDINGS: Final = ("agent_resolves", "agent_resolves", "returns", "visitor_ends", "leaves")
SETTLE_S: Final = 60.0
OWN: Final = Path(__file__).parent / "drill_chats.jsonl"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to drill."""

    chats: Sequence[Chat]
    agents: int
    kills: int
    seed: int


@dataclass(slots=True)
class Found:
    """What came of it: `figures` by name, and every broken promise in one sentence."""

    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    home: Path | None = None  # kept when something was violated


def recorded(path: Path, limit: int) -> list[Chat]:
    """Up to `limit` chats of a file as `jieli replay` reads it. Raises BotError(`bad_chats`)."""
    chats: list[Chat] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or len(chats) == limit:
            continue
        try:
            row = json.loads(line)
            said = [(str(one.get("user") or ""), str(one.get("agent") or "")) for one in row["turns"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BotError(
                "bad_chats",
                f'第 {number} 行不是对话（需要 {{"dialog", "turns":[…]}}）。',
                f'Line {number} is no chat ({{"dialog", "turns": […]}} is wanted).',
            ) from error
        turns = tuple((user[:LONGEST], agent) for user, agent in said if user.strip())
        if turns:
            chats.append(Chat(str(row.get("dialog", number)), turns))
    if not chats:
        raise BotError("bad_chats", f"{path} 里没有对话。", f"{path} holds no chats.")
    return chats


def own(limit: int) -> list[Chat]:
    """`limit` of our own short chats, repeated as often as it takes."""
    chats = recorded(OWN, limit)
    return [chats[number % len(chats)] for number in range(limit)]


def drill(wish: Wish) -> Found:
    """Run it in a temporary home, which stays when something was wrong."""
    home = Path(tempfile.mkdtemp(prefix="jieli-drill-"))
    accounts = prepare(home, wish.agents)
    found = asyncio.run(Drill(wish, home, accounts).run())
    if found.violations:
        found.home = home
    else:
        shutil.rmtree(home)
    return found


class Drill:
    """One run."""

    def __init__(self, wish: Wish, home: Path, accounts: Sequence[Account]) -> None:
        self._wish = wish
        self._chance = random.Random(wish.seed)
        self._server = DrillServer(home)
        self._url = f"sqlite:///{home / 'jieli.db'}"
        self._plans = [self._plan(chat) for chat in wish.chats]
        self._callers = [self._caller(plan) for plan in self._plans]
        self._desks = [
            Desk(self._server.base, account, self._plan_of, random.Random(wish.seed + n))
            for n, account in enumerate(accounts)
        ]
        self._said = 0
        self._kills = 0
        self._broken: list[str] = []

    def _plan(self, chat: Chat) -> Plan:
        chance = self._chance
        return Plan(chat, chance.choice(ENDINGS), chance.random() < 0.25, chance.random() < 0.3)

    def _caller(self, plan: Plan) -> Caller:
        return Caller(self._server.base, plan, random.Random(self._chance.random()), self._count)

    def _plan_of(self, conversation: str) -> Plan | None:
        return next((plan for plan in self._plans if plan.conversation == conversation), None)

    def _count(self) -> None:
        self._said += 1

    async def run(self) -> Found:
        """Start, drive, kill, settle, compare."""
        began = time.monotonic()
        workers: list[asyncio.Task[None]] = []
        try:
            self._server.start()
            await self._server.ready()
            for desk in self._desks:
                await desk.agent.start()
                await desk.agent.goes("online")
                desk.colleagues = [
                    other.ident for other in self._desks if other is not desk and other.agent.me
                ]
                workers.append(asyncio.create_task(desk.run()))
            killer = asyncio.create_task(self._killer())
            await self._drive()
            await killer
            await self._settle()
            seen = list(self._seen())
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await self._close()
        return self._report(seen, time.monotonic() - began)

    async def _drive(self) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(caller: Caller) -> None:
            async with gate:
                try:
                    await caller.run()
                except (Closed, Refused) as refusal:
                    self._broken.append(f"{caller.plan.chat.name}: the visitor was sent away: {refusal}")

        await asyncio.gather(*(one(caller) for caller in self._callers))

    async def _killer(self) -> None:
        """SIGKILL at random moments, now and then once more while it is still starting."""
        total = sum(len(plan.chat.turns) for plan in self._plans)
        marks = sorted(self._chance.randint(1, max(1, total * 9 // 10)) for _ in range(self._wish.kills))
        for mark in marks:
            while self._said < mark and not all(plan.done for plan in self._plans):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            self._server.kill()
            self._kills += 1
            await asyncio.sleep(self._chance.uniform(0, 0.5))
            self._server.start()
            if self._chance.random() < 0.7:
                await self._server.ready()
            else:
                await asyncio.sleep(self._chance.uniform(1, 8))
        await self._server.ready()

    async def _settle(self) -> None:
        """Until no turn is open and everybody has seen the last row."""
        database = Database(self._url)
        try:
            end, before = time.monotonic() + SETTLE_S, None
            while time.monotonic() < end:
                log = await database.read(read_log)
                now = {ident: head.last_seq for ident, head in log.heads.items()}
                if now == before and not any(_open(rows) for rows in log.rows.values()):
                    break
                before = now
                await asyncio.sleep(1.0)
        finally:
            database.close()
        for caller in self._callers:
            await _reach(caller.visitor, caller.plan.conversation, now)
        for desk in self._desks:
            await desk.stop()
            for conversation, transcript in desk.agent.transcripts.items():
                if transcript.rows and transcript.next <= now.get(conversation, 0):
                    await desk.agent.follow(conversation)
            await asyncio.sleep(0.5)

    def _seen(self) -> Iterator[Seen]:
        for caller in self._callers:
            plan = caller.plan
            rows = list(_transcript(caller.visitor.transcripts, plan.conversation))
            yield Seen("visitor", plan.conversation, rows, dict(plan.acked), plan.asked)
        for desk in self._desks:
            for conversation, transcript in desk.agent.transcripts.items():
                acked = desk.acked.get(conversation, {})
                yield Seen(desk.ident, conversation, list(transcript.rows), dict(acked))

    async def _close(self) -> None:
        for caller in self._callers:
            await caller.visitor.stop()
        for desk in self._desks:
            await desk.stop()
            await desk.agent.stop()
        await asyncio.to_thread(self._server.stop)

    def _report(self, seen: Sequence[Seen], seconds: float) -> Found:
        database = Database(self._url)
        try:
            log = database.read_now(read_log)
        finally:
            database.close()
        wrong = self._broken + violations(log, seen)
        for plan in self._plans:
            wrong += [f"{plan.conversation}: turn {seq} was never answered" for seq in plan.silent]
        return Found(self._figures(log, seen, seconds) | {"violations": len(wrong)}, wrong)

    def _figures(self, log: Log, seen: Sequence[Seen], seconds: float) -> dict[str, Any]:
        rows = [row for every in log.rows.values() for row in every]
        escalations = [one for every in log.escalations.values() for one in every]
        clients = [caller.visitor for caller in self._callers] + [desk.agent for desk in self._desks]
        starts = sorted(self._server.starts)
        return {
            "seed": self._wish.seed, "chats": len(self._plans), "agents": len(self._desks),
            "kills": self._kills,
            "messages_acknowledged": sum(len(side.acked) for side in seen), "rows": len(rows),
            "bot_answers": sum(row.author == "bot" and row.kind == "text" for row in rows),
            "answers_cut_off": sum(row.kind == "bot_failed" for row in rows),
            "verdicts": sum(map(len, log.verdicts.values())), "escalations": len(escalations),
            "served": sum(desk.served for desk in self._desks),
            "transfers": sum(one.rule == "transfer" for one in escalations),
            "reconnects": sum(client.connects - 1 for client in clients), "transcripts": len(seen),
            "start_s": round(starts[len(starts) // 2], 1), "seconds": round(seconds, 1),
        }  # fmt: skip


def _open(rows: Sequence[Any]) -> bool:
    """Whether a turn still waits for its verdict."""
    return any(not row.judged for row in rows)


async def _reach(client: Any, conversation: str, tips: dict[str, int]) -> None:
    try:
        await client.reaches(conversation, tips.get(conversation, 0), patience=15)
    except (TimeoutError, KeyError, Closed):
        return  # the comparison will tell


def _transcript(transcripts: dict[str, Transcript], conversation: str) -> Sequence[Any]:
    found = transcripts.get(conversation)
    return found.rows if found else ()
