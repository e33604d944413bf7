"""The briefing an agent reads before the first word: facts, emotion, need, what the bot tried, how to begin.

Made from the log alone, in both languages; a language model adds one summarising sentence where there is one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, select

from bot.errors import ModelError
from bot.llm import LanguageModel
from bot.prompts import load_prompt
from bot.redact import redact
from bot.smalltalk import smalltalk
from bot.textparts import language_of
from bot.turn_state import exchanges
from handoff import conversations, escalations, tables, verdicts
from handoff import log as rows_of
from handoff.domain import Author, Conversation, Kind, Message
from handoff.emotion_text import Exchange
from handoff.evidence import quotable
from handoff.verdicts import StoredVerdict
from handoff.writer import Database

log = structlog.get_logger(__name__)
LOOK_BACK = 200  # rows
QUOTED = 80  # characters of a customer's words inside a sentence
PATIENCE = 12.0  # seconds for the model's sentence; the agent may already be reading
Text = dict[str, str]

_FACTS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("订单号", "Order", re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{1,4}[-_]?\d{4,}|\d{8,24})(?![A-Za-z0-9])")),
    ("金额", "Amount", re.compile(r"(?:[¥￥$€£]\s?\d[\d,]*(?:\.\d+)?|\d[\d,]*(?:\.\d+)?\s?(?:元|块钱?|美元"
        r"|dollars?|USD|RMB|CNY|EUR))")),
    (
        "日期",
        "Date",
        re.compile(
            r"\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?|\d{1,2}月\d{1,2}[日号]|(?<!\d)\d{1,2}/\d{1,2}(?:/\d{2,4})?(?!\d)"
            r"|(?:上|这|本)?(?:周|星期)[一二三四五六日天]|昨天|前天|今天|yesterday|last (?:week|month"
            r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
            r"|(?i:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?)"
        ),
    ),
    ("已等待", "Waited", re.compile(r"(?:等了?|过了?|都"
        r"|已经)\s?(?:快)?[一二两三四五六七八九十\d半]+(?:多)?个?(?:小时|天|周|星期|月|分钟)|(?:for"
        r"|after) (?:\w+ )?\d+ (?:hours?|days?|weeks?|months?|minutes?)")),
    ("联系方式", "Contact", re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
)  # fmt: skip
_EMOTION_WORDS: dict[str, tuple[str, str]] = {
    "neutral": ("平静", "calm"),
    "positive": ("友好", "friendly"),
    "worry": ("担心、着急", "worried"),
    "disappointment": ("失望", "disappointed"),
    "frustration": ("烦躁、不耐烦", "frustrated"),
    "anger": ("愤怒", "angry"),
    "sarcasm": ("讽刺、不满", "sarcastic"),
    "abuse": ("激烈、出言不逊", "abusive"),
}
_EMPATHY: dict[str, tuple[str, str]] = {
    "worry": ("您担心的心情我很理解", "I understand that this worries you"),
    "disappointment": ("没能达到您的期待，很抱歉", "I am sorry that we let you down"),
    "frustration": ("让您反复折腾，真的很抱歉", "I am sorry that you had to go back and forth over this"),
    "anger": ("发生这样的事，换作是我也会生气，非常抱歉", "I am very sorry; I would be upset too"),
    "sarcasm": ("这次的体验确实不好，非常抱歉", "I am sorry, this has not been a good experience"),
    "abuse": ("这件事让您这么生气，非常抱歉", "I am very sorry that this has made you so upset"),
}


def _both(zh: str, en: str) -> Text:
    return {"zh": zh, "en": en}


def _cut(text: str, room: int = QUOTED) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= room else flat[: room - 1] + "…"


@dataclass(frozen=True, slots=True)
class Material:
    """What a briefing is made from."""

    head: Conversation
    rows: Sequence[Message]
    verdicts: Sequence[StoredVerdict]
    rule: str
    reason: Text
    briefed: bool

    @property
    def customer(self) -> list[str]:
        """The customer's words, oldest first."""
        return [
            str(row.body["text"])
            for row in self.rows
            if row.author is Author.VISITOR and row.kind is Kind.TEXT
        ]


def load_material(conn: Connection, conversation: str, escalation: str) -> Material:
    """Log, verdicts and reason in one snapshot."""
    head = conversations.get(conn, conversation)
    record = escalations.get(conn, head.workspace, escalation)
    return Material(
        head,
        rows_of.before(conn, conversation, limit=LOOK_BACK),
        verdicts.of(conn, conversation),
        record["rule"],
        _both(record["reason_zh"], record["reason_en"]),
        record["briefing"] is not None,
    )


def unbriefed(conn: Connection) -> list[tuple[str, str]]:
    """(conversation, escalation) of those under way that have no briefing."""
    e = tables.escalations
    rows = conn.execute(select(e.c.conversation, e.c.id, e.c.briefing).where(e.c.ended.is_(None)))
    return [(row.conversation, row.id) for row in rows if row.briefing is None]


def facts(material: Material) -> list[Text]:
    """Order numbers, amounts, dates and contacts that the customer gave, each once."""
    found: list[Text] = []
    for zh, en, pattern in _FACTS:
        values = dict.fromkeys(
            match.group(0).strip() for text in material.customer for match in pattern.finditer(text)
        )
        if values:
            listed = list(values)[:5]
            found.append(_both(f"{zh}：{'、'.join(listed)}", f"{en}: {', '.join(listed)}"))
    return found


def emotion(material: Material) -> Text:
    """How the customer feels now, since when, and in which words."""
    if not material.verdicts:
        return _both("暂无读数", "not read yet")
    last = material.verdicts[-1]
    worst = max(material.verdicts, key=lambda verdict: verdict.negative)
    label = last.label if last.negative >= worst.negative / 2 else worst.label
    zh, en = _EMOTION_WORDS.get(label, (label, label))
    first = next((n for n, verdict in enumerate(material.verdicts, 1) if verdict.negative >= 0.45), None)
    if first is not None:
        zh, en = f"{zh}，从第 {first} 句开始", f"{en}, since message {first}"
    words = _words_of(material, worst)[:2] if worst.negative >= 0.3 else []
    if words:
        zh += "；原话：" + "、".join(f"“{_cut(word, 40)}”" for word in words)
        en += "; in their words: " + ", ".join(f"“{_cut(word, 40)}”" for word in words)
    return _both(zh, en)


def _words_of(material: Material, verdict: StoredVerdict) -> list[str]:
    said = next((str(row.body.get("text", "")) for row in material.rows if row.seq == verdict.seq), "")
    return quotable([str(span["text"]) for span in verdict.evidence], said)


def need_of(material: Material) -> str:
    """The customer's question behind it all: the longest of the last questions that is not small talk."""
    asked = [text for text in material.customer if smalltalk(text, "zh-CN") is None]
    plain = [text for text in asked if len(text) >= 4]
    calm = {
        verdict.seq for verdict in material.verdicts if verdict.rule != "request" and verdict.negative < 0.45
    }
    by_seq = {row.seq: str(row.body.get("text", "")) for row in material.rows}
    questions = [by_seq[seq] for seq in sorted(calm) if seq in by_seq and by_seq[seq] in plain]
    pool = questions or plain or asked
    return pool[-1] if pool else ""


def tried(material: Material) -> list[Text]:
    """What the bot answered, and from which documents."""
    told: list[Text] = []
    asked = ""
    for row in material.rows:
        if row.kind is not Kind.TEXT:
            continue
        if row.author is Author.VISITOR:
            asked = _cut(str(row.body["text"]), 40)
        elif row.author is Author.BOT and asked:
            titles = list(dict.fromkeys(str(item["title"]) for item in row.body.get("citations", ())))
            if titles:
                zh = "、".join(f"《{title}》" for title in titles)
                told.append(_both(f"“{asked}”：引用了{zh}", f"“{asked}”: quoted {', '.join(titles)}"))
            elif not row.body.get("answered", True):
                told.append(_both(f"“{asked}”：没有找到答案", f"“{asked}”: found no answer"))
    return told[-6:]


def first_sentence(material: Material, need: str) -> Text:
    """How to begin: empathy, what was understood, the first step, and a question that confirms
    (共情-澄清-解决-确认)."""
    label = material.verdicts[-1].label if material.verdicts else "neutral"
    zh, en = _EMPATHY.get(
        label, ("您好，我是人工客服，接下来由我为您处理", "Hello, I am a colleague from the support team")
    )
    about = _cut(need, 50)
    zh_seen, en_seen = (
        "前面的记录我已经看过，您不用重复。",
        "I have read the chat, so there is no need to repeat it.",
    )
    zh_about = f"我看到您问的是“{about}”，{zh_seen}" if about else zh_seen
    en_about = f"I see that this is about “{about}”. {en_seen}" if about else en_seen
    return _both(
        f"{zh}。{zh_about}我现在就核实具体情况并告诉您下一步，您看可以吗？",
        f"{en}. {en_about} I am checking the details now and will tell you the next step — is that all"
        f" right?",
    )


def compose(material: Material) -> dict[str, Any]:
    """The briefing without a model (docs/protocol.md, `briefing`)."""
    need = need_of(material)
    felt, known = emotion(material), facts(material)
    request = _both("要求人工客服", "wants a person")
    wanted = _both(_cut(need), _cut(need)) if need else request
    if need and material.rule == "request":
        wanted = _both(f"{wanted['zh']}（{request['zh']}）", f"{wanted['en']} ({request['en']})")
    done = tried(material)
    return {
        "facts": known,
        "emotion": felt,
        "need": wanted,
        "tried": done,
        "first_sentence": first_sentence(material, need),
        "summary": _both(
            f"{material.reason['zh']}；诉求：{wanted['zh']}；机器人已答 {len(done)} 次。",
            f"{material.reason['en']}; needs: {wanted['en']}; the bot replied {len(done)} times.",
        ),
        "by": "extractive",
    }


class Copilot:
    """Writes briefings."""

    def __init__(self, database: Database, model: LanguageModel | None) -> None:
        self._database = database
        self._model = model

    async def brief(self, conversation: str, escalation: str) -> Message | None:
        """Write the briefing of an escalation: onto the escalation, and into the log as a private row.

        Returns the row; None when the escalation has its briefing already (a transfer takes it along).
        """
        material = await self._database.read(lambda conn: load_material(conn, conversation, escalation))
        if material.briefed:
            return None
        briefing = compose(material)
        sentence = await self._summarise(exchanges(material.rows), material.head.language)
        if sentence:
            briefing |= {"summary": _both(sentence, sentence), "by": "generative"}
        return await self._database.write(
            lambda conn: conversations.post_briefing(
                conn, conversation, escalation=escalation, briefing=briefing
            )
        )

    async def _summarise(self, turns: Sequence[Exchange], language: str) -> str:
        if self._model is None or self._model.breaker.is_open or not turns:
            return ""
        from langchain_core.messages import HumanMessage, SystemMessage

        said = redact("\n".join(f"- {turn.user}\n  > {turn.reply[:400]}" for turn in turns[-12:]))
        spoken = language_of(turns[-1].user, language)
        messages = [SystemMessage(load_prompt("briefing", spoken)), HumanMessage(said.text)]
        written = ""
        try:
            async with asyncio.timeout(PATIENCE):
                async for text in self._model.stream(messages):
                    written += text
        except (ModelError, TimeoutError) as error:
            log.info("briefing_without_model", error=type(error).__name__)
            return ""
        return _cut(said.restore(written.strip()), 300)
