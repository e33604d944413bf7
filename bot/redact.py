"""Personal data masked before a language model sees it; the map back stays here. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ID = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_PHONE = re.compile(
    r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)|(?<!\w)\+\d{1,3}[ -]?(?:\d[ -]?){7,11}\d(?!\d)"
    r"|(?<!\d)\(?\d{3}\)?[ -]\d{3}-\d{4}(?!\d)"
)
_ADDRESS = re.compile(
    r"(?:[\u4e00-\u9fff]{2,8}(?:省|自治区|市))?[\u4e00-\u9fff]{2,8}(?:市|区|县)[\u4e00-\u9fff0-9]{2,20}(?:路|街|道|巷|村|镇)[\u4e00-\u9fff]{0,4}\d+(?:号|弄)"
    r"(?:[\u4e00-\u9fffA-Za-z0-9-]{0,20}(?:室|楼|栋|单元|层))?"
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` with marks like ‹PHONE1› in place of `originals` (mark → what stood there)."""

    text: str
    originals: dict[str, str]

    def restore(self, text: str) -> str:
        """Put the originals back where a model repeated the marks."""
        for mark, original in self.originals.items():
            text = text.replace(mark, original)
        return text


def _id_checks(value: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(value[:17], _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == value[17].upper()


def _luhn(value: str) -> bool:
    digits = [int(char) for char in value if char.isdigit()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [d if i % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("EMAIL", _EMAIL, lambda _: True),
    ("ID", _ID, _id_checks),
    ("CARD", _CARD, _luhn),
    ("PHONE", _PHONE, lambda _: True),
    ("ADDRESS", _ADDRESS, lambda _: True),
)


def redact(text: str) -> Redacted:
    """Mask e-mail, Chinese ID (checksum), bank card (Luhn), phone and street address."""
    originals: dict[str, str] = {}
    for kind, pattern, valid in _KINDS:

        def mask(match: re.Match[str], kind: str = kind, valid: Callable[[str], bool] = valid) -> str:
            found = match.group(0)
            if not valid(found):
                return found
            for mark, original in originals.items():
                if original == found:
                    return mark
            mark = f"‹{kind}{sum(known.startswith(f'‹{kind}') for known in originals) + 1}›"
            originals[mark] = found
            return mark

        text = pattern.sub(mask, text)
    return Redacted(text, originals)
