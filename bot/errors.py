"""Errors of the bot package.

BotError                      carries a stable code, a sentence in both languages and the exit status for
the shell
├── ConfigurationError        a setting, a file or an account is wrong; the text says how to mend it (exit 2)
└── ModelError                the language model could not be used; answers go on without it (exit 1)
"""

from __future__ import annotations


class BotError(Exception):
    """Root of the package's errors.

    Args:
        code: stable identifier, snake_case (docs/errors.md).
        zh, en: what was wrong and what to do, one or two sentences.
    """

    exit_status = 1

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en


class ConfigurationError(BotError):
    """A setting, a file or an account is wrong."""

    exit_status = 2


class ModelError(BotError):
    """The language model could not be used."""
