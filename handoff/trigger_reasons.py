"""The sentences in which a verdict explains itself, in Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LABEL_ZH = {
    "neutral": "平静", "positive": "满意", "worry": "担心", "disappointment": "失望", "frustration": "不满",
    "anger": "愤怒", "sarcasm": "讽刺", "abuse": "辱骂",
}  # fmt: skip
DANGER = {
    "self_harm": ("客户提到自伤或轻生", "the customer speaks of harming themselves"),
    "violence": ("客户提到伤害他人", "the customer speaks of harming others"),
    "safety": ("客户提到人身安全隐患", "the customer reports a danger to people"),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One plain sentence in both languages."""

    zh: str
    en: str


def quote_zh(evidence: Sequence[str]) -> str:
    """“…”、“…”: what the customer wrote, shortened."""
    return "、".join(f"“{_short(e)}”" for e in evidence[:2] if e.strip())


def quote_en(evidence: Sequence[str]) -> str:
    """The same in English quotation marks."""
    return ", ".join(f'"{_short(e)}"' for e in evidence[:2] if e.strip())


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:38]}…"


def risk(kind: str, quoted: Sequence[str]) -> Sentence:
    """Danger to somebody."""
    zh, en = DANGER[kind]
    return Sentence(
        f"{zh}：{quote_zh(quoted)}，立即转人工", f"{en}: {quote_en(quoted)}; a person takes over at once"
    )


def request(quoted: Sequence[str]) -> Sentence:
    """Asked for a person."""
    return Sentence(
        f"客户要求人工：{quote_zh(quoted)}", f"the customer asks for a person: {quote_en(quoted)}"
    )


def threat(quoted: Sequence[str]) -> Sentence:
    """Complaint bodies, media, lawyers."""
    return Sentence(
        f"客户提到投诉、曝光或法律途径：{quote_zh(quoted)}",
        f"the customer speaks of complaint bodies, media or the law: {quote_en(quoted)}",
    )


def emotion(
    quoted: Sequence[str],
    *,
    label: str,
    negative: float,
    score: float,
    threshold: float,
    streak: int,
    repeats: bool,
) -> Sentence:
    """Clear or rising negative emotion."""
    zh = [f"连续 {streak} 轮不满" if streak >= 2 else f"情绪{LABEL_ZH.get(label, label)}"]
    en = [f"{streak} dissatisfied turns in a row" if streak >= 2 else f"the customer shows {label}"]
    if repeats:
        zh.append("反复追问同一件事")
        en.append("asking the same thing again")
    zh_head, en_head = "且".join(zh), " and ".join(en)
    return Sentence(
        f"{zh_head}：{quote_zh(quoted)}，负面 {negative:.2f}，评分 {score:.2f}，阈值 {threshold:.2f}",
        f"{en_head}: {quote_en(quoted)}, negative {negative:.2f}, score {score:.2f},"
        f" threshold {threshold:.2f}",
    )


def failure(parts: Sequence[str], quoted: Sequence[str], *, score: float, threshold: float) -> Sentence:
    """The bot keeps failing. `parts`: repeats, contradicts, stuck, evaded, negative."""
    zh = {
        "repeats": "重复提问",
        "stuck": "机器人答复重复",
        "contradicts": "否定了答复",
        "evaded": "上一条答复没有解决",
        "negative": "情绪下降",
    }
    en = {
        "repeats": "the question is asked again", "stuck": "the bot repeats itself", "contradicts": "the "
            "answer is rejected",
        "evaded": "the last reply solved nothing", "negative": "the mood is falling",
    }  # fmt: skip
    return Sentence(
        f"问题反复未解决（{'、'.join(zh[p] for p in parts)}）：{quote_zh(quoted)}，"
        f"失败 {score:.2f}，阈值 {threshold:.2f}",
        f"the problem stays unsolved ({', '.join(en[p] for p in parts)}): {quote_en(quoted)},"
        f" failure {score:.2f}, threshold {threshold:.2f}",
    )


def nothing_found(times: int) -> Sentence:
    """No answer in the knowledge base, again."""
    return Sentence(f"连续 {times} 次没有找到答案", f"no answer was found {times} times in a row")


def calm(negative: float, level: float, near: Sequence[str]) -> Sentence:
    """Why nothing fired; `near` are the rules that came close."""
    names = {
        "emotion": ("情绪", "emotion"), "repeated_failure": ("反复未解决", "repeated failure"),
        "nothing_found": ("没有答案", "nothing found"), "request": ("提到人工", "mention of staff"),
        "threat": ("问及投诉", "question about complaints"), "declined": ("不要人工", "no person wanted"),
    }  # fmt: skip
    zh = f"；接近触发：{'、'.join(names[n][0] for n in near)}" if near else ""
    en = f"; close to firing: {', '.join(names[n][1] for n in near)}" if near else ""
    return Sentence(
        f"继续由机器人回答：负面 {negative:.2f}，累计 {level:.2f}{zh}",
        f"the bot goes on: negative {negative:.2f}, level {level:.2f}{en}",
    )
