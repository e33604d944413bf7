"""Structured logs: one line per connection, turn and escalation, never a message's text at INFO."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.settings import Settings

_SECRET_KEY = re.compile(r"secret|password|api_key|token|authorization|cookie|ticket", re.IGNORECASE)
_TEXT_KEYS = frozenset({"text", "question", "answer", "body", "preview"})


def _mask(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop secrets always, and what people wrote unless the line is for debugging."""
    for key in list(event):
        if _SECRET_KEY.search(key) or (key in _TEXT_KEYS and level != "debug"):
            event[key] = "***"
    return event


def configure_logging(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to standard error, in one format."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpx2", "openai", "httpcore", "chromadb", "sentence_transformers", "urllib3"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
