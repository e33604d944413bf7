"""`python -m bot.bench.model_server GAP_MS PORT`: an OpenAI-compatible model that quotes its first source at
once, token by token, `GAP_MS` apart."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

_SOURCE = re.compile(r'<source id="1">\n[^\n]*\n(.*?)</source>', re.DOTALL)
_TOKEN = 4  # characters


def quoted(messages: list[dict[str, Any]]) -> str:
    """The first sentence of the first source in the prompt, with its mark."""
    found = _SOURCE.search("\n".join(str(message["content"]) for message in messages))
    lines = [
        line for line in (found[1] if found else "").splitlines() if len(line) > 15 and line[0] not in "#|"
    ]
    line = re.sub(r"[*_]", "", lines[0]) if lines else "NOT_FOUND"
    return f"{line} [1]\n\n"


def application(gap: float) -> FastAPI:
    """The server; `gap` is seconds between two tokens."""
    app = FastAPI()

    async def tokens(text: str) -> AsyncIterator[bytes]:
        for at in range(0, len(text), _TOKEN):
            delta = {"role": "assistant", "content": text[at : at + _TOKEN]}
            yield _event({"index": 0, "delta": delta, "finish_reason": None})
            await asyncio.sleep(gap)
        yield _event({"index": 0, "delta": {}, "finish_reason": "stop"})
        yield b"data: [DONE]\n\n"

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> StreamingResponse:
        text = quoted((await request.json())["messages"])
        return StreamingResponse(tokens(text), media_type="text/event-stream")

    return app


def _event(choice: dict[str, Any]) -> bytes:
    body = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "stub", "choices": [choice]}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


if __name__ == "__main__":
    uvicorn.run(application(float(sys.argv[1]) / 1000), port=int(sys.argv[2]), log_level="warning")
