"""A text's words for the keyword index: Chinese words and character pairs, Latin stems, numbers and model
names.

Traditional is folded to simplified, full width to half, capitals to small, so that 發票, 发票 and ＡＢＣ, abc
meet.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from importlib.resources import files
from pathlib import Path
from typing import Any

from kb_ingest.text import mend

_URL = re.compile(r"https?://\S+")
_RUN = re.compile(
    r"[\u3400-\u9fff\U00020000-\U0003134f]+|[a-z0-9\u00c0-\u024f]+(?:[._+#'-][a-z0-9\u00c0-\u024f]+)*\+*"
)
_STOP = frozenset(files("kb_ingest").joinpath("data/stop_words.txt").read_text("utf-8").split())


def _simplified() -> dict[int, str]:
    table: dict[int, str] = {}
    source = files("opencc").joinpath("dictionary/TSCharacters.txt")
    for line in source.read_text("utf-8").splitlines():
        traditional, _, rest = line.partition("\t")
        if len(traditional) == 1 and rest:
            table[ord(traditional)] = rest.split()[0][:1]
    return table


_loading = threading.Lock()
_dictionary: list[Any] = []  # jieba's, read once a process: 1 s and 60 MB


def _jieba(cache_dir: Path) -> Any:
    with _loading:
        if not _dictionary:
            import logging

            import jieba

            jieba.setLogLevel(logging.WARNING)
            cache_dir.mkdir(parents=True, exist_ok=True)
            tokenizer = jieba.Tokenizer()
            # jieba's default cache is a marshal file in the world-writable temporary folder.
            tokenizer.tmp_dir = str(cache_dir)
            tokenizer.initialize()
            _dictionary.append(tokenizer)
        return _dictionary[0]


class Words:
    """Splits texts into words; dictionaries are loaded by `warm_up()` or the first text."""

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._jieba: Any = None
        self._fold: dict[int, str] = {}

    def warm_up(self) -> None:
        """Load dictionaries."""
        if self._jieba is None:
            self._fold = _simplified()
            self._jieba = _jieba(self._cache_dir)

    def fold(self, text: str) -> str:
        """The text in small letters, half width and simplified characters; same text for same meaning."""
        self.warm_up()
        return unicodedata.normalize("NFKC", mend(text)).lower().translate(self._fold)

    def of(self, text: str) -> list[str]:
        """The words of a text in order, repeated as they are; character pairs are marked with a leading
        `~`.
        """
        found: list[str] = []
        for run in _RUN.findall(_URL.sub(" ", self.fold(text))):
            if run[0] >= "\u3400":
                words = [w for w in self._jieba.cut_for_search(run) if w not in _STOP]
                found += [w for w in words if len(w) > 1]
                found += ["~" + run[i : i + 2] for i in range(len(run) - 1)] or ["~" + run]
            else:
                found += _latin(run)
        return found

    def content(self, text: str) -> set[str]:
        """The words that carry meaning: no pairs, no function words."""
        return {
            word
            for run in _RUN.findall(_URL.sub(" ", self.fold(text)))
            for word in (
                [w for w in self._jieba.cut(run) if w not in _STOP] if run[0] >= "\u3400" else _latin(run)[:1]
            )
        }


def _latin(run: str) -> list[str]:
    run = run.replace("'", "")
    parts = [p for p in re.split(r"[._+#-]", run) if p]
    whole = [run] if len(parts) > 1 else []
    return whole + [stem(p) for p in parts if p not in _STOP]


def stem(word: str) -> str:
    """A light English stem: plural, -ing, -ed and -ly endings off; words with digits stay."""
    if len(word) < 4 or not word.isalpha():
        return word
    for ending, put in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("ed", ""),
        ("ly", ""),
        ("es", "e"),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + put
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] in "bdgmnprt":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
