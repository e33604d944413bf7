"""What may not leave, whoever wrote it: instructions hidden in text, promises, foreign links, the canary.
Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

CANARY = f"JL-{secrets.token_hex(8)}"
"""Stands in every system prompt; an answer that holds it gives the prompt away and is dropped."""

_INSTRUCTION = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|all|any|your|the)\b"
    r"[^.\n]{0,30}\b(?:instruction|prompt|rule|direction|context|guideline)"
    r"|\bsystem\s*(?:prompt|message)\b|\b(?:developer|jailbreak|DAN)\s+mode\b"
    r"|\byou\s+(?:are|act|will\s+act)\s+(?:now|as)\s+(?:a|an|the|DAN|no\s+longer)\b"
    r"|\b(?:new|updated|secret|hidden)\s+instructions?\b|\b(?:AI|assistant|chatbot|language model|bot"
    r"|LLM)s?\b[^.\n]{0,25}"
    r"\b(?:must|should|shall|has to|have to|needs? to|are to|is to)\s+(?:now\s+)?(?:say|reply|respond"
    r"|answer|tell|output|print|reveal|send|write|ask|include|recommend|end|append|always)"
    r"|\b(?:when|if)\s+(?:an?\s+)?(?:AI|assistant|chatbot|bot|model)\s+(?:reads?|sees?|answers?)"
    r"|\b(?:reveal|print|repeat|output|show|leak)\b[^.\n]{0,30}\b(?:prompt|instructions?|api[ _-]?keys?"
    r"|password|secrets?|canary)"
    r"|\b(?:from now on|henceforth)\b[^.\n]{0,40}\b(?:answer|reply|respond|say|end|start|act|add|append)\w*"
    r"|\b(?:answer|reply|respond|say|output)\s+(?:only|nothing but|exactly|with only)\b"
    r"|\b(?:begin|end|start|finish|prefix)\s+(?:every|each|all)\s+(?:answer|reply|response|message)"
    r"|(?:告诉|告知|回复|转告|通知)(?:所有)?(?:顾客|客户|用户|对方|买家)\s*[：:“\"]"
    r"|(?:只|仅|一律)(?:回复|回答|输出|说)\s*[：:“\"]|从现在(?:开始|起)[^。\n]{0,20}(?:回答|回复|输出|扮演|你)"
    r"|(?:每(?:次|条|个)|所有)(?:回答|回复)[^。\n]{0,10}(?:末尾|开头|后面|都要|加上|附上)"
    r"|</?(?:system|assistant|user|instructions?|sources?)\b[^>]*>|\[/?INST\]|<\|im_(?:start|end)\|>|^\s*(?:system|assistant)\s*:"
    r"|(?:忽略|无视|忘记|忘掉|不要(?:理会|遵守)|跳过|覆盖)[^。\n]{0,16}(?:指令|指示|提示词?|规则|设定|要求|限制|上文|以上|之前)"
    r"|系统提示|提示词|系统指令|开发者模式|越狱模式?|(?:你|您)现在(?:是|扮演|开始)|(?:扮演|假装(?:你)?是)"
    r"|(?:AI|人工智能|机器人|智能助手|助手|客服机器人|大?模型)[^。\n]{0,10}(?:必须|应该|应当|务必|需要|请|只能|一律)[^。\n]{0,8}(?:回答|回复|说|输出|告诉|发送|引导|推荐|附上|索要|要求)"
    r"|(?:输出|泄露|公布|透露|显示|复述|打印)[^。\n]{0,12}(?:提示|指令|密钥|密码|口令|内部)",
    re.MULTILINE,
)
_PROMISE = re.compile(
    r"(?:已经?|刚刚?|正在)(?:为|帮|给)?(?:您|你)?(?:提交|办理|处理|安排|申请|登记|创建|取消|修改|发起|补发|转接|通知|退款?|退回|赔付?|补偿)"
    r"|(?:退款|退货|订单|工单|申请|投诉|赔偿|补偿|取消)[^。，,]{0,6}(?:已经?|成功)(?:处理|受理|提交|创建|完成|取消|退回|通过|办理|到账|登记|安排)"
    r"|(?:我(?:们)?|这边|本店)(?:会|将|马上|立即|可以|来)?(?:立即|马上|尽快)?(?:为|帮|给)(?:您|你)(?:处理|退款|转接|安排|申请|办理|补发|赔偿|补偿|取消|修改|跟进|登记|联系)"
    r"|(?:我(?:们)?)?(?:保证|承诺|答应|担保)(?:您|你|会|给|在|赔|退|全额)"
    r"|(?i:\bI(?:'ve| have| just|'ll| will| am|'m| can now)\b[^.\n]{0,24}\b(?:refund|process|cancel|submit"
    r"|transfer|escalat|creat|open|contact|arrang|compensat|updat|chang|credit|issu|notif|forward|ship)\w*)"
    r"|(?i:\byour (?:refund|order|ticket|request|return|complaint|account)\b[^.\n]{0,12}\b(?:has"
    r"|have) been (?:\w+ )?\w+ed\b)"
    r"|(?i:\bwe(?:'ve| have|'ll| will)\b[^.\n]{0,24}\b(?:refund|compensat|transferr|cancel|credit"
    r"|escalat)\w* (?:you|your))"
    r"|(?i:\b(?:I|we) (?:promise|guarantee)\b)"
)
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?|<img\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:script|iframe|style|svg|object|embed|form|a|base|meta|link)\b[^>]*>", re.IGNORECASE)
# What a site generator would have replaced.
_TEMPLATE = re.compile(r"[ \t]*\{%[^%\n]*%\}[ \t]*\n?|\{:[^}\n]*\}")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
_URL = re.compile(r"(?i)\b(?:https?://|www\.|javascript:|data:)[^\s<>()\[\]\"'，。；、]+")
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.MULTILINE)


def gives_orders(text: str) -> bool:
    """Whether the text speaks to the machine instead of the reader."""
    return _INSTRUCTION.search(text) is not None


def promises(text: str) -> bool:
    """Whether the text says that something was or will be done for the customer, which only a tool may
    say."""
    return _PROMISE.search(text) is not None


def urls(text: str) -> frozenset[str]:
    """Every address in a text."""
    return frozenset(match.rstrip(".,;:!?*_") for match in _URL.findall(text))


def permitted(found: Iterable[str], hosts: Sequence[str]) -> frozenset[str]:
    """The addresses that may be shown: all of `found`, or those of `hosts` and their subdomains if there
    are any."""
    if not hosts:
        return frozenset(found)
    known = tuple(host.lower() for host in hosts)
    return frozenset(url for url in found if _of(_host(url), known))


def _host(url: str) -> str:
    return (urlsplit(url if "://" in url else f"https://{url}").hostname or "").lower()


def _of(host: str, known: Sequence[str]) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in known)


def clean(text: str, *, allowed: Iterable[str] = ()) -> str:
    """`text` without images, markup that acts, and links that do not stand in `allowed`."""
    known = frozenset(allowed)
    text = _TEMPLATE.sub("", _IMAGE.sub("", text))
    text = _TAG.sub("", _REFERENCE.sub("", text))

    def keep_link(match: re.Match[str]) -> str:
        label, target = match.group(1), match.group(2)
        return match.group(0) if target in known and target.startswith(("http://", "https://")) else label

    text = _LINK.sub(keep_link, text)
    return _URL.sub(lambda match: match.group(0) if match.group(0).rstrip(".,;:!?*_") in known else "", text)


def leaks(text: str) -> bool:
    """Whether the text holds the canary."""
    return CANARY in text
