"""Texts to vectors: the packaged bilingual encoder, or any sentence-transformers model by id or path.

Cheap to construct; the model is loaded by `warm_up()` or by the first text. The packaged one runs
single-threaded inside a call: OpenMP on busy cores turned 17 ms into 1,190, so parallelism comes from
embedding several texts at a time in a small pool of our own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kb_ingest.embedder_weights import MAX_TOKENS, MODEL_NAME
from kb_ingest.errors import ModelMissing

Vectors = NDArray[np.float32]
_BATCH = 16
_DIMENSION = 384
_PACKAGED = f"{MODEL_NAME}-int8-3"  # the number changes with the graph and with data/encoder.npz
_E5_PROMPTS = ("query: ", "passage: ")
# bge's Chinese v1.5 models are trained with an instruction on the query side only.
_BGE_ZH_PROMPTS = ("为这个句子生成表示以用于检索相关文章：", "")


Tokens = NDArray[np.int8]


@dataclass(frozen=True)
class Reading:
    """A text as the model reads it.

    Attributes:
        vector: of the whole, float32 [dimension], unit length.
        tokens: of its word pieces, int8 [pieces, width]: unit vectors times `TOKEN_SCALE`; no rows when the
            model gives none.
    """

    vector: Vectors
    tokens: Tokens


TOKEN_SCALE = 127.0


class Embedder(Protocol):
    """Texts to unit vectors; thread-safe, blocking."""

    @property
    def name(self) -> str:
        """Identifies the model: vectors of different names are never compared."""

    @property
    def dimension(self) -> int:
        """Of its vectors; the model is loaded if it must be."""

    def warm_up(self) -> None:
        """Load the model.

        Raises:
            ModelMissing: it cannot be loaded.
        """

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions → float32 [len(texts), dimension], rows of unit length."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages → float32 [len(texts), dimension], rows of unit length."""

    def read_query(self, text: str) -> Reading:
        """A question with the vectors of its words, without punctuation."""

    def read_passages(self, texts: Sequence[str]) -> list[Reading]:
        """Passages with the vectors of their words."""


@cache
def _constants() -> dict[str, Vectors]:
    """Means of the packaged encoder's output (`query`, `passage`, `token_query`, `token_passage`, [384]) and
    `projection` [384, width]; made by training/answerability/tokens.py.
    """
    with files("kb_ingest").joinpath("data/encoder.npz").open("rb") as file, np.load(file) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def _unit(rows: NDArray[Any]) -> Vectors:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Vectors = (rows / np.maximum(length, 1e-9)).astype(np.float32)
    return unit


def _whole(mean: Vectors, side: str) -> Vectors:
    """Texts of this encoder share most of their direction: without it, cosines tell twice as much."""
    return _unit(mean - _constants()[side])


def _pieces(states: Vectors, side: str) -> Tokens:
    rows = _unit((states - _constants()[f"token_{side}"]) @ _constants()["projection"])
    pieces: Tokens = np.rint(rows * TOKEN_SCALE).astype(np.int8)
    return pieces


def load_embedder(model: str | None, models_dir: Path, *, threads: int | None = None) -> Embedder:
    """The embedder that a setting names; nothing is read yet.

    Args:
        model: a sentence-transformers id or path; None or "" is the packaged encoder.
        models_dir: where the packaged encoder is written on first use (47 MB).
        threads: texts embedded at a time; default the CPU cores.
    """
    workers = threads or os.cpu_count() or 1
    if model:
        return TransformersEmbedder(model, threads=workers)
    return PackagedEmbedder(models_dir, threads=workers)


class PackagedEmbedder:
    """multilingual-e5-small in int8 on ONNX Runtime: 384 dimensions, Chinese and English, no network."""

    def __init__(self, models_dir: Path, *, threads: int = 1) -> None:
        self._folder = models_dir / _PACKAGED
        self._threads = threads
        self._lock = threading.Lock()
        self._session: Any = None
        self._tokenizer: Any = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def name(self) -> str:
        return _PACKAGED

    @property
    def dimension(self) -> int:
        return _DIMENSION

    def warm_up(self) -> None:
        with self._lock:
            if self._session is not None:
                return
            import onnxruntime
            from tokenizers import Tokenizer

            from kb_ingest.embedder_onnx import build_quantised

            folder = build_quantised(self._folder)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = 3
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tokenizer.enable_truncation(MAX_TOKENS)
            self._tokenizer = tokenizer
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="embed")
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return _stacked(_whole(mean, "query") for mean, _, _ in self._read(_E5_PROMPTS[0], texts))

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return _stacked(_whole(mean, "passage") for mean, _, _ in self._read(_E5_PROMPTS[1], texts))

    def read_query(self, text: str) -> Reading:
        ((mean, states, pieces),) = self._read(_E5_PROMPTS[0], [text])
        inner = range(len(self._tokenizer.encode(_E5_PROMPTS[0].strip()).ids) - 1, len(pieces) - 1)
        said = [i for i in inner if any(char.isalnum() for char in pieces[i])] or list(inner)
        return Reading(_whole(mean, "query"), _pieces(states[said], "query"))

    def read_passages(self, texts: Sequence[str]) -> list[Reading]:
        return [
            Reading(_whole(mean, "passage"), _pieces(states, "passage"))
            for mean, states, _ in self._read(_E5_PROMPTS[1], texts)
        ]

    def _read(self, prompt: str, texts: Sequence[str]) -> Iterable[tuple[Vectors, Vectors, list[str]]]:
        self.warm_up()
        if len(texts) == 1:
            return [self._one(prompt + texts[0])]
        assert self._pool is not None
        # One text a call: padding a batch to its longest text costs more than batching saves (38 ms a text of
        # 200 characters alone, 52 ms in batches of 8), and a vector does not depend on its neighbours.
        return self._pool.map(self._one, [prompt + text for text in texts])

    def _one(self, text: str) -> tuple[Vectors, Vectors, list[str]]:
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], np.int64)
        mean, states = self._session.run(None, {"ids": ids, "mask": np.ones_like(ids)})
        return mean[0], states[0], encoding.tokens


def _stacked(vectors: Iterable[Vectors]) -> Vectors:
    rows = list(vectors)
    return np.stack(rows) if rows else np.zeros((0, _DIMENSION), np.float32)


class TransformersEmbedder:
    """Any sentence-transformers model, by hub id or path; it must be on this machine unless a hub is
    reachable.
    """

    def __init__(self, model: str, *, threads: int = 1) -> None:
        self._source = model
        self._threads = threads
        self._lock = threading.Lock()
        self._model: Any = None
        self._prompts = ("", "")

    @property
    def name(self) -> str:
        return self._source

    @property
    def dimension(self) -> int:
        self.warm_up()
        return int(self._model.get_embedding_dimension())

    def warm_up(self) -> None:
        with self._lock:
            if self._model is not None:
                return
            import torch
            from sentence_transformers import SentenceTransformer

            torch.set_num_threads(self._threads)
            try:
                model = SentenceTransformer(self._source, device="cpu")
            except (OSError, ValueError) as error:
                raise ModelMissing(self._source) from error
            self._prompts = _prompts(self._source, {k: v or "" for k, v in model.prompts.items()})
            self._model = model

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.warm_up()
        return self._embed([self._prompts[0] + text for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.warm_up()
        return self._embed([self._prompts[1] + text for text in texts])

    def read_query(self, text: str) -> Reading:
        return Reading(self.embed_queries([text])[0], np.zeros((0, 1), np.int8))

    def read_passages(self, texts: Sequence[str]) -> list[Reading]:
        return [Reading(vector, np.zeros((0, 1), np.int8)) for vector in self.embed_passages(texts)]

    def _embed(self, texts: list[str]) -> Vectors:
        vectors = self._model.encode(
            texts, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False, prompt=""
        )
        return np.asarray(vectors, np.float32)


def _prompts(source: str, prompts: dict[str, str]) -> tuple[str, str]:
    """What a model wants before questions and passages: its own prompts, else what its family was trained
    with.
    """
    if prompts.get("query"):
        return prompts["query"], prompts.get("passage") or prompts.get("document") or ""
    name = Path(source).name.lower()
    if "e5" in name.split("-"):
        return _E5_PROMPTS
    if name.startswith("bge-") and "zh" in name:
        return _BGE_ZH_PROMPTS
    return "", ""
