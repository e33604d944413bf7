"""Routing: whom to offer a waiting conversation, and the reason in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handoff.domain import AgentState, Availability, QueueEntry


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """How to choose.

    Attributes:
        ageing_ms: waiting this long counts as much as one step of priority, so nobody starves.
        max_offers: offers that one agent has to answer at a time.
        language_required: never offer to somebody who does not speak the visitor's language; otherwise a
        speaker is
            preferred.
    """

    ageing_ms: int = 60_000
    max_offers: int = 1
    language_required: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The agent chosen, and why."""

    agent: str
    why_zh: str
    why_en: str


def urgency(entry: QueueEntry, now: datetime, policy: RoutingPolicy) -> float:
    """Priority plus age in steps of `policy.ageing_ms`; higher goes first."""
    waited_ms = max(0.0, (now - entry.enqueued).total_seconds() * 1000)
    return entry.priority + waited_ms / policy.ageing_ms


def in_order(entries: Sequence[QueueEntry], now: datetime, policy: RoutingPolicy) -> list[QueueEntry]:
    """Most urgent first; of equals the one who waits longer."""
    return sorted(entries, key=lambda item: (-urgency(item, now, policy), item.enqueued, item.id))


def speaks(agent: AgentState, language: str) -> bool:
    """Whether the agent works in this language ("zh-CN" and "zh" are one); no languages listed means any."""
    return not agent.languages or any(_primary(known) == _primary(language) for known in agent.languages)


def first_language(agent: AgentState, language: str) -> bool:
    """Whether this is the language that the agent works in best."""
    return bool(agent.languages) and _primary(agent.languages[0]) == _primary(language)


def _primary(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0].lower()


def _tongue(agent: AgentState, language: str) -> int:
    """0: their first language, 1: they speak it, 2: they do not."""
    if first_language(agent, language):
        return 0
    return 1 if speaks(agent, language) else 2


def eligible(entry: QueueEntry, agent: AgentState, policy: RoutingPolicy) -> bool:
    """Whether this agent could take the entry now, declined or not."""
    return (
        agent.availability is Availability.ONLINE
        and agent.active < agent.capacity
        and entry.queue in agent.queues
        and entry.skills <= agent.skills
        and (speaks(agent, entry.language) or not policy.language_required)
    )


def choose(
    entry: QueueEntry, agents: Sequence[AgentState], policy: RoutingPolicy, now: datetime
) -> Choice | None:
    """The best agent for the entry, or None when nobody can take it.

    Must: online, in the queue, skilled, below capacity. Never somebody who declined it, unless everyone who
    could take
    it did. Prefers: has a living socket, then whose first language is the customer's, then who speaks it,
    then least loaded (share of capacity), then longest idle. A transfer to one agent goes to that agent alone
    while they are able to take it.
    """
    able = [agent for agent in agents if eligible(entry, agent, policy)]
    if entry.direct_to is not None:
        direct = next((agent for agent in able if agent.id == entry.direct_to), None)
        if direct is None or direct.id in entry.declined_by:
            return None
        return Choice(direct.id, *why(entry, direct, now))
    fresh = [agent for agent in able if agent.id not in entry.declined_by]
    candidates = fresh or able
    if not candidates:
        return None
    best = min(
        candidates,
        key=lambda agent: (
            not agent.connected, _tongue(agent, entry.language), agent.active / agent.capacity,
            agent.idle_since, agent.id,
        ),
    )  # fmt: skip
    return Choice(best.id, *why(entry, best, now, declined_by_all=not fresh))


_NAMES: Final = {"zh": ("中文", "Chinese"), "en": ("英文", "English")}


def why(
    entry: QueueEntry, agent: AgentState, now: datetime, *, declined_by_all: bool = False
) -> tuple[str, str]:
    """Why this agent, in Chinese and English."""
    if entry.direct_to == agent.id:
        return "同事转接给你", "a colleague transferred it to you"
    zh, en = [], []
    if entry.skills:
        names = sorted(entry.skills)
        zh.append("技能符合：" + "、".join(names))
        en.append("skills match: " + ", ".join(names))
    name_zh, name_en = _NAMES.get(_primary(entry.language), (entry.language, entry.language))
    if first_language(agent, entry.language):
        zh.append(f"客户的语言（{name_zh}）是你的首选语言")
        en.append(f"the customer's language ({name_en}) is your first")
    elif agent.languages and speaks(agent, entry.language):
        zh.append(f"你会客户的语言（{name_zh}）")
        en.append(f"you speak the customer's language ({name_en})")
    minutes = max(0, int((now - agent.idle_since).total_seconds() // 60))
    zh.append(f"正在处理 {agent.active}/{agent.capacity} 个会话，已空闲 {minutes} 分钟")
    en.append(f"{agent.active} of {agent.capacity} chats, idle for {minutes} min")
    if declined_by_all:
        zh.append("所有人都已谢绝过")
        en.append("everyone has declined it once")
    return "；".join(zh), "; ".join(en)
