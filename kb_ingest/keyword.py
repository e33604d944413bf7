"""BM25 over chunks, in memory, changed document by document.

Titles, questions and aliases count as words of the chunk several times over (`TITLE`, `QUESTION`): what a
chunk is called says more than what it mentions. Scores are divided by the best that a chunk could reach for
the query, so they lie in 0…1 and can be compared between queries.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.5
TITLE = 2.0
QUESTION = 3.0
PAIR = 0.5  # a character pair says half as much as a word: most of them are halves of one


def weigh(text: Sequence[str], title: Sequence[str], question: Sequence[str]) -> dict[str, float]:
    """How often each word counts in a chunk with these fields."""
    counts: dict[str, float] = {}
    for words, weight in ((text, 1.0), (title, TITLE), (question, QUESTION)):
        for word in words:
            counts[word] = counts.get(word, 0.0) + weight
    return counts


class KeywordIndex:
    """Rows of weighted words. Not thread-safe: the owner locks."""

    def __init__(self) -> None:
        self._rows: dict[str, array[int]] = {}
        self._counts: dict[str, array[float]] = {}
        self._lengths = array("f")

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, words: Mapping[str, float], length: float) -> int:
        """Append a row; gives its number."""
        row = len(self._lengths)
        self._lengths.append(length)
        for word, count in words.items():
            if word not in self._rows:
                self._rows[word] = array("i")
                self._counts[word] = array("f")
            self._rows[word].append(row)
            self._counts[word].append(count)
        return row

    def compacted(self, new_row: NDArray[np.int32]) -> KeywordIndex:
        """A copy without the rows whose `new_row` is -1, the others renumbered."""
        smaller = KeywordIndex()
        smaller._lengths = array("f", np.array(self._lengths, np.float32)[new_row >= 0].tobytes())
        for word, rows in self._rows.items():
            moved = new_row[np.array(rows, np.int32)]
            kept = moved >= 0
            if kept.any():
                smaller._rows[word] = array("i", moved[kept].tobytes())
                smaller._counts[word] = array("f", np.array(self._counts[word], np.float32)[kept].tobytes())
        return smaller

    def idf(self, word: str) -> float:
        """How much a word tells the chunks apart."""
        found = len(self._rows.get(word, ()))
        return math.log(1 + (len(self._lengths) - found + 0.5) / (found + 0.5))

    def has(self, word: str, row: int) -> bool:
        """Whether a row holds a word."""
        rows = self._rows.get(word)
        if not rows:
            return False
        at = bisect_left(rows, row)
        return at < len(rows) and rows[at] == row

    def scores(self, words: Iterable[str]) -> NDArray[np.float32]:
        """Every row's share of the best possible score for the query, float32 [rows], 0…1."""
        lengths = np.array(self._lengths, dtype=np.float32)
        total = np.zeros(len(lengths), np.float32)
        if not len(lengths):
            return total
        norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
        best = 0.0
        for word in dict.fromkeys(words):
            weight = self.idf(word) * (PAIR if word.startswith("~") else 1.0)
            best += weight * (K1 + 1)
            rows = self._rows.get(word)
            if rows is None:
                continue
            at = np.array(rows, dtype=np.int32)
            counts = np.array(self._counts[word], dtype=np.float32)
            total[at] += weight * counts * (K1 + 1) / (counts + norm[at])
        return total / best if best else total
