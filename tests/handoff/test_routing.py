"""Whom a waiting conversation is offered to: properties of the pure deciders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handoff.domain import AgentState, Availability, EntryState, QueueEntry
from handoff.queues import estimate, plan
from handoff.routing import RoutingPolicy, choose, eligible, in_order, speaks, urgency

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = RoutingPolicy()
SKILLS = ["refund", "tech", "vip"]
AGENTS = ["a", "b", "c", "d"]


def agent(ident: str = "a", **fields: object) -> AgentState:
    plain = AgentState(
        id=ident, name=ident, skills=frozenset(), languages=("zh-CN",), queues=frozenset({"q"}),
        capacity=4, active=0, availability=Availability.ONLINE, idle_since=NOW - timedelta(minutes=5),
    )  # fmt: skip
    return replace(plain, **fields)  # type: ignore[arg-type]


def entry(ident: str = "e", **fields: object) -> QueueEntry:
    plain = QueueEntry(
        id=ident, conversation=f"conv-{ident}", escalation=f"esc-{ident}", queue="q", skills=frozenset(),
        language="zh-CN", priority=0, state=EntryState.WAITING, offered_to=None,
        offer_expires=None, enqueued=NOW,
    )  # fmt: skip
    return replace(plain, **fields)  # type: ignore[arg-type]


subsets = st.frozensets(st.sampled_from(SKILLS))
agents = st.builds(
    agent,
    st.sampled_from(AGENTS),
    skills=subsets,
    languages=st.lists(st.sampled_from(["zh-CN", "en"]), max_size=2, unique=True).map(tuple),
    connected=st.booleans(),
    queues=st.frozensets(st.sampled_from(["q", "r"])),
    capacity=st.integers(1, 3),
    active=st.integers(0, 3),
    availability=st.sampled_from(Availability),
    idle_since=st.integers(0, 600).map(lambda seconds: NOW - timedelta(seconds=seconds)),
)
crews = st.lists(agents, max_size=4, unique_by=lambda someone: someone.id)
entries = st.builds(
    entry,
    st.uuids().map(str),
    skills=subsets,
    language=st.sampled_from(["zh-CN", "en"]),
    priority=st.integers(0, 5),
    enqueued=st.integers(0, 3_600).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    declined_by=st.frozensets(st.sampled_from(AGENTS)),
    direct_to=st.none() | st.sampled_from(AGENTS),
)


@given(entries, crews)
def test_the_chosen_one_can_do_it_and_the_reason_is_said_in_both_languages(
    waiting: QueueEntry, crew: list[AgentState]
) -> None:
    choice = choose(waiting, crew, POLICY, NOW)
    able = [someone for someone in crew if eligible(waiting, someone, POLICY)]
    if choice is None:
        assert not able or waiting.direct_to is not None
        return
    assert choice.why_zh
    assert choice.why_en
    chosen = next(someone for someone in able if someone.id == choice.agent)
    if waiting.direct_to is not None:
        assert chosen.id == waiting.direct_to
    elif chosen.id in waiting.declined_by:
        assert all(someone.id in waiting.declined_by for someone in able)


@given(entries, crews)
def test_the_order_in_which_agents_are_listed_does_not_matter(
    waiting: QueueEntry, crew: list[AgentState]
) -> None:
    assert choose(waiting, crew, POLICY, NOW) == choose(waiting, crew[::-1], POLICY, NOW)


@given(st.lists(entries, max_size=8), crews)
def test_a_plan_offers_each_entry_once_and_overloads_nobody(
    waiting: list[QueueEntry], crew: list[AgentState]
) -> None:
    for policy in (POLICY, RoutingPolicy(max_offers=3)):
        planned = plan(waiting, crew, NOW, policy)
        assert len({item.entry.id for item in planned}) == len(planned)
        for someone in crew:
            offers = [item for item in planned if item.choice.agent == someone.id]
            assert len(offers) <= policy.max_offers
            assert not offers or someone.active + len(offers) <= someone.capacity


@given(st.lists(entries, min_size=1, max_size=8), crews)
def test_whoever_is_left_waiting_has_nobody_free_who_could_help(
    waiting: list[QueueEntry], crew: list[AgentState]
) -> None:
    planned = plan(waiting, crew, NOW, POLICY)
    busy = {item.choice.agent for item in planned}
    served = {item.entry.id for item in planned}
    free = [someone for someone in crew if someone.id not in busy]
    for item in waiting:
        if item.id not in served:
            assert choose(item, free, POLICY, NOW) is None


def test_open_offers_count() -> None:
    offered = entry("one", state=EntryState.OFFERED, offered_to="a")
    assert plan([offered, entry("two")], [agent("a")], NOW) == []
    two = plan([offered, entry("two")], [agent("a", capacity=1)], NOW, RoutingPolicy(max_offers=2))
    assert two == []


def test_who_speaks_the_language_goes_before_who_is_idle_longer() -> None:
    english = agent("en", languages=("en",))
    chinese = agent("zh", idle_since=NOW - timedelta(hours=1))
    choice = choose(entry(language="en-GB"), [english, chinese], POLICY, NOW)
    assert choice is not None
    assert choice.agent == "en"
    assert "your first" in choice.why_en and "首选语言" in choice.why_zh
    alone = choose(entry(language="en"), [chinese], POLICY, NOW)
    assert alone is not None, "somebody is better than nobody"
    assert choose(entry(language="en"), [chinese], RoutingPolicy(language_required=True), NOW) is None
    assert speaks(agent(languages=()), "fr")


def test_whose_first_language_it_is_goes_before_who_also_speaks_it() -> None:
    both = agent("both", languages=("zh-CN", "en"), idle_since=NOW - timedelta(hours=1))
    english = agent("english", languages=("en-US", "zh-CN"), active=2)
    neither = agent("neither", languages=("fr",), idle_since=NOW - timedelta(hours=9))
    crew = [neither, both, english]
    choices = [choose(entry(language=tag), crew, POLICY, NOW) for tag in ("en", "zh-CN")]
    assert [choice and choice.agent for choice in choices] == ["english", "both"]
    second = choose(entry(language="en"), [neither, both], POLICY, NOW)
    assert second is not None and second.agent == "both", "who speaks it goes before who does not"
    assert "你会客户的语言（英文）" in second.why_zh and "you speak" in second.why_en


def test_who_has_lost_the_last_socket_comes_last() -> None:
    leaving = agent("leaving", connected=False, idle_since=NOW - timedelta(hours=1))
    choice = choose(entry(), [leaving, agent("here", languages=("en",), active=3)], POLICY, NOW)
    assert choice is not None and choice.agent == "here"


def test_of_equals_the_longest_idle() -> None:
    crew = [
        agent("a", idle_since=NOW - timedelta(minutes=1)),
        agent("b", idle_since=NOW - timedelta(minutes=9)),
    ]
    choice = choose(entry(), crew, POLICY, NOW)
    assert choice is not None
    assert choice.agent == "b"
    assert "9 min" in choice.why_en


@given(st.lists(entries, max_size=8))
def test_age_overtakes_priority_in_the_end(waiting: list[QueueEntry]) -> None:
    ordered = in_order(waiting, NOW, POLICY)
    assert sorted(item.id for item in ordered) == sorted(item.id for item in waiting)
    levels = [urgency(item, NOW, POLICY) for item in ordered]
    assert levels == sorted(levels, reverse=True)
    old = entry("old", enqueued=NOW - timedelta(minutes=6))
    assert in_order([entry("urgent", priority=5), old], NOW, POLICY)[0] is old


@given(
    st.lists(st.integers(0, 10**7), max_size=20), st.integers(1, 50), st.integers(0, 9), st.integers(0, 10**6)
)
def test_an_estimate_is_a_range_or_nothing(waits: list[int], position: int, online: int, waited: int) -> None:
    found = estimate(waits, position, online, waited)
    if online == 0 or len(waits) < 3:
        assert found is None
    else:
        assert found is not None
        assert 0 <= found[0] < found[1]


def test_nobody_promises_what_nobody_knows() -> None:
    assert estimate([10_000] * 9, 1, 0) is None
    assert estimate([10_000, 20_000], 1, 3) is None
    assert estimate([10_000, 20_000, 30_000], 1, 1) == (10_000, 30_000)
    assert estimate([10_000, 20_000, 30_000], 2, 1) == (10_000, 60_000)
