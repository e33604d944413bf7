"""Customers are answered, or handed over; never both, never neither."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from handoff import conversations, escalations, verdicts
from handoff.domain import Status
from handoff.protocol import Delta, Msg, QueueOffered, Thinking
from handoff.writer import Database
from tests.bot.talk import Bot, answers, quick_settings, talking, until
from tests.llm_server import ModelServer, Script, model_server


@pytest_asyncio.fixture(loop_scope="function")
async def bot(sqlite_database: Database, tmp_path: Path) -> AsyncIterator[Bot]:
    async with talking(sqlite_database, quick_settings(tmp_path)) as found:
        yield found


async def test_a_question_is_answered_with_its_source(bot: Bot) -> None:
    async with bot.served.visitor() as visitor:
        await visitor.says("退货要几天之内申请？")
        delta = await visitor.hears(Delta)
        answer: Msg = await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        assert "7 天内" in answer.body["text"] and answer.body["answered"] is True
        citation = answer.body["citations"][0]
        assert (
            citation["title"] == "七天无理由退货" and citation["url"] == "https://shop.example/help/returns"
        )
        assert delta.stream == answer.stream and delta.text in answer.body["text"]
        await visitor.hears(lambda f: isinstance(f, Thinking) and not f.on)


async def test_every_turn_leaves_a_verdict_also_when_it_stays(bot: Bot) -> None:
    async with bot.served.visitor() as visitor:
        ack = await visitor.says("运费多少钱？")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        found = await bot.served.database.read(lambda conn: verdicts.of(conn, visitor.conversation))
        assert [(v.seq, v.decision) for v in found] == [(ack.seq, "answer")]
        assert found[0].reason_zh and found[0].reason_en


async def test_what_is_not_known_is_declined_and_a_person_offered(bot: Bot) -> None:
    async with bot.served.visitor() as visitor:
        await visitor.says("do you sell rocket engines?")
        answer: Msg = await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        assert answer.body["answered"] is False and answer.body["offer_person"] is True
        assert "do not want to guess" in answer.body["text"]


async def test_two_questions_in_a_row_without_an_answer_bring_a_person(bot: Bot) -> None:
    async with bot.served.visitor() as visitor:
        await visitor.says("do you sell rocket engines?")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        await visitor.says("hello")  # small talk in between changes nothing
        await until(lambda: len(answers(visitor.transcript.rows)) == 2)
        await visitor.says("who won the chess championship in 1972?")
        queued: Msg = await visitor.hears(lambda f: isinstance(f, Msg) and f.body.get("event") == "queued")
        assert queued.body["rule"] == "nothing_found"


async def test_anger_reaches_an_agent_with_reason_and_briefing(bot: Bot) -> None:
    async with bot.served.agent("lin") as agent, bot.served.visitor() as visitor:
        await visitor.says("我的订单 JD20260301 退货要几天？")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        await visitor.says("问了三遍了！！垃圾客服！")
        offer: QueueOffered = await agent.hears(QueueOffered)
        assert offer.reason == "emotion" and "三遍" in offer.evidence[0]
        assert len(answers(visitor.transcript.rows)) == 1  # an escalated turn gets no answer
        await agent.accepts(offer.entry)
        transcript = await agent.follow(visitor.conversation)
        await until(lambda: [row for row in transcript.rows if row.kind == "briefing"])
        briefing = next(row for row in transcript.rows if row.kind == "briefing").body
        assert "JD20260301" in briefing["facts"][0]["zh"]
        assert "七天无理由退货" in briefing["tried"][0]["zh"]
        assert "愤怒" in briefing["emotion"]["zh"] and "angry" in briefing["emotion"]["en"]
        assert "退货要几天" in briefing["need"]["zh"] and "退货要几天" in briefing["first_sentence"]["zh"]
        seen = await visitor.reaches(visitor.conversation, transcript.rows[-1].seq)
        assert [row.body for row in seen.rows if row.kind == "private"] == [{}]


async def test_the_button_gets_a_briefing_too(bot: Bot) -> None:
    async with bot.served.visitor() as visitor:
        await visitor.says("运费多少钱？")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        await visitor.asks("request_human")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.kind == "private")
        found = await bot.served.database.read(lambda conn: escalations.of(conn, visitor.conversation))
        assert len(found) == 1 and "运费" in found[0]["briefing"]["need"]["zh"]


async def test_small_talk_needs_no_knowledge(bot: Bot) -> None:
    async with bot.served.visitor() as visitor:
        await visitor.says("你是机器人吗？")
        answer: Msg = await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        assert "机器人" in answer.body["text"] and bot.shelf.asked == []


async def test_turns_of_one_conversation_are_answered_in_order(bot: Bot) -> None:
    async with bot.served.visitor() as visitor:
        for text in ("运费多少钱？", "退款多久到账？", "谢谢"):
            await visitor.says(text)
        await until(lambda: len(answers(visitor.transcript.rows)) == 3)
        first, second, third = (row.body["text"] for row in answers(visitor.transcript.rows))
        assert "99 元" in first and "工作日" in second and "不客气" in third


async def test_when_the_emotion_model_breaks_the_word_lists_decide(bot: Bot) -> None:
    bot.mood.error = RuntimeError("no weights")
    async with bot.served.visitor() as visitor:
        await visitor.says("你们是骗子！太恶心了，垃圾！我要投诉你们！！")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.body.get("event") == "queued")
        await visitor.says("好的")


async def test_when_the_emotion_model_hangs_the_visitor_does_not_wait_for_it(bot: Bot) -> None:
    bot.mood.hold.clear()
    async with bot.served.visitor() as visitor:
        await visitor.says("运费多少钱？")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot", patience=2)


async def test_without_its_index_the_bot_apologises_and_still_hears_anger(bot: Bot) -> None:
    bot.shelf.broken = True
    async with bot.served.visitor() as visitor:
        await visitor.says("运费多少钱？")
        answer: Msg = await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        assert answer.body["offer_person"] is True and answer.body["answered"] is False
        await visitor.says("垃圾！！")
        await visitor.hears(lambda f: isinstance(f, Msg) and f.body.get("event") == "queued")


async def test_a_message_sent_while_the_models_load_is_answered_afterwards(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with (
        talking(sqlite_database, quick_settings(tmp_path), warm=False) as bot,
        bot.served.visitor() as visitor,
    ):
        await visitor.says("运费多少钱？")
        await visitor.hears(Thinking)
        assert answers(visitor.transcript.rows) == []
        recovering = asyncio.create_task(bot.turns.recover())  # it finds this turn unjudged, too
        bot.turns.open()
        await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot")
        await recovering
        await visitor.typing(visitor.conversation)
        assert [row.kind for row in visitor.transcript.rows if row.from_ == "bot"] == ["text"]
        assert len({frame.stream for frame in visitor.frames if isinstance(frame, Delta)}) == 1


async def test_turns_that_a_crash_left_open_are_taken_up(sqlite_database: Database, tmp_path: Path) -> None:
    async with (
        talking(sqlite_database, quick_settings(tmp_path), warm=False) as bot,
        bot.served.visitor() as visitor,
        bot.served.visitor() as angry,
    ):
        await visitor.says("运费多少钱？")
        await angry.says("垃圾！！")
        await bot.turns.close()  # as if the process had died here
        async with talking(sqlite_database, quick_settings(tmp_path)) as again:
            assert await again.turns.recover() == 2
            assert await again.turns.recover() == 0
        rows = await bot.served.edge.hub.database.read(
            lambda conn: conversations.get(conn, angry.conversation).status
        )
        assert rows is Status.QUEUED
        await bot.served.edge.hub.publish(visitor.conversation)
        await until(lambda: answers(visitor.transcript.rows))
        kinds = [row.kind for row in visitor.transcript.rows if row.from_ == "bot"]
        assert kinds == ["bot_failed", "text"]


# ---- takeover while the bot writes -----------------------------------------------------------------


@pytest.fixture
async def slow_model() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        pieces = (
            "满 99 元包邮 [2]。",
            "不满 99 元收取 8 元运费 [2]。",
            "新疆、西藏满 199 元包邮 [2]。",
            "谢谢。",
        )
        server.says(Script(pieces, between=0.15))
        yield server


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_takeover_silences_the_bot_and_hangs_up_on_the_model(
    sqlite_database: Database, tmp_path: Path, slow_model: ModelServer, after: int
) -> None:
    settings = quick_settings(tmp_path, llm="openai:scripted", llm_base_url=slow_model.url)
    async with talking(sqlite_database, settings) as bot, bot.served.visitor() as visitor:
        await visitor.says("运费多少钱？")
        await until(lambda: len([f for f in visitor.frames if isinstance(f, Delta)]) >= after)
        await visitor.asks("request_human")
        await until(lambda: any(isinstance(f, Thinking) and not f.on for f in visitor.frames))
        await asyncio.sleep(0.3)
        assert answers(visitor.transcript.rows) == []
        if after:
            await asyncio.wait_for(slow_model.dropped.wait(), 2)


async def test_an_answer_that_is_late_is_fenced_off(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bot.served.visitor() as visitor:
        bot.mood.hold.clear()
        await visitor.says("运费多少钱？")
        await visitor.asks("request_human")
        bot.mood.hold.set()
        await visitor.hears(lambda f: isinstance(f, Thinking) and not f.on)
        assert answers(visitor.transcript.rows) == []
