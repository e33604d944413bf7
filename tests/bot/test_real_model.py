"""The whole way with a real model behind a real server: streamed, cancelled, killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from bot.components import make_language_model
from bot.errors import ModelError
from handoff.protocol import Msg, Thinking
from handoff.writer import Database
from tests.bot.talk import answers, quick_settings, talking, until
from tests.llm_child import RealModel, real_model

pytestmark = pytest.mark.llm
PATIENT = {"llm_first_token_timeout": 20.0, "llm_token_timeout": 10.0, "llm_total_timeout": 40.0}


@pytest.fixture
def model() -> Iterator[RealModel]:
    with real_model() as found:
        yield found


async def test_a_real_model_streams_is_cancelled_and_survived(
    model: RealModel, sqlite_database: Database, tmp_path: Path
) -> None:
    settings = quick_settings(
        tmp_path, llm="openai:local", llm_base_url=model.url, llm_max_tokens=400, **PATIENT
    )
    language_model = make_language_model(settings)
    assert language_model is not None
    pieces = [piece async for piece in language_model.stream([HumanMessage("Count from one to five.")])]
    assert len(pieces) > 3 and language_model.tokens["output"] > 0

    async with talking(sqlite_database, settings) as bot:
        async with bot.served.visitor(lang="en") as visitor:
            await visitor.says("Within how many days can I return an item?")
            answer: Msg = await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot", patience=30)
            assert answer.body["answered"] and "7 days" in answer.body["text"]
            assert answer.body["citations"][0]["title"] == "Returns"

        async with bot.served.visitor(lang="en") as visitor:  # a person takes over while it writes
            await visitor.says("Can an unused item be returned, and within how many days?")
            await visitor.hears(Thinking)
            await visitor.asks("request_human")
            await visitor.hears(lambda f: isinstance(f, Thinking) and not f.on)
            await _idle(model)
            assert answers(visitor.transcript.rows) == []

        async with bot.served.visitor(lang="en") as visitor:  # the server dies in the middle of an answer
            await visitor.says("Within how many days can I return an item?")
            await visitor.hears(Thinking)
            await asyncio.sleep(0.2)
            model.kill()
            await until(lambda: answers(visitor.transcript.rows), patience=20)
            assert "7 days" in answers(visitor.transcript.rows)[0].body["text"]
            assert len(answers(visitor.transcript.rows)) == 1

    with pytest.raises(ModelError):
        await language_model.probe()


async def _idle(model: RealModel) -> None:
    """Wait until the model server works on nothing: the cancelled call was really given up."""
    import httpx

    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(10):
        while True:
            slots = (await http.get(model.url.replace("/v1", "/slots"))).json()
            if not any(slot["is_processing"] for slot in slots):
                return
            await asyncio.sleep(0.05)
