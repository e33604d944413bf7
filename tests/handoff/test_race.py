"""Fifty people click "accept" at once, round after round, through two processes' worth of writers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from handoff.errors import Conflict
from handoff.writer import Database
from tests.handoff.scene import Desk, Scene

ROUNDS = int(os.environ.get("JIELI_RACE_ROUNDS", "6"))
CROWD = 50


def test_exactly_one_of_fifty_gets_the_chat(scene: Scene, opened: Callable[[], Database]) -> None:
    databases = [scene.database, opened()]
    crowd = [scene.desk(f"agent{number}", capacity=100) for number in range(CROWD)]
    for _ in range(ROUNDS):
        guest = scene.guest()
        entry = guest.asks_for_a_person().entry
        version = guest.head.version
        start = threading.Barrier(CROWD)

        def race(number: int, desk: Desk, entry: str | None = entry, start: threading.Barrier = start) -> str:
            start.wait(10)
            try:
                change = desk.accepts(entry, databases[number % 2])
            except Conflict as lost:
                assert lost.code == "taken"
                return ""
            assert change.changed
            return desk.id

        with ThreadPoolExecutor(CROWD) as pool:
            outcomes = list(pool.map(race, range(CROWD), crowd))
        winners = [winner for winner in outcomes if winner]
        assert len(winners) == 1
        assert guest.head.agent == winners[0]
        assert guest.head.version == version + 1
        assert guest.events.count("assigned") == 1


def test_one_agent_clicking_on_everything_stays_within_capacity(
    scene: Scene, opened: Callable[[], Database]
) -> None:
    databases = [scene.database, opened()]
    ling = scene.desk("ling", capacity=3)
    guests = [scene.guest() for _ in range(12)]
    wanted = [guest.asks_for_a_person().entry for guest in guests]
    start = threading.Barrier(len(wanted))

    def click(number: int, entry: str | None) -> bool:
        start.wait(10)
        try:
            return ling.accepts(entry, databases[number % 2]).changed
        except Conflict as refused:
            assert refused.code == "full"
            return False

    with ThreadPoolExecutor(len(wanted)) as pool:
        got = list(pool.map(click, range(len(wanted)), wanted))
    assert sum(got) == 3
    assert sum(guest.head.agent == ling.id for guest in guests) == 3


def test_two_processes_share_one_dense_log(scene: Scene, opened: Callable[[], Database]) -> None:
    guest = scene.guest()
    twin = Scene(opened(), scene.clock)
    same = twin.guest()
    same.visitor, same.conversation = guest.visitor, guest.conversation

    def talk(who: str) -> set[int]:
        speaker = guest if who == "here" else same
        return {speaker.says(f"{who} {number}", cid=f"{who}{number}").message.seq for number in range(100)}

    with ThreadPoolExecutor(2) as pool:
        here, there = pool.map(talk, ("here", "there"))
    assert not here & there
    rows = guest.log
    assert [row.seq for row in rows] == list(range(1, 202))
    assert {row.seq for row in rows if row.body.get("text", "").startswith("here")} == here


def test_the_same_message_through_two_processes_is_one_row(
    scene: Scene, opened: Callable[[], Database]
) -> None:
    guest = scene.guest()
    twin = Scene(opened(), scene.clock).guest()
    twin.visitor, twin.conversation = guest.visitor, guest.conversation
    with ThreadPoolExecutor(2) as pool:
        for number in range(40):
            both = [pool.submit(speaker.says, "你好", f"cid{number}") for speaker in (guest, twin)]
            posted = [future.result() for future in both]
            assert sorted(one.dup for one in posted) == [False, True]
            assert posted[0].message.seq == posted[1].message.seq
    assert len(guest.log) == 41
