"""The parts that the server and the command line build alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.answerer_extractive import ExtractiveAnswerer
from bot.answerer_generative import GenerativeAnswerer
from bot.answers import Answerer, Knowledge
from bot.errors import ConfigurationError
from bot.llm import LanguageModel, make_chat_model
from bot.pipeline.answering import Pipeline
from bot.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def check_model_paths(settings: Settings) -> None:
    """Refuse a model path that does not exist (a hub's id is not a path).

    Raises:
        ConfigurationError: `model_path_missing`.
    """
    for name, value in (
        ("JIELI_EMBEDDER", settings.embedder),
        ("JIELI_EMOTION_MODEL", settings.emotion_model),
    ):
        if value and value.startswith(("/", "./", "../", "~")) and not Path(value).expanduser().exists():
            raise ConfigurationError(
                "model_path_missing",
                f"{name} 指向的 {value} 不存在；请改成正确的路径，或取消设置以使用内置模型。",
                f"{name} points to {value}, which does not exist; correct it, or unset it to use the"
                f" built-in model.",
            )


def make_language_model(settings: Settings, chat_model: BaseChatModel | None = None) -> LanguageModel | None:
    """The language model of the settings (or `chat_model` in its place), or None.

    Raises:
        ConfigurationError: the settings name one that cannot be built.
    """
    model = chat_model or make_chat_model(settings)
    return LanguageModel(model, settings) if model is not None else None


def make_pipeline(knowledge: Knowledge, settings: Settings, model: LanguageModel | None) -> Pipeline:
    """Answers from `knowledge`: written by `model` where there is one, else quoted."""
    answerer: Answerer = ExtractiveAnswerer(settings.link_hosts)
    if model is not None:
        answerer = GenerativeAnswerer(
            model, answerer, redact_personal=settings.redact, link_hosts=settings.link_hosts
        )
    return Pipeline(knowledge, answerer, settings, model)
