"""What happens after a customer's message is stored: read, judge, then answer or hand over.

Judging comes before generating, so an escalated turn never pays for an answer. Every turn leaves a verdict.
Turns of
one conversation run in order; whatever the bot writes carries the ownership version it started from.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from bot import metrics, texts
from bot.answers import Answer, Question, Retrieved
from bot.pipeline.answering import Pipeline
from bot.settings import Settings
from bot.smalltalk import smalltalk
from bot.turn_state import TurnState, load_turn
from handoff import conversations, escalation, verdicts
from handoff import log as messages
from handoff.bus import BusEvent, EventBus, conversation_topic
from handoff.clock import utc_now
from handoff.domain import Change, Kind, Message, Status
from handoff.emotion import EmotionClassifier, Reading
from handoff.errors import Conflict, HandoffError
from handoff.policy import EscalationPolicy
from handoff.triggers import Trajectory, TurnSignals, Verdict, judge
from handoff.writer import Database

log = structlog.get_logger(__name__)
COALESCE = 0.05  # seconds between two deltas: at most 20 frames a second
AT_ONCE = frozenset({"risk", "request", "threat", "emotion"})  # rules that no search can change
RECOVER_WITHIN = timedelta(hours=12)  # older turns that a crash left open are not answered any more


class Hub(Protocol):
    """What turns need of the sockets: `handoff.hub.ConversationHub`."""

    async def rows(self, messages: Sequence[Message]) -> None:
        """Rows that were committed."""

    async def delta(self, conv: str, stream: str, n: int, text: str) -> None:
        """Some more text of an answer in the making."""

    async def thinking(self, conv: str, on: bool) -> None:
        """The bot is at work, or not any more."""


class Desk(Protocol):
    """What turns need of the desk: `handoff.frontdesk.FrontDesk`."""

    async def changed(self, change: Change) -> None:
        """A use case changed who owns a conversation."""


class Turns:
    """Handles customer turns; the sockets' `TurnHandler`."""

    def __init__(
        self,
        *,
        database: Database,
        pipeline: Pipeline,
        emotion: EmotionClassifier,
        lexicon: EmotionClassifier,
        bus: EventBus,
        hub: Hub,
        desk: Desk,
        settings: Settings,
    ) -> None:
        self._database = database
        self._pipeline = pipeline
        self._emotion = emotion
        self._lexicon = lexicon
        self._bus = bus
        self._hub = hub
        self._desk = desk
        self._settings = settings
        self._ready = asyncio.Event()
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="emotion")
        self._tasks: set[asyncio.Task[Any]] = set()

    def open(self) -> None:
        """Models are loaded: turns that wait may begin."""
        self._ready.set()

    async def close(self) -> None:
        """Stop what is under way; unjudged turns are taken up at the next start."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def recover(self) -> int:
        """Take up the turns that a crash left without verdict or answer. Returns how many."""
        await self._ready.wait()
        since = utc_now() - RECOVER_WITHIN
        left = await self._database.read(conversations.unjudged)
        cut_off = await self._database.read(lambda conn: conversations.unanswered(conn, since=since))
        for message in left:
            await self._handle(message.conversation, message.seq, after_crash=True)
        for head in cut_off:
            await self._handle(head.id, head.last_seq, after_crash=True)
        return len(left) + len(cut_off)

    async def handle(self, conversation_id: str, seq: int) -> None:
        """Work on the visitor's message `seq`, after the conversation's earlier turns."""
        await self._handle(conversation_id, seq, after_crash=False)

    async def _handle(self, conversation_id: str, seq: int, *, after_crash: bool) -> None:
        started = time.monotonic()
        async with self._in_order(conversation_id):
            await self._hub.thinking(conversation_id, True)
            try:
                await self._ready.wait()
                with metrics.TURNS_OPEN.track_inprogress():
                    await self._turn(conversation_id, seq, started, after_crash=after_crash)
            except Exception:  # a task's outer edge: the visitor must hear something
                log.exception("turn_failed", conversation=conversation_id, seq=seq)
                metrics.TURN_FAILURES.inc()
                await self._apologise(conversation_id, seq)
            finally:
                await self._hub.thinking(conversation_id, False)

    @asynccontextmanager
    async def _in_order(self, conversation: str) -> AsyncIterator[None]:
        lock, waiting = self._locks.get(conversation, (asyncio.Lock(), 0))
        self._locks[conversation] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks[conversation]
            if waiting == 1:
                del self._locks[conversation]
            else:
                self._locks[conversation] = (lock, waiting - 1)

    async def _turn(self, conversation: str, seq: int, started: float, *, after_crash: bool) -> None:
        state = await self._database.read(lambda conn: load_turn(conn, conversation, seq, self._settings))
        if state is None or state.closed:  # taken up anew at the start while it was under way
            return
        owned = state.head.status is Status.WITH_BOT
        looking = asyncio.create_task(self._retrieve(state.question) if owned else _nothing())
        try:
            reading = await self._read_emotion(state)
            verdict = state.decided or await self._at_once(state, reading, started)
            if verdict is None:
                verdict = await self._decide(state, reading, await looking, started)
            retrieved = await looking if verdict.decision != "escalate" else None
        finally:
            looking.cancel()
        log.info(
            "turn", conversation=conversation, seq=seq, decision=verdict.decision, rule=verdict.rule,
            ms=round((time.monotonic() - started) * 1000),
        )  # fmt: skip
        if owned and verdict.decision != "escalate":
            await self._answer(
                state, retrieved, verdict.decision == "offer", started, after_crash=after_crash
            )
        metrics.TURN_SECONDS.observe(time.monotonic() - started)

    async def _read_emotion(self, state: TurnState) -> Reading:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.emotion_timeout):
                return await loop.run_in_executor(
                    self._pool, self._emotion.read, state.question.text, state.question.history
                )
        except Exception as error:  # any model may be plugged in; the lexicon decides in its place
            metrics.EMOTION_FALLBACKS.inc()
            log.warning(
                "emotion_fallback", error=type(error).__name__, seconds=self._settings.emotion_timeout
            )
            return self._lexicon.read(state.question.text, state.question.history)

    async def _retrieve(self, question: Question) -> Retrieved | None:
        try:
            return await self._pipeline.retrieve(question)
        except Exception:  # the index may be missing or rebuilding; the turn is still judged and answered
            log.exception("retrieve_failed")
            return None

    # ---- verdict ---------------------------------------------------------------------------------

    async def _at_once(self, state: TurnState, reading: Reading, started: float) -> Verdict | None:
        """The verdict, if the words alone hand the turn over: nobody waits for a search then."""
        trajectory, verdict = _judge(state, reading, None)
        if verdict.decision != "escalate" or verdict.rule not in AT_ONCE:
            return None
        return await self._keep(state, reading, (trajectory, verdict), started)

    async def _decide(
        self, state: TurnState, reading: Reading, retrieved: Retrieved | None, started: float
    ) -> Verdict:
        answerable = None
        if retrieved is not None and retrieved.ready is None:
            answerable = _in_policy_terms(
                retrieved.confidence, self._settings.answer_threshold, _policy(state)
            )
        return await self._keep(state, reading, _judge(state, reading, answerable), started)

    async def _keep(
        self, state: TurnState, reading: Reading, judged: tuple[Trajectory, Verdict], started: float
    ) -> Verdict:
        """Store the verdict, and hand over if it says so, in one transaction."""
        trajectory, verdict = judged
        escalate = verdict.decision == "escalate" and state.head.status is Status.WITH_BOT

        def decide(conn: Connection) -> Change | None:
            _store(conn, state, reading, trajectory, verdict)
            head = conversations.get(conn, state.head.id, lock=True)
            if not escalate or head.status is Status.RESOLVED:
                return None
            return escalation.request(
                conn, state.head.id, rule=verdict.rule, priority=verdict.priority,
                reason_zh=verdict.reason_zh, reason_en=verdict.reason_en,
                evidence=[span.text for span in verdict.evidence], negative=reading.negative,
            )  # fmt: skip

        change = await self._database.write(decide)
        metrics.TURNS.labels(verdict.decision, verdict.rule).inc()
        metrics.JUDGE_SECONDS.observe(time.monotonic() - started)
        if change is not None:
            await self._desk.changed(change)
        return verdict

    # ---- answer ----------------------------------------------------------------------------------

    async def _answer(
        self, state: TurnState, retrieved: Retrieved | None, offer: bool, started: float, *, after_crash: bool
    ) -> None:
        stream = messages.new_id()
        answer = await self._generate(state, retrieved, stream, started)
        if answer is None:
            metrics.FENCED.inc()
            return
        if offer:
            answer = _with_offer(answer, state.question.language)
        posted = await self._post(state, {**answer.body(), "stream": stream}, after_crash=after_crash)
        if posted:
            metrics.ANSWERS.labels(answer.source).inc()

    async def _generate(
        self, state: TurnState, retrieved: Retrieved | None, stream: str, started: float
    ) -> Answer | None:
        """The answer, streamed on the way; None when a person took over meanwhile."""
        if retrieved is None:
            return _sorry(state.question.language)
        work = asyncio.create_task(self._stream(state, retrieved, stream, started))
        self._tasks.add(work)
        async with self._cancelled_on_takeover(state, work):
            try:
                return await work
            except asyncio.CancelledError:
                if work.cancelled() and not _cancelling():
                    return None
                work.cancel()
                raise
            finally:
                self._tasks.discard(work)

    async def _stream(self, state: TurnState, retrieved: Retrieved, stream: str, started: float) -> Answer:
        n, held, last = 0, "", 0.0
        async with aclosing(self._pipeline.answer(state.question, retrieved)) as items:
            async for item in items:
                if isinstance(item, Answer):
                    if n == 0:
                        metrics.FIRST_TEXT_SECONDS.observe(time.monotonic() - started)
                    return item
                held += item.text
                if time.monotonic() - last >= COALESCE:
                    if n == 0:
                        metrics.FIRST_TEXT_SECONDS.observe(time.monotonic() - started)
                    await self._hub.delta(state.head.id, stream, n, held)
                    n, held, last = n + 1, "", time.monotonic()
        return _sorry(state.question.language)

    @asynccontextmanager
    async def _cancelled_on_takeover(self, state: TurnState, work: asyncio.Task[Any]) -> AsyncIterator[None]:
        changed = asyncio.Event()

        def heard(event: BusEvent) -> None:
            if event.seq > 0:
                changed.set()

        async def watch() -> None:
            while True:
                await changed.wait()
                changed.clear()
                head = await self._database.read(lambda conn: conversations.get(conn, state.head.id))
                if head.version != state.head.version:
                    work.cancel()
                    return

        subscription = await self._bus.subscribe(conversation_topic(state.head.id), heard)
        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()
            await subscription.close()

    async def _post(self, state: TurnState, body: dict[str, Any], *, after_crash: bool = False) -> bool:
        seq, version = state.message.seq, state.head.version

        def post(conn: Connection) -> tuple[Message, ...]:
            rows: tuple[Message, ...] = ()
            if after_crash:
                rows = conversations.post_as_bot(
                    conn,
                    state.head.id,
                    expected_version=version,
                    body={},
                    kind=Kind.BOT_FAILED,
                    cid=f"failed:{seq}",
                ).rows
            posted = conversations.post_as_bot(
                conn, state.head.id, expected_version=version, body=body, cid=f"answer:{seq}"
            )
            return (*rows, *posted.rows)

        try:
            rows = await self._database.write(post)
        except Conflict as refusal:  # a person took over, or this turn was answered already
            log.info("answer_dropped", conversation=state.head.id, seq=seq, code=refusal.code)
            metrics.FENCED.inc()
            return False
        await self._hub.rows(rows)
        return bool(rows)

    async def _apologise(self, conversation: str, seq: int) -> None:
        try:
            state = await self._database.read(lambda conn: load_turn(conn, conversation, seq, self._settings))
            if state is not None and state.head.status is Status.WITH_BOT:
                await self._post(state, _sorry(state.question.language).body())
        except HandoffError as error:  # storage is down: nothing can be said either
            log.warning("apology_failed", conversation=conversation, code=error.code)


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _nothing() -> None:
    return None


def _sorry(language: str) -> Answer:
    return Answer(texts.busy(language), answered=False, confidence=0.0, offer_person=True, source="decline")


def _with_offer(answer: Answer, language: str) -> Answer:
    if answer.offer_person:
        return answer
    return replace(answer, text=f"{answer.text}\n\n{texts.offer(language)}", offer_person=True)


def _judge(state: TurnState, reading: Reading, answerable: float | None) -> tuple[Trajectory, Verdict]:
    return judge(
        Trajectory.from_json(state.trajectory) if state.trajectory else Trajectory(),
        TurnSignals(
            text=state.question.text,
            language=state.question.language,
            reading=reading,
            history=state.question.history,
            answerable=answerable,
            answered_before=state.answered_before,
            human_available=state.human_available,
        ),
        _policy(state),
    )


def _in_policy_terms(confidence: float, threshold: float, policy: EscalationPolicy) -> float:
    """The confidence on the policy's scale: what the bot declines counts as not found, nothing else does."""
    below = policy.answerable_below
    if confidence < threshold:
        return confidence / threshold * below * 0.999
    return below + (confidence - threshold) / max(1e-9, 1 - threshold) * (1 - below)


def _policy(state: TurnState) -> EscalationPolicy:
    """The inbox's policy; "are you a bot?" is answered honestly with an offer, it is no request yet."""
    policy = EscalationPolicy.from_mapping(state.inbox.policy)
    if smalltalk(state.question.text, state.question.language) is None or policy.rules["request"] == "off":
        return policy
    return replace(policy, rules={**policy.rules, "request": "offer"})


def _store(
    conn: Connection, state: TurnState, reading: Reading, trajectory: Trajectory, verdict: Verdict
) -> None:
    verdicts.store(
        conn, conversation=state.head.id, seq=state.message.seq, decision=verdict.decision, rule=verdict.rule,
        score=verdict.score, threshold=verdict.threshold, negative=reading.negative, level=verdict.level,
        label=reading.label, intensity=reading.intensity,
        evidence=[{"start": span.start, "end": span.end, "text": span.text} for span in verdict.evidence],
        signals=verdict.signals, trajectory=trajectory.to_json(), reason_zh=verdict.reason_zh,
        reason_en=verdict.reason_en,
    )  # fmt: skip
