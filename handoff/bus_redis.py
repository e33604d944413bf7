"""The bus over Redis (or Valkey) publish/subscribe, for several server processes. Needs the `redis` extra."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import msgspec
import redis.asyncio as redis
from redis.exceptions import RedisError

from handoff.bus import BusEvent, Handler, Handlers, Subscription

log = logging.getLogger(__name__)

WAIT: Final = 1.0  # seconds; Redis away means slower (the tip is polled), never stuck
RETRY: Final = 1.0  # seconds between attempts to reach Redis again
_CONTROL: Final = "_alive"  # a channel that keeps the connection subscribed to something
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(BusEvent)


class RedisBus:
    """One connection listens, another speaks; a lost connection is made again and all topics subscribed anew.

    Args:
        url: redis://… or unix://path.
        prefix: namespace of the channels, so that several installations may share a server.
    """

    def __init__(self, url: str, *, prefix: str = "jieli:") -> None:
        self._client: Any = redis.Redis.from_url(url, socket_connect_timeout=2)
        self._prefix = prefix
        self._handlers = Handlers()
        self._pubsub: Any = None
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen in the background; waits for Redis at most a second, it need not be there yet."""
        self._task = asyncio.create_task(self._listen(), name="bus-redis")
        try:
            await asyncio.wait_for(self._listening.wait(), WAIT)
        except TimeoutError:
            log.warning("bus: Redis is not there yet")

    async def publish(self, event: BusEvent) -> None:
        """Tell all processes, this one included."""
        try:
            await self._client.publish(self._prefix + event.topic, _encoder.encode(event))
        except (RedisError, OSError) as failure:
            log.warning("bus: not published: %s", type(failure).__name__)
            self._handlers.deliver(event)

    async def subscribe(self, topic: str, handler: Handler) -> Subscription:
        """Hear a topic; waits until Redis has confirmed, at most a second."""
        first = self._handlers.add(topic, handler)
        if self._pubsub is not None:
            await self._confirmed(topic, ask=first)

        async def close() -> None:
            if self._handlers.remove(topic, handler) and self._pubsub is not None:
                try:
                    await self._pubsub.unsubscribe(self._prefix + topic)
                except (RedisError, OSError) as failure:
                    log.warning("bus: not unsubscribed: %s", type(failure).__name__)

        return Subscription(close)

    async def _confirmed(self, topic: str, *, ask: bool) -> None:
        if ask:
            self._waiting[topic] = asyncio.get_running_loop().create_future()
        confirmed = self._waiting.get(topic)
        try:
            if ask:
                await self._pubsub.subscribe(self._prefix + topic)
            if confirmed is not None:
                await asyncio.wait_for(asyncio.shield(confirmed), WAIT)
        except (RedisError, OSError, TimeoutError) as failure:
            log.warning("bus: %s not confirmed: %s", topic, type(failure).__name__)

    async def close(self) -> None:
        """Stop listening and disconnect."""
        self._handlers.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError) as failure:
                log.warning("bus: connection lost: %s", type(failure).__name__)
            await asyncio.sleep(RETRY)

    async def _listen_once(self) -> None:
        pubsub = self._client.pubsub()
        try:
            channels = [self._prefix + topic for topic in (_CONTROL, *self._handlers.topics())]
            await pubsub.subscribe(*channels)
            self._pubsub = pubsub
            async for message in pubsub.listen():
                self._hear(message)
        finally:
            self._pubsub = None
            await pubsub.aclose()

    def _hear(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode()
        topic = channel.removeprefix(self._prefix)
        if message["type"] == "subscribe":
            self._listening.set()
            confirmed = self._waiting.pop(topic, None)
            if confirmed is not None and not confirmed.done():
                confirmed.set_result(None)
        elif message["type"] == "message":
            try:
                self._handlers.deliver(_decoder.decode(message["data"]))
            except msgspec.DecodeError:
                log.warning("bus: unreadable word on %s", topic)
