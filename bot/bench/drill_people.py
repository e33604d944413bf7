"""Who takes part in a drill: visitors with recorded words, agents with the recorded replies."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from bot.bench.drill_server import Account
from handoff.client import Agent, Refused, Transcript, Visitor
from handoff.protocol import Ack, Msg, QueueOffered, Welcome

BASE_S: Final = 0.1  # reconnects come quicker than in a browser: a drill is short
REPLY: Final = {"zh": "好的，我来为您处理。", "en": "I will take care of it."}
LONGEST: Final = 8_000
PATIENCE_S: Final = 180.0  # an answer may have to outlive several kills
AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Chat:
    """A recorded conversation: what the customer said and what was replied."""

    name: str
    turns: tuple[tuple[str, str], ...]

    @property
    def language(self) -> str:
        """`zh-CN` or `en`, by its letters."""
        return (
            "zh-CN"
            if any("\u4e00" <= letter <= "\u9fff" for said, _ in self.turns for letter in said)
            else "en"
        )


@dataclass(slots=True)
class Plan:
    """A chat on its way; shared by its visitor and whoever serves it.

    Attributes:
        ending: agent_resolves · returns · visitor_ends · leaves.
        transfers: the first agent hands it to a colleague.
    """

    chat: Chat
    ending: str
    transfers: bool
    asks_person: bool
    conversation: str = ""
    acked: dict[str, Ack] = field(default_factory=dict)
    replies: dict[int, str] = field(default_factory=dict)  # seq of a turn → the recorded reply
    asked: int = 0
    done: bool = False
    silent: list[int] = field(default_factory=list)  # turns that were never answered


async def persistently(attempt: Callable[[], Awaitable[Ack]]) -> Ack:
    """Again after a refusal that says when to come back; other refusals are the caller's."""
    while True:
        try:
            return await attempt()
        except Refused as refusal:
            if refusal.nack.retry_ms is None:
                raise
            await asyncio.sleep(refusal.nack.retry_ms / 1000)


def last_words(rows: Sequence[Msg]) -> list[Msg]:
    """The visitor's texts that nobody has answered yet."""
    open_turns: list[Msg] = []
    for row in rows:
        if row.kind == "text":
            open_turns = [*open_turns, row] if row.from_ == "visitor" else []
    return open_turns


def holder(rows: Sequence[Msg]) -> str | None:
    """The id of the agent who has the conversation after these rows."""
    found = None
    for row in rows:
        event = row.body.get("event") if row.kind == "event" else None
        if event == "assigned":
            found = str(row.body["agent"])
        elif event in {"queued", "requeued", "returned_to_bot", "resolved", "reopened"}:
            found = None
    return found


class Caller:
    """The visitor of one chat."""

    def __init__(self, base: str, plan: Plan, chance: random.Random, count: Callable[[], None]) -> None:
        self.base = base
        self.plan = plan
        self.visitor = Visitor(base, lang=plan.chat.language, base_s=BASE_S)
        self._chance = chance
        self._count = count

    async def run(self) -> None:
        """Say everything, then leave as planned."""
        await self._open()
        turns = list(self.plan.chat.turns)
        while turns:
            together = 2 if len(turns) > 1 and self._chance.random() < 0.15 else 1
            now, turns = turns[:together], turns[together:]
            seqs = await asyncio.gather(*(self._say(said, reply) for said, reply in now))
            if self._chance.random() < 0.05:
                await self.visitor.cut()
            await self._answered(max(seqs))
        if self.plan.asks_person and holder(self.visitor.transcript.rows) is None:
            await self._ask_for_a_person()
        await self._leave()

    async def _open(self) -> None:
        while True:
            try:
                await self.visitor.start()
            except (httpx.HTTPError, TimeoutError, OSError):
                known = self.visitor.known
                await self.visitor.stop()
                await asyncio.sleep(self._chance.uniform(AGAIN_S, 2 * AGAIN_S))
                self.visitor = Visitor(self.base, lang=self.plan.chat.language, known=known, base_s=BASE_S)
            else:
                self.plan.conversation = self.visitor.conversation
                return

    async def _say(self, said: str, reply: str) -> int:
        cid = uuid.uuid4().hex
        ack = await persistently(lambda: self.visitor.says(said, cid=cid))
        assert ack.seq is not None
        self.plan.acked[cid] = ack
        self.plan.replies[ack.seq] = reply
        self._count()
        return ack.seq

    async def _answered(self, seq: int) -> None:
        def heard(rows: Sequence[Msg]) -> bool:
            return any(row.seq > seq and row.kind == "text" and row.from_ != "visitor" for row in rows)

        if not await until(self.visitor, self.visitor.transcript, heard):
            self.plan.silent.append(seq)

    async def _ask_for_a_person(self) -> None:
        self.plan.asked += 1
        await persistently(lambda: self.visitor.asks("request_human"))
        await until(self.visitor, self.visitor.transcript, lambda rows: holder(rows) is not None)
        said = REPLY["zh"] if self.plan.chat.language == "zh-CN" else REPLY["en"]
        await self._answered(await self._say(said, said))

    async def _leave(self) -> None:
        rows = self.visitor.transcript.rows
        if self.plan.ending == "returns" and holder(rows) is not None:
            self.plan.done = True
            await until(self.visitor, self.visitor.transcript, lambda rows: holder(rows) is None)
            self.plan.ending, self.plan.done = "agent_resolves", False
            first = self.plan.chat.turns[0]
            await self._answered(await self._say(*first))
        self.plan.done = True
        if self.plan.ending == "visitor_ends" or (
            self.plan.ending == "agent_resolves" and holder(self.visitor.transcript.rows) is None
        ):
            await persistently(lambda: self.visitor.asks("end"))


async def until(
    client: Visitor | Agent, transcript: Transcript, true: Callable[[Sequence[Msg]], bool]
) -> bool:
    """Wait until something holds of the transcript; False when patience ran out."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not true(transcript.rows):
                await client.hears(lambda _: True, since=len(client.frames), patience=PATIENCE_S)
    except TimeoutError:
        return true(transcript.rows)
    return True


class Desk:
    """One agent: takes what is offered, answers, now and then declines, notes, transfers."""

    def __init__(
        self, base: str, account: Account, plans: Callable[[str], Plan | None], chance: random.Random
    ) -> None:
        self.agent = Agent(base, account.email, account.password, base_s=BASE_S)
        self.acked: dict[str, dict[str, Ack]] = {}
        self.colleagues: list[str] = []
        self.offers = 0
        self.served = 0
        self._plans = plans
        self._chance = chance
        self._entries: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ident(self) -> str:
        """The agent's id."""
        return str(self.agent.me["id"])

    async def run(self) -> None:
        """Until cancelled."""
        position = 0
        while True:
            try:
                await self.agent.hears(lambda _: True, since=position, patience=30)
            except TimeoutError:
                continue
            fresh, position = self.agent.frames[position:], len(self.agent.frames)
            for frame in fresh:
                if isinstance(frame, QueueOffered):
                    self._take(frame.entry, frame.conv)
                elif isinstance(frame, Welcome):
                    self._start(self._catch_up())

    async def stop(self) -> None:
        """No more work; the socket stays."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _catch_up(self) -> None:
        """Offers that came while we were cut off."""
        try:
            offers = (await self.agent.gets("offers"))["offers"]
        except (httpx.HTTPError, OSError):
            return  # cut off again: the next welcome asks again
        for one in offers:
            self._take(one["entry"], one["conv"])

    def _take(self, entry: str, conversation: str) -> None:
        if entry not in self._entries:
            self._entries.add(entry)
            self._start(self._serve(entry, conversation))

    async def _serve(self, entry: str, conversation: str) -> None:
        self.offers += 1
        try:
            if self._chance.random() < 0.1:
                await persistently(lambda: self.agent.act("decline", entry=entry))
                return
            await persistently(lambda: self.agent.accepts(entry))
        except Refused:
            return
        finally:
            self._entries.discard(entry)  # it may be offered again
        self.served += 1
        plan = self._plans(conversation)
        transcript = await self._follow(conversation)
        if plan is not None:
            await self._work(plan, transcript)

    async def _follow(self, conversation: str) -> Transcript:
        try:
            return await self.agent.follow(conversation)
        except TimeoutError:  # the socket went; the next welcome follows again
            return self.agent.transcripts[conversation]

    async def _work(self, plan: Plan, transcript: Transcript) -> None:
        mine = self.ident
        await until(self.agent, transcript, lambda rows: holder(rows) == mine)
        try:
            while holder(transcript.rows) == mine:
                if waiting := last_words(transcript.rows):
                    await self._reply(plan, waiting[-1])
                elif plan.transfers:
                    plan.transfers = False
                    await self._transfer(plan)
                elif plan.done and plan.ending != "visitor_ends":
                    action = "return_to_bot" if plan.ending == "returns" else "resolve"
                    await persistently(lambda: self.agent.act(action, plan.conversation))  # noqa: B023
                    await until(self.agent, transcript, lambda rows: holder(rows) != mine)
                    return
                else:
                    await self._news(transcript)
        except Refused:
            return  # the visitor ended it meanwhile, or it went back to the queue

    async def _news(self, transcript: Transcript) -> None:
        try:
            await self.agent.hears(lambda _: True, since=len(self.agent.frames), patience=AGAIN_S)
        except TimeoutError:
            return  # the plan may have changed

    async def _reply(self, plan: Plan, turn: Msg) -> None:
        text = (plan.replies.get(turn.seq) or REPLY[plan.chat.language[:2]])[:LONGEST]
        if not text.strip():
            text = REPLY[plan.chat.language[:2]]
        await self._say(plan, text, "text")
        if self._chance.random() < 0.1:
            await self._say(plan, "记一下", "note")
        await until(
            self.agent, self.agent.transcripts[plan.conversation],
            lambda rows: not any(row.seq == turn.seq for row in last_words(rows)),
        )  # fmt: skip

    async def _say(self, plan: Plan, text: str, kind: str) -> None:
        cid = uuid.uuid4().hex
        ack = await persistently(lambda: self.agent.say(plan.conversation, text, kind=kind, cid=cid))
        self.acked.setdefault(plan.conversation, {})[cid] = ack

    async def _transfer(self, plan: Plan) -> None:
        to: dict[str, Any] = {"queue": "default"}
        if self.colleagues and self._chance.random() < 0.5:
            to = {"agent": self._chance.choice(self.colleagues)}
        await persistently(lambda: self.agent.act("transfer", plan.conversation, note="请接手", **to))
