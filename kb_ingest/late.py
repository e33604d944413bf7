"""Late interaction: each word of a question looks for its nearest word in a passage (Khattab and Zaharia,
"ColBERT", 2020), over the packaged encoder's own states.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from kb_ingest.embedder import TOKEN_SCALE, Tokens, Vectors

KEPT = 1_000  # passages whose words stay in memory, about 15 kB each

Load = Callable[[Sequence[str]], Mapping[str, bytes]]


class WordVectors:
    """The word vectors of chunks, read when they are needed. Not thread-safe: the owner locks."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._kept: OrderedDict[str, Tokens] = OrderedDict()

    def clear(self) -> None:
        """Forget all: chunks have been embedded again."""
        self._kept.clear()

    def met(self, question: Tokens, chunks: Sequence[str]) -> Vectors | None:
        """How near each word of a question comes to its nearest in each chunk.

        Args:
            question: int8 [words, width].

        Returns:
            cosines, float32 [len(chunks), words]; None when a chunk has no word vectors.
        """
        if not len(question) or not chunks:
            return None
        missing = [chunk for chunk in chunks if chunk not in self._kept]
        if missing:
            for chunk, value in self._load(missing).items():
                self._kept[chunk] = np.frombuffer(value, np.int8).reshape(-1, question.shape[1])
        if any(chunk not in self._kept for chunk in chunks):
            return None
        for chunk in chunks:
            self._kept.move_to_end(chunk)
        rows = [self._kept[chunk] for chunk in chunks]
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        first = np.cumsum([0, *(len(row) for row in rows[:-1])])
        near = np.concatenate(rows).astype(np.float32) @ question.astype(np.float32).T
        nearest: Vectors = np.maximum.reduceat(near, first, axis=0)
        nearest /= TOKEN_SCALE**2
        return nearest
