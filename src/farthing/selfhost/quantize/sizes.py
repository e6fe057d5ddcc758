"""What a model's files will weigh after it is quantized: matrices, embeddings and the rest apart, to the byte where known.

Knows the layout of the files that back-ends write, and nothing of GPUs.
"""

from pathlib import Path
from typing import Any

import msgspec

from farthing.selfhost.model_config import Shape
from farthing.selfhost.quantize import gguf_types
from farthing.selfhost.quantize.matrices import Matrix
from farthing.selfhost.quantize.schemes import Scheme

WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt", ".pth", ".onnx", ".h5", ".msgpack")
"""Endings of files that hold weights."""
HEADER = 90
"""Bytes of a tensor's entry in a header, beside its name."""


class Size(msgspec.Struct, frozen=True):
    """Bytes."""

    matrices: int
    """What is quantized."""
    embeddings: int
    rest: int
    """Norms, biases, routers."""
    overhead: int
    """Headers and, in a GGUF, the tokenizer."""
    beside: int
    """Tokenizer and configuration in files of their own."""

    @property
    def weights(self) -> int:
        return self.matrices + self.embeddings + self.rest

    @property
    def total(self) -> int:
        return self.weights + self.overhead + self.beside


def shown(size: int) -> str:
    """For people."""
    return f"{size / 1e6:,.1f} MB" if size < 10e9 else f"{size / 1e9:,.1f} GB"


def before(folder: Path, matrices: list[Matrix]) -> Size:
    """As it is."""
    by = {kind: sum(each.bytes for each in matrices if each.kind == kind) for kind in ("linear", "embedding", "other")}
    return Size(by["linear"], by["embedding"], by["other"], _headers(matrices, 1), beside(folder))


def after(folder: Path, matrices: list[Matrix], shape: Shape, scheme: Scheme, group: int) -> Size:
    """As it will be."""
    return _gguf(folder, matrices, shape, scheme) if scheme.gguf else _safetensors(folder, matrices, scheme, group)


def _safetensors(folder: Path, matrices: list[Matrix], scheme: Scheme, group: int) -> Size:
    linear = sum(_packed(each, scheme, group) for each in matrices if each.kind == "linear")
    kept = {kind: sum(2 * each.elements for each in matrices if each.kind == kind) for kind in ("embedding", "other")}
    return Size(linear, kept["embedding"], kept["other"], _headers(matrices, 3), beside(folder))


def _packed(matrix: Matrix, scheme: Scheme, group: int) -> int:
    rows = matrix.rows * matrix.copies
    groups = rows * (matrix.columns // group) if group else 0
    bits = 8 if scheme.bits > 4 else 4
    scales = rows * scheme.row_bytes + groups * scheme.group_bytes + matrix.copies * scheme.extra_bytes
    return matrix.elements * bits // 8 + scales


def _gguf(folder: Path, matrices: list[Matrix], shape: Shape, scheme: Scheme) -> Size:
    if all(each.layer < 0 for each in matrices if each.kind == "linear"):
        return _gguf_by_mean(folder, matrices, scheme)
    sums = {"linear": 0, "embedding": 0, "other": 0}
    for each in matrices:
        kind = gguf_types.type_of(each, scheme.name, shape.layers, shape.experts, shape.tied)
        sums[each.kind] += gguf_types.bytes_of(each, kind)
    return Size(sums["linear"], sums["embedding"], sums["other"], _headers(matrices, 1) + _words(folder), 0)


def _gguf_by_mean(folder: Path, matrices: list[Matrix], scheme: Scheme) -> Size:
    """Where the configuration alone is known: by the mean bits of a whole model."""
    format_ = scheme.described
    linear = sum(each.elements for each in matrices if each.kind == "linear") * format_.bits / 8
    embedding = sum(each.elements for each in matrices if each.kind == "embedding") * format_.embedding_bits / 8
    other = sum(each.elements for each in matrices if each.kind == "other") * 4
    return Size(round(linear), round(embedding), other, _headers(matrices, 1) + _words(folder), 0)


def _headers(matrices: list[Matrix], quantized: int) -> int:
    """`quantized`: tensors that a quantized matrix becomes."""
    return sum((len(each.name) + HEADER) * (quantized if each.kind == "linear" else 1) for each in matrices)


def _words(folder: Path) -> int:
    """The tokenizer as GGUF holds it: each word and merge with its length, a type and no score."""
    try:
        model: dict[str, Any] = msgspec.json.decode((folder / "tokenizer.json").read_bytes())["model"]
        words = sum(len(word.encode()) + 12 for word in model.get("vocab", ()) if isinstance(word, str))
        return words + sum(
            len(each) + 8 if isinstance(each, str) else sum(map(len, each)) + 9 for each in model.get("merges", ())
        )
    except (OSError, msgspec.MsgspecError, LookupError, TypeError):
        return 0


def beside(folder: Path) -> int:
    """Bytes of a folder's files that hold no weights and go along with the model."""
    return sum(
        each.stat().st_size
        for each in (folder.iterdir() if folder.is_dir() else ())
        if each.is_file() and each.suffix not in WEIGHTS and not each.name.endswith(".index.json")
    )


def of_files(folder: Path) -> int:
    """Bytes of all files of a folder and those below."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
