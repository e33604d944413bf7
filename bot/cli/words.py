"""The language of the command line: `t("…", "…")` picks Chinese or English by the user's locale."""

from __future__ import annotations

import os

_LOCALE_VARIABLES = ("JIELI_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def language() -> str:
    """`zh` or `en`: JIELI_LANG wins, then LC_ALL, LC_MESSAGES and LANG; English when none is set."""
    for name in _LOCALE_VARIABLES:
        value = os.environ.get(name, "").strip()
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def t(zh: str, en: str) -> str:
    """The text of the two that the user reads."""
    return zh if language() == "zh" else en
