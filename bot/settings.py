"""Everything that can be set, read from the environment (`JIELI_…`) or passed in by tests.

docs/configuration.md explains each one; a test compares the two.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import ConfigurationError

SAMPLE_SECRET = "change-me"  # noqa: S105 refused, not used


class Settings(BaseSettings):
    """The settings of one process. Durations are seconds, probabilities 0..1."""

    model_config = SettingsConfigDict(env_prefix="JIELI_", extra="ignore", env_ignore_empty=True)

    home: Path = Field(default=Path(".jieli"), description="data folder: jieli.db, chroma/, models/")
    database_url: str | None = Field(default=None, description="sqlite:///path or postgresql+psycopg://…")
    host: str = "127.0.0.1"
    port: int = Field(default=8400, ge=1, le=65535)
    public_url: str | None = Field(default=None, description="address under which browsers reach the server")
    secret: SecretStr | None = Field(
        default=None, description="signs tickets; made and kept in home if unset"
    )
    redis_url: str | None = Field(default=None, description="event bus for several server processes")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "console", "json"] = "auto"

    embedder: str | None = Field(default=None, description="sentence-transformers id or path; None = shipped")
    emotion_model: str | None = Field(default=None, description="transformers id or path; None = shipped")
    emotion_timeout: float = Field(default=2.0, gt=0, description="after it the lexicon decides")
    model_threads: int = Field(default=1, ge=1, description="threads of one local model call")
    workers: int = Field(default=2, ge=1, description="local model calls at the same time")

    llm: str | None = Field(default=None, description="provider:model, e.g. openai:gpt-4o-mini")
    llm_base_url: str | None = Field(default=None, description="OpenAI-compatible address")
    llm_api_key: SecretStr | None = None
    llm_temperature: float = Field(default=0.0, ge=0, le=2)
    llm_max_tokens: int = Field(default=600, ge=16)
    llm_connect_timeout: float = Field(default=3.0, gt=0)
    llm_first_token_timeout: float = Field(default=10.0, gt=0)
    llm_token_timeout: float = Field(default=8.0, gt=0)
    llm_total_timeout: float = Field(default=60.0, gt=0)
    llm_concurrency: int = Field(default=4, ge=1)
    llm_breaker_failures: int = Field(default=5, ge=1, description="failures within the window that open it")
    llm_breaker_window: float = Field(default=30.0, gt=0)
    llm_breaker_pause: float = Field(default=30.0, gt=0)

    search_k: int = Field(default=8, ge=1, le=50, description="chunks that an answer may draw from")
    answer_threshold: float = Field(default=0.6, ge=0, le=1, description="answerability below it declines")
    clarify_margin: float = Field(default=0.04, ge=0, le=1, description="topics closer than it are offered")
    history_turns: int = Field(default=4, ge=0, le=20, description="earlier exchanges an answer may refer to")
    link_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="hosts that answers may link to, comma-separated; empty: any that an article names",
    )
    redact: bool = Field(default=True, description="mask personal data before a language model sees it")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("link_hosts", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("llm")
    @classmethod
    def _provider_and_model(cls, value: str | None) -> str | None:
        if value is not None and ":" not in value:
            raise ValueError("must look like provider:model, for example openai:gpt-4o-mini")
        return value

    @property
    def database(self) -> str:
        """The database's address; SQLite in `home` unless set."""
        return self.database_url or f"sqlite:///{self.home / 'jieli.db'}"

    @property
    def address(self) -> str:
        """Where browsers find the server, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def signing_secret(self) -> bytes:
        """The configured secret, or one made once and kept in `home` (readable by the owner only).

        Raises:
            ConfigurationError: the sample secret is in use.
        """
        if self.secret is not None:
            value = self.secret.get_secret_value()
            if value == SAMPLE_SECRET or len(value) < 16:
                raise ConfigurationError(
                    "weak_secret",
                    "JIELI_SECRET 是示例值或少于 16 个字符；请换成随机字符串，或删除它让接力自动生成。",
                    "JIELI_SECRET is the sample value or shorter than 16 characters; use a random one,"
                    " or unset it and Jieli makes one.",
                )
            return value.encode()
        path = self.home / "secret"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        return path.read_bytes()


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, a wrong one as a typed error that names the variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "JIELI_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(
            "bad_setting",
            f"环境变量 {name} 的值不正确（{first['msg']}）；各项设置见 docs/configuration.md。",
            f"{name} is wrong ({first['msg']}); docs/configuration.md lists the settings.",
        ) from error
