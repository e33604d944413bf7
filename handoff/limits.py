"""How often one caller may ask: token buckets by key, bounded in number."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from handoff.connection import Bucket, Rate
from handoff.errors import HandoffError

MAX_KEYS: Final = 20_000  # callers remembered; the least recent are forgotten


class TooMany(HandoffError):
    """The caller asks too often; `retry_ms` says when to come back."""

    status = 429


class Throttle:
    """`burst` calls per `per_s` seconds for each key."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._rate = Rate(burst, per_s)
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def check(self, key: str) -> None:
        """Count one call; TooMany(`rate_limited`) when there were too many."""
        now = time.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if wait := bucket.take(now):
            raise TooMany(
                "rate_limited",
                "请求太频繁,请稍后再试。",
                "Too many requests; try again later.",
                retry_ms=int(wait * 1000) + 1,
            )
