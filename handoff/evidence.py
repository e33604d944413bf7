"""The customer's words as quotes: what an agent reads in an offer. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MIN_QUOTE: Final = 3  # characters that say something; "!!" or one word of two characters does not
MAX_QUOTE: Final = 200
_SENTENCE: Final = re.compile(r".+?(?:[。！？!?；;]+|\.+(?=\s|$)|$)", re.MULTILINE)


def telling(quote: str) -> bool:
    """Whether the quote has at least three letters, digits or ideographs."""
    return sum(character.isalnum() for character in quote) >= MIN_QUOTE


def last_sentence(said: str) -> str:
    """The last sentence of a text that says something, with its marks; the whole text when none does."""
    sentences = [match.group(0).strip() for match in _SENTENCE.finditer(said)]
    found = next((sentence for sentence in reversed(sentences) if telling(sentence)), said.strip())
    return found if len(found) <= MAX_QUOTE else f"{found[: MAX_QUOTE - 1]}…"


def quotable(spans: Sequence[str], said: str) -> list[str]:
    """The spans that say something; when none does, the last sentence of what was said."""
    kept = [span.strip() for span in spans if telling(span)]
    if kept:
        return kept
    return [last_sentence(said)] if said.strip() else [span for span in spans if span.strip()]
