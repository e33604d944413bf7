"""Errors of the handoff package.

HandoffError                  anything a caller can mend; carries a stable code and a text in both languages
├── NotFound                  the thing does not exist, or is not the caller's to see
├── Conflict                  somebody else was first, or the version is stale
├── Invalid                   the input is wrong; says what and how to mend it
├── Forbidden                 the principal may not do this
├── Unauthenticated           ticket, session or password is missing, wrong or expired
└── Unavailable               try again later: storage, queue or server is busy
"""

from __future__ import annotations


class HandoffError(Exception):
    """Root of the package's errors.

    Args:
        code: stable identifier, snake_case, part of the public contract (docs/errors.md).
        zh, en: one sentence each: what was wrong and how to mend it.
        retry_ms: for `Unavailable`, when to try again, in milliseconds.
    """

    status = 400

    def __init__(self, code: str, zh: str, en: str, *, retry_ms: int | None = None) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en
        self.retry_ms = retry_ms

    def text(self, language: str) -> str:
        """The sentence in the caller's language ("zh…" gives Chinese, anything else English)."""
        return self.zh if language.lower().startswith("zh") else self.en


class NotFound(HandoffError):
    """The thing does not exist, or is not the caller's to see."""

    status = 404


class Conflict(HandoffError):
    """Somebody else was first, or the version is stale."""

    status = 409


class Invalid(HandoffError):
    """The input is wrong; the text says what and how to mend it."""

    status = 422


class Forbidden(HandoffError):
    """The principal may not do this."""

    status = 403


class Unauthenticated(HandoffError):
    """Ticket, session or password is missing, wrong or expired."""

    status = 401


class Unavailable(HandoffError):
    """Try again after `retry_ms` milliseconds."""

    status = 503
