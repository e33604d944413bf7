"""A text's words for the keyword index: Chinese words and character pairs, Latin stems, numbers and model names.

Traditional is folded to simplified, full width to half, capitals to small, so that 發票, 发票 and ＡＢＣ, abc meet.
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
_ENGLISH_STOP = frozenset(
    "a an the is are was were be been am do does did i you he she it we they my your our their its me us them of to "
    "in on at for from by with and or but if then so as this that these those there here what which who whom how when "
    "where why can could will would shall should may might must not no have has had just please about into than too "
    "very any some all".split()
)
_CHINESE_STOP = frozenset(
    "的 了 是 在 我 有 和 就 不 人 都 一 一个 上 也 很 到 说 要 去 你 会 着 没有 看 好 自己 这 那 吗 呢 吧 啊 呀 么 什么 怎么 如何 "
    "怎样 为什么 哪里 哪些 哪个 多少 可以 能 能否 是否 请问 您好 你好 我们 你们 他们 您 他 她 它 被 把 给 让 与 及 或 而 但 并 对 从 "
    "向 为 以 于 等 个 想 需要 应该 还是 这个 那个 怎么办 之 其 吗 一下 里 后 前 时 中 请 得 地 还 再 又 才 只 已 已经 谁 几 嘛".split()
)


def _simplified() -> dict[int, str]:
    table: dict[int, str] = {}
    source = files("opencc").joinpath("dictionary/TSCharacters.txt")
    for line in source.read_text("utf-8").splitlines():
        traditional, _, rest = line.partition("\t")
        if len(traditional) == 1 and rest:
            table[ord(traditional)] = rest.split()[0][:1]
    return table


class Words:
    """Splits texts into words; jieba's dictionary (0.6 s) is loaded by `warm_up()` or the first text."""

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._lock = threading.Lock()
        self._jieba: Any = None
        self._fold: dict[int, str] = {}

    def warm_up(self) -> None:
        """Load dictionaries."""
        with self._lock:
            if self._jieba is not None:
                return
            import logging

            import jieba

            jieba.setLogLevel(logging.WARNING)
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            tokenizer = jieba.Tokenizer()
            # jieba's default cache is a marshal file in the world-writable temporary folder.
            tokenizer.tmp_dir = str(self._cache_dir)
            tokenizer.initialize()
            self._fold = _simplified()
            self._jieba = tokenizer

    def fold(self, text: str) -> str:
        """The text in small letters, half width and simplified characters; same text for same meaning."""
        self.warm_up()
        return unicodedata.normalize("NFKC", mend(text)).lower().translate(self._fold)

    def of(self, text: str) -> list[str]:
        """The words of a text in order, repeated as they are; character pairs are marked with a leading `~`."""
        found: list[str] = []
        for run in _RUN.findall(_URL.sub(" ", self.fold(text))):
            if run[0] >= "\u3400":
                words = [w for w in self._jieba.cut_for_search(run) if w not in _CHINESE_STOP]
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
                [w for w in self._jieba.cut(run) if w not in _CHINESE_STOP]
                if run[0] >= "\u3400"
                else _latin(run)[:1]
            )
        }


def _latin(run: str) -> list[str]:
    run = run.replace("'", "")
    parts = [p for p in re.split(r"[._+#-]", run) if p]
    whole = [run] if len(parts) > 1 else []
    return whole + [stem(p) for p in parts if p not in _ENGLISH_STOP]


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
