"""A server with the bot behind it, on stand-ins, for tests that read like conversations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from bot.components import make_language_model, make_pipeline
from bot.copilot import Copilot
from bot.frontdesk import BriefingDesk
from bot.settings import Settings
from bot.turns import Turns
from handoff.emotion_lexicon import LexiconClassifier
from handoff.protocol import Msg
from handoff.writer import Database
from tests.bot.stand_ins import Mood, Shelf
from tests.serving import Served, serving

structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
)  # the default prints local variables, which takes seconds


def quick_settings(home: Path, **fields: Any) -> Settings:
    """Settings with short patience; nothing from the environment matters."""
    given: dict[str, Any] = {
        "home": home,
        "answer_threshold": 0.3,
        "emotion_timeout": 0.3,
        "llm_first_token_timeout": 2.0,
        "llm_token_timeout": 1.0,
        "llm_total_timeout": 5.0,
    }
    return Settings(**(given | fields))


class Bot:
    """The bot behind a server: what tests turn and look at."""

    def __init__(self, served: Served, turns: Turns, shelf: Shelf, mood: Mood) -> None:
        self.served, self.turns, self.shelf, self.mood = served, turns, shelf, mood


@asynccontextmanager
async def talking(database: Database, settings: Settings, *, warm: bool = True) -> AsyncIterator[Bot]:
    """Run the bot; `warm=False` leaves its models loading."""
    shelf, mood = Shelf(), Mood()
    model = make_language_model(settings)
    copilot = Copilot(database, model)
    async with serving(database, front_desk=lambda hub: BriefingDesk(hub, copilot)) as served:
        edge = served.edge
        turns = Turns(
            database=database,
            pipeline=make_pipeline(shelf, settings, model),
            emotion=mood,
            lexicon=LexiconClassifier(),
            bus=edge.hub.bus,
            hub=edge.hub,
            desk=edge.desk,
            settings=settings,
        )
        edge.answer_with(turns)
        if warm:
            turns.open()
        try:
            yield Bot(served, turns, shelf, mood)
        finally:
            mood.hold.set()
            await turns.close()


def answers(rows: list[Msg]) -> list[Msg]:
    """The bot's answers among the rows."""
    return [row for row in rows if row.from_ == "bot" and row.kind == "text"]


async def until(condition: Any, patience: float = 5.0) -> Any:
    """Poll until `condition()` is truthy; its value."""
    async with asyncio.timeout(patience):
        while not (value := condition()):
            await asyncio.sleep(0.01)
    return value
