"""How a turn and the chat before it become the model's input. No I/O; training and serving share it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier customer turn and what it was answered ("" when it was not)."""

    user: str
    reply: str


HISTORY_TURNS = 3  # more did not help on the development chats, and each costs about 4 ms
CURRENT_CHARS = 160  # the tail of a long message carries its mood; the head names the matter
REPLY_CHARS = 36
EARLIER_CHARS = 40

_URL = re.compile(r"https?://\S+|www\.\S+", re.ASCII)
_PLACEHOLDER = re.compile(r"\[(?:数字|金额|订单|时间|日期|电话|NUM)x?\]|\[ORDERID_\d+\]|\d{6,}")
_NAME = re.compile(r"\[(?:姓名|地址|站点|组织机构|链接|邮箱)x?\]|\[(?:USER|URL)\]")
_EMOTICON = re.compile(r"#E-s(?:\[数字x\]|\d+)|&nbsp;|&[a-z]{2,5};")
_MENTION = re.compile(r"@[\w·.-]+")
_REPEAT = re.compile(r"(.)\1{3,}")
_SPACE = re.compile(r"\s+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
# Characters that are written only in traditional script; their presence decides whether to convert.
_TRADITIONAL = re.compile(
    "[們個這來時說嗎麼過還對為會後裡點樣錢買賣開關門問題見話電車東長無與從發頭經現種實將讓應當動體務業單網"
    "請謝機處須認識幾號邊轉氣馬員線報爛騙壞廢貨訂運費態產質檢測試試圖寫聯繫絡紅藍綠環]"
)


@cache
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")


def to_simplified(text: str) -> str:
    """Traditional characters to simplified; other text is returned as it is."""
    return str(_converter().convert(text)) if _TRADITIONAL.search(text) else text


def is_shouted(text: str) -> bool:
    """Whether Latin text is written in capitals (at least eight letters, seven of ten in capitals)."""
    letters = _LATIN.findall(text)
    return len(letters) >= 8 and sum(c.isupper() for c in letters) >= 0.7 * len(letters)


def normalise(text: str) -> str:
    """One line, simplified, lower case; numbers, links, names and mentions reduced to a mark.

    Capitals are turned into a trailing "!!!", which the model reads as a raised voice.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates come from broken clients
    shouted = is_shouted(text)
    text = unicodedata.normalize("NFKC", text)
    text = _EMOTICON.sub(" ", _URL.sub(" www ", text))
    text = _NAME.sub("某", _PLACEHOLDER.sub("0", text))
    text = _MENTION.sub("@", text)
    text = _REPEAT.sub(r"\1\1\1", to_simplified(text)).lower()
    text = _SPACE.sub(" ", text).strip()
    return f"{text} !!!" if shouted else text


def clip(text: str, limit: int) -> str:
    """At most `limit` characters: the first third and the last two thirds."""
    if len(text) <= limit:
        return text
    head = limit // 3
    return f"{text[:head]}…{text[head - limit + 1 :]}"


def language_of(text: str) -> str:
    """ "zh" when a fifth of the letters are Han characters, else "en"."""
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    return "zh" if han and han * 4 >= latin * 0.8 else "en"


def current_part(text: str) -> str:
    """The customer's present turn as the model sees it."""
    return clip(normalise(text), CURRENT_CHARS)


def history_part(history: Sequence[Exchange]) -> str:
    """The chat before, newest first, so that truncation cuts what is oldest."""
    parts = []
    for exchange in reversed(history[-HISTORY_TURNS:]):
        reply = clip(normalise(exchange.reply), REPLY_CHARS)
        parts.append(f"A: {reply} Q: {clip(normalise(exchange.user), EARLIER_CHARS)}")
    return " ".join(parts)
