"""Characters: look-alikes mended, invisible ones dropped, bytes decoded, language told apart. Pure
functions.
"""

from __future__ import annotations

import re
import unicodedata

# CJK Radicals Supplement U+2E81… (NFKC leaves these alone) and the ideographs that Chrome's PDFs mean by
# them.
_RADICALS = dict(
    zip(
        "⺁⺄⺅⺆⺇⺈⺉⺊⺌⺍⺎⺒⺓⺔⺕⺖⺘⺙⺛⺝⺞⺟⺠⺡⺢⺣⺤⺦⺧⺨⺩⺪⺬⺭⺮⺯⺰⺱⺲⺶⺷⺸⺹⺺⺻⺼⺽⺾⺿⻀⻁⻂⻃⻄⻅⻆⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
        "厂乙亻冂几刀刂卜小小兀巳幺彑彐忄扌攵旡月歺母民氵氺灬爫丬牛犭王疋示礻竹糹纟罓罒羊羊羊耂肀聿月臼艹艹艹虎衤覀西见角讠贝足车辶辶辶阝钅長镸长门阝雨青韦页风飞食食飠饣首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
        strict=True,
    )
)
_INVISIBLE = dict.fromkeys(
    [
        *range(0, 9),
        11,
        *range(14, 32),
        127,
        173,
        *range(8203, 8208),
        *range(8234, 8239),
        *range(8288, 8304),
        65279,
        65532,
        65533,
        *range(917504, 917632),
    ]
)


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = dict(_INVISIBLE)
    compatible = [*range(0x2F00, 0x2FD6), *range(0xF900, 0xFB07), *range(0xFF10, 0xFF1A)]
    for code in [*compatible, *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *range(0x2F800, 0x2FA20)]:
        folded = unicodedata.normalize("NFKC", chr(code))
        if folded != chr(code):
            table[code] = folded
    table.update({ord(radical): ideograph for radical, ideograph in _RADICALS.items()})
    table.update({0xA0: " ", 0x3000: " ", 0x0C: "\n", 0x2028: "\n", 0x2029: "\n"})
    return table


_TABLE = _table()
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_LETTER = re.compile(r"[A-Za-z\u00c0-\u024f]")


def mend(text: str) -> str:
    """Text as people mean it: radicals that look like ideographs replaced, full-width letters and digits
    narrowed, invisible characters dropped, line ends `\\n`. Punctuation stays as written.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)


def language_of(text: str) -> str:
    """`zh` when a tenth of the letters or more are Han (one Han character says as much as three letters),
    else `en`.
    """
    sample = text[:4000]
    han = len(_HAN.findall(sample))
    letters = len(_LETTER.findall(sample))
    return "zh" if han and han * 10 >= letters else "en"


def decode(data: bytes, declared: str | None = None) -> str:
    """Bytes of a text file as mended text: byte-order mark, then the declared charset, UTF-8, then what fits
    best.

    Files of unknown encoding are tried as UTF-8, GB18030 (which contains GBK and GB2312) and Big5 before a
    guess.
    """
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return mend(data.decode(name, "replace"))
    wide = _wide(data)
    for name in filter(None, (declared, wide, "utf-8")):
        try:
            return mend(data.decode(name))
        except (UnicodeDecodeError, LookupError):
            continue
    return mend(_guessed(data))


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark shows as many zero bytes in ASCII text."""
    sample = data[:2000]
    if sample.count(0) < len(sample) // 4:
        return None
    return "utf-16-le" if sample[1::2].count(0) >= sample[0::2].count(0) else "utf-16-be"


def _guessed(data: bytes) -> str:
    candidates = []
    for name in ("gb18030", "big5"):
        try:
            candidates.append(data.decode(name))
        except UnicodeDecodeError:
            continue
    if candidates:
        return max(candidates, key=_plausible)
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return str(best) if best is not None else data.decode("gb18030", "replace")


def _plausible(text: str) -> float:
    """How much of the text is everyday Chinese: the share of its most frequent function characters."""
    return sum(text.count(c) for c in "的是不了在有我一个，。以可的這個為時會") / (len(text) + 1)
