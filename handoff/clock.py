"""Instants: aware UTC datetimes inside, integer milliseconds since 1970 in the log and on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970 of an aware instant, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC instant of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def elapsed_ms(since: datetime, until: datetime) -> int:
    """Milliseconds from one instant to another, never below 0 (clocks may step back)."""
    return max(0, (until - since) // _MILLISECOND)
