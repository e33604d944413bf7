"""Language models: any LangChain chat model by `provider:model`, called with deadlines, one retry and a
breaker."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import structlog

from bot.errors import ConfigurationError, ModelError
from bot.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

log = structlog.get_logger(__name__)
_LOCAL_KEY = "not-needed"  # servers on one's own machine ask for no key, the client insists on one
RETRY_AFTER_MOST = 5.0  # seconds; a server that wants a longer pause is not waited for


def make_chat_model(settings: Settings) -> BaseChatModel | None:
    """The chat model that the settings name, or None. Nothing is called yet.

    Raises:
        ConfigurationError: `llm_provider_missing` (package or provider unknown) or `llm_key_missing`.
    """
    if settings.llm is None:
        return None
    provider, _, name = settings.llm.partition(":")
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    if provider == "openai":
        return _openai(settings, name, key)
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"temperature": settings.llm_temperature, "max_tokens": settings.llm_max_tokens}
    if settings.llm_base_url:
        options["base_url"] = settings.llm_base_url
    if key:
        options["api_key"] = key
    try:
        model: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
        return model
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            "llm_provider_missing",
            f"无法使用语言模型 {settings.llm}：{error}。请检查 JIELI_LLM，或安装对应的 langchain 集成包。",
            f"The language model {settings.llm} cannot be used: {error}. Check JIELI_LLM, or install its"
            " LangChain package.",
        ) from error


def _openai(settings: Settings, name: str, key: str | None) -> BaseChatModel:
    import os

    from httpx2 import Timeout
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    if key is None and os.environ.get("OPENAI_API_KEY") is None:
        if settings.llm_base_url is None:
            raise ConfigurationError(
                "llm_key_missing",
                "已设置 JIELI_LLM，但没有密钥；请设置 JIELI_LLM_API_KEY，或用 JIELI_LLM_BASE_URL"
                " 指向本地模型服务。",
                "JIELI_LLM is set without a key; set JIELI_LLM_API_KEY, or point JIELI_LLM_BASE_URL at a"
                " local server.",
            )
        key = _LOCAL_KEY
    return ChatOpenAI(
        model=name,
        base_url=settings.llm_base_url,
        api_key=SecretStr(key) if key else None,
        temperature=settings.llm_temperature,
        max_completion_tokens=settings.llm_max_tokens,
        timeout=Timeout(settings.llm_total_timeout, connect=settings.llm_connect_timeout),
        max_retries=0,
        stream_usage=True,
        stream_chunk_timeout=None,
    )


class Breaker:
    """Stops calling a model that keeps failing: open after `failures` within `window` seconds, for `pause`
    seconds."""

    def __init__(
        self, failures: int, window: float, pause: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._window, self._pause, self._clock = failures, window, pause, clock
        self._failed: deque[float] = deque(maxlen=failures)
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether calls are to be skipped now."""
        return self._clock() < self._open_until

    def succeeded(self) -> None:
        """A call ended well: past failures are forgotten."""
        self._failed.clear()

    def failed(self) -> None:
        """A call failed; opens when too many did within the window."""
        now = self._clock()
        self._failed.append(now)
        if len(self._failed) == self._limit and now - self._failed[0] <= self._window:
            self._open_until = now + self._pause
            self._failed.clear()


def _explain(error: BaseException) -> ModelError:
    """What a client's exception means, with a code that operators can look up."""
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    if isinstance(error, ModelError):
        return error
    if isinstance(error, TimeoutError) or "Timeout" in name:
        return ModelError(
            "llm_timeout", "语言模型没有按时响应。", "The language model did not answer in time."
        )
    if status in {401, 403}:
        return ModelError(
            "llm_key_wrong",
            "语言模型拒绝了密钥；请检查 JIELI_LLM_API_KEY。",
            "The language model refused the key; check JIELI_LLM_API_KEY.",
        )
    if status == 404:
        return ModelError(
            "llm_model_unknown",
            "模型服务不认识这个模型；请检查 JIELI_LLM 和 JIELI_LLM_BASE_URL。",
            "The model server does not know this model; check JIELI_LLM and JIELI_LLM_BASE_URL.",
        )
    if status == 429:
        return ModelError("llm_rate_limited", "语言模型限流中。", "The language model limits our rate.")
    return ModelError("llm_failed", f"语言模型调用失败（{name}）。", f"The language model failed ({name}).")


def _may_retry(error: BaseException) -> float | None:
    """Seconds to wait before one more try, or None when another try cannot help."""
    status = getattr(error, "status_code", None)
    if status is not None and status != 429 and status < 500:
        return None
    response = getattr(error, "response", None)
    header = response.headers.get("retry-after") if response is not None else None
    try:
        wait = float(header) if header else 0.2
    except ValueError:
        wait = 0.2
    return wait if wait <= RETRY_AFTER_MOST else None


class LanguageModel:
    """A chat model with deadlines (RELIABILITY: connect 3 s, first token 10 s, between tokens 8 s, total 60
    s)."""

    def __init__(self, model: BaseChatModel, settings: Settings) -> None:
        self.model = model
        self.name = settings.llm or type(model).__name__
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.llm_concurrency)
        self.breaker = Breaker(
            settings.llm_breaker_failures, settings.llm_breaker_window, settings.llm_breaker_pause
        )
        self.last_error: ModelError | None = None
        self.tokens = {"input": 0, "output": 0}

    async def stream(self, messages: Sequence[BaseMessage]) -> AsyncGenerator[str, None]:
        """Text as it comes.

        Raises:
            ModelError: with a stable code; the first try was repeated once if nothing had come yet.
        """
        if self.breaker.is_open:
            raise ModelError(
                "llm_paused",
                "语言模型连续失败，暂停使用。",
                "The language model keeps failing and is paused.",
            )
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.llm_first_token_timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            raise ModelError("llm_busy", "语言模型正忙。", "The language model is busy.") from error
        try:
            async for text in self._with_retry(messages, started):
                yield text
            self.breaker.succeeded()
            self.last_error = None
        except ModelError as error:
            self.last_error = error
            self.breaker.failed()
            raise
        finally:
            self._slots.release()

    async def probe(self) -> None:
        """One short call, to find out whether address, model and key are right. Raises ModelError."""
        from langchain_core.messages import HumanMessage

        async with aclosing(self.stream([HumanMessage("ping")])) as stream:
            await anext(stream, None)

    async def _with_retry(self, messages: Sequence[BaseMessage], started: float) -> AsyncGenerator[str, None]:
        for attempt in (1, 2):
            any_text = False
            try:
                async with aclosing(self._once(messages, started)) as stream:
                    async for text in stream:
                        any_text = True
                        yield text
                if any_text:
                    return
                raise ModelError("llm_empty", "语言模型没有输出。", "The language model said nothing.")
            except Exception as error:  # every provider raises its own kind; typed and logged here
                wait = _may_retry(error)
                explained = _explain(error)
                log.warning(
                    "model_call_failed", code=explained.code, attempt=attempt, error=type(error).__name__
                )
                if any_text or attempt == 2 or wait is None or explained.code == "llm_timeout":
                    raise explained from error
                await asyncio.sleep(wait)

    async def _once(self, messages: Sequence[BaseMessage], started: float) -> AsyncGenerator[str, None]:
        settings = self._settings
        async with aclosing(_iterate(self.model, messages)) as stream:
            wait = settings.llm_first_token_timeout
            while True:
                left = settings.llm_total_timeout - (time.monotonic() - started)
                async with asyncio.timeout(max(0.0, min(wait, left))):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                usage = getattr(chunk, "usage_metadata", None)
                if usage:
                    self.tokens["input"] += usage["input_tokens"]
                    self.tokens["output"] += usage["output_tokens"]
                text = chunk.text
                if text:
                    wait = settings.llm_token_timeout
                    yield str(text)


async def _iterate(model: BaseChatModel, messages: Sequence[BaseMessage]) -> AsyncGenerator[Any, None]:
    async for chunk in model.astream(list(messages)):
        yield chunk
