"""The tensors of a model, each with what becomes of it: quantized, kept as it is, or an embedding that some formats quantize.

From the headers of its safetensors, else from its configuration. Knows nothing of schemes.
"""

import re
from collections.abc import Iterator
from math import prod
from pathlib import Path

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost import tensors
from farthing.selfhost.model_config import Shape

EMBEDDINGS = ("embed_tokens", "lm_head", "wte.", "word_embeddings", "embed_in", "embed_out", "output.weight")
_LAYER = re.compile(r"\.(?:layers|h|blocks)\.(\d+)\.")
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


class Matrix(msgspec.Struct, frozen=True):
    """Tensors of one kind and size."""

    name: str
    rows: int
    columns: int
    """What a group of a row must divide."""
    copies: int = 1
    kind: str = "linear"
    """linear, embedding, or other (norms, biases, routers)."""
    layer: int = -1
    item: int = 2
    """Bytes of an element as it is."""

    @property
    def elements(self) -> int:
        return self.rows * self.columns * self.copies

    @property
    def bytes(self) -> int:
        return self.elements * self.item


def of_folder(folder: Path, shape: Shape) -> list[Matrix]:
    """Raises BadRequest for files that hold quantized weights or are broken."""
    found = tensors.read(folder)
    if not found:
        return list(of_shape(shape))
    odd = sorted({each.kind for each in found} - set(_BYTES))
    if odd:
        raise BadRequest(f"its tensors are of {', '.join(odd)}: only 16 and 32 bits can be quantized")
    return [_matrix(each, shape) for each in found]


def _matrix(tensor: tensors.Tensor, shape: Shape) -> Matrix:
    layer = _LAYER.search(tensor.name)
    kind = "linear" if tensor.is_quantizable else "other"
    if len(tensor.shape) == 2 and any(part in tensor.name for part in EMBEDDINGS):
        kind = "embedding"
    if len(tensor.shape) < 2:
        rows, columns, copies = 1, prod(tensor.shape), 1
    else:
        *outer, rows, columns = tensor.shape
        copies = prod(outer)
    if shape.family in ("gpt2", "gpt_bigcode") and kind == "linear":  # these store their matrices turned
        rows, columns = columns, rows
    return Matrix(tensor.name, rows, columns, copies, kind, int(layer[1]) if layer else -1, _BYTES[tensor.kind])


def of_shape(shape: Shape) -> Iterator[Matrix]:
    """What the configuration alone says, which does not tell layers apart."""
    item = 4 if shape.stored == "fp32" else 2
    for each in shape.linears:
        kind = "other" if each.role == "router" else "linear"
        yield Matrix(
            f"{each.role} {each.inputs}x{each.outputs}", each.outputs, each.inputs, each.copies, kind, item=item
        )
    yield Matrix("embed_tokens", shape.vocabulary, shape.hidden, 1, "embedding", item=item)
    if not shape.tied:
        yield Matrix("lm_head", shape.vocabulary, shape.hidden, 1, "embedding", item=item)
    yield Matrix("norms", 1, shape.other, 1, "other", item=item)


def undivided(matrices: list[Matrix], group: int, parallel: int = 1) -> list[Matrix]:
    """Those whose rows do not split into whole groups on each of `parallel` GPUs."""
    return [each for each in matrices if each.kind == "linear" and each.columns % (group * parallel)]
