"""`bench answers`: a language model's first text through the answer path, against the bare model server.

Measured in one process over the settings' knowledge base: search, prompt, model client and sentence check.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import httpx2
from pydantic import SecretStr

from bot.answers import Piece, Question
from bot.bench.chat import milliseconds
from bot.bench.process import running
from bot.components import make_language_model, make_pipeline
from bot.logs import configure_logging
from bot.pipeline.answering import Pipeline
from bot.settings import Settings, load_settings
from bot.textparts import language_of
from kb_ingest.knowledge import KnowledgeBase

WARM = 3  # rounds that do not count
BODY = {"model": "stub", "stream": True}


def first_text(
    base: KnowledgeBase, questions: Sequence[str], collections: tuple[str, ...], gap_ms: float
) -> dict[str, Any]:
    """Milliseconds to the first shown text, to the search's end, and of the bare server, in turn."""
    configure_logging(load_settings())
    with running("bot.bench.model_server", str(gap_ms), pin=None) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        settings = load_settings().model_copy(
            update={"llm": "openai:stub", "llm_base_url": url, "llm_api_key": SecretStr("none"),
                    "answer_threshold": 0.0, "clarify_margin": 0.0}
        )  # fmt: skip
        pipeline = make_pipeline(base, settings, make_language_model(settings))
        return asyncio.run(_measured(pipeline, settings, questions, collections))


async def _measured(
    pipeline: Pipeline, settings: Settings, questions: Sequence[str], collections: tuple[str, ...]
) -> dict[str, Any]:
    bare: list[float] = []
    token: list[float] = []
    found: list[float] = []
    shown: list[float] = []
    generated = 0
    async with httpx2.AsyncClient(trust_env=False) as client:
        for n, text in enumerate([*questions[:WARM], *questions]):
            question = Question(text, language_of(text), (), collections)
            began = time.perf_counter()
            retrieved = await pipeline.retrieve(question)
            searched = time.perf_counter() - began
            prompt = "".join(
                f'<source id="1">\n{hit.title}\n{hit.text}\n</source>' for hit in retrieved.hits[:1]
            )
            alone = await _bare(client, f"{settings.llm_base_url}/chat/completions", prompt)
            began = time.perf_counter()
            first, written = None, False
            async with aclosing(pipeline.answer(question, retrieved)) as items:
                async for item in items:
                    first = first or time.perf_counter() - began
                    written = written or (not isinstance(item, Piece) and item.source == "generative")
            if n < WARM or first is None or not written:
                continue
            generated += 1
            bare.append(alone[1])
            token.append(alone[0])
            found.append(searched)
            shown.append(searched + first)
    return {"answers": generated, **_figures("bare_first_token", token), **_figures("bare_sentence", bare),
            **_figures("search", found), **_figures("first_text", shown),
            **_figures("overhead", [a - b for a, b in zip(shown, token, strict=True)])}  # fmt: skip


async def _bare(client: httpx2.AsyncClient, url: str, prompt: str) -> tuple[float, float]:
    """Seconds to the first token and to the end of the first line, straight from the model server."""
    began = time.perf_counter()
    first, text = 0.0, ""
    body = {**BODY, "messages": [{"role": "user", "content": prompt}]}
    async with client.stream("POST", url, json=body) as response:
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            first = first or time.perf_counter() - began
            text += json.loads(line[6:])["choices"][0]["delta"].get("content", "")
            if "\n" in text:
                break
    return first, time.perf_counter() - began


def _figures(name: str, seconds: list[float]) -> dict[str, Any]:
    return {f"{name}_p50_ms": milliseconds(seconds, 50), f"{name}_p99_ms": milliseconds(seconds, 99)}
