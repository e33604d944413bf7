"""The bus between sockets and processes: "conversation X is at seq N", and ephemeral relays. It may lose
messages.

Nothing durable travels here: a receiver reads rows from SQL, and looks at the tip now and then in case a
word was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

log = logging.getLogger(__name__)


class BusEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One word on the bus.

    Attributes:
        topic: see `conversation_topic`, `desk_topic`, `agent_topic`.
        seq: for a conversation: its log has grown to here; 0 for a pure relay.
        relay: an ephemeral frame as plain data (typing, delta, thinking, presence …), or None.
        sender: id of the socket that caused it, so that it need not hear itself.
    """

    topic: str
    seq: int = 0
    relay: dict[str, Any] | None = None
    sender: str | None = None


Handler = Callable[[BusEvent], None]
"""Called on the event loop; must not block and must not raise."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What `subscribe` gives back: `await subscription.close()` ends it; closing twice is harmless."""

    close: Callable[[], Awaitable[None]]


class EventBus(Protocol):
    """At most once, in order per publisher and topic, to every subscriber of the topic on any process."""

    async def start(self) -> None:
        """Connect; called once in the lifespan."""
        ...

    async def publish(self, event: BusEvent) -> None:
        """Tell the topic's subscribers; never raises for a lost connection (it is logged)."""
        ...

    async def subscribe(self, topic: str, handler: Handler) -> Subscription:
        """Hear a topic; when this returns, whatever is published afterwards is heard (unless lost)."""
        ...

    async def close(self) -> None:
        """Drop all subscriptions."""
        ...


def conversation_topic(conversation: str) -> str:
    """Rows and relays of one conversation."""
    return f"conv:{conversation}"


def desk_topic(workspace: str) -> str:
    """List changes for everybody at the workspace's desk."""
    return f"desk:{workspace}"


def agent_topic(agent: str) -> str:
    """Offers and orders to one agent's sockets."""
    return f"agent:{agent}"


def visitor_topic(visitor: str) -> str:
    """Words to one visitor's sockets."""
    return f"visitor:{visitor}"


class Handlers:
    """Topic → handlers; the part that every bus shares."""

    def __init__(self) -> None:
        self._by_topic: dict[str, list[Handler]] = {}

    def add(self, topic: str, handler: Handler) -> bool:
        """Returns whether it is the topic's first."""
        found = self._by_topic.setdefault(topic, [])
        found.append(handler)
        return len(found) == 1

    def remove(self, topic: str, handler: Handler) -> bool:
        """Returns whether it was the topic's last."""
        found = self._by_topic.get(topic)
        if found is None or handler not in found:
            return False
        found.remove(handler)
        if not found:
            del self._by_topic[topic]
        return not found

    def deliver(self, event: BusEvent) -> None:
        """Call every handler of the topic; one that raises is logged and does not harm the others."""
        for handler in tuple(self._by_topic.get(event.topic, ())):
            try:
                handler(event)
            except Exception:  # the outer edge of somebody else's code
                log.exception("bus: a handler of %s failed", event.topic)

    def topics(self) -> list[str]:
        """Topics with a handler."""
        return list(self._by_topic)

    def clear(self) -> None:
        """Forget all."""
        self._by_topic.clear()


class InMemoryBus:
    """The bus of a single process: handlers run at once, in the publisher's turn of the event loop."""

    def __init__(self) -> None:
        self._handlers = Handlers()

    async def start(self) -> None:
        """Nothing to connect."""

    async def publish(self, event: BusEvent) -> None:
        """Call the topic's handlers."""
        self._handlers.deliver(event)

    async def subscribe(self, topic: str, handler: Handler) -> Subscription:
        """Hear a topic from now on."""
        self._handlers.add(topic, handler)

        async def close() -> None:
            self._handlers.remove(topic, handler)

        return Subscription(close)

    async def close(self) -> None:
        """Drop all subscriptions."""
        self._handlers.clear()
