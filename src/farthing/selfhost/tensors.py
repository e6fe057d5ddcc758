"""Which tensors a folder of safetensors files holds: names, types, shapes and bytes, from the headers alone.

The weights themselves are not read. Knows nothing of models' configurations.
"""

from math import prod
from pathlib import Path
from typing import Any

import msgspec

from farthing.model.errors import BadRequest

MOST_HEADER = 200_000_000
"""Bytes; the format's own limit is half of that."""

STAY = (
    "embed",
    "lm_head",
    "wte",
    "wpe",
    "output.weight",
    "norm",
    "bias",
    "router",
    "gate.weight",
    "scale",
    "zero",
    "ln_",
)
"""Parts of names of what tools leave at 16 bits."""


class Tensor(msgspec.Struct, frozen=True):
    """One tensor of a file."""

    name: str
    kind: str
    """The type as the format writes it: `BF16`, `F8_E4M3`, `I32`..."""
    shape: tuple[int, ...]
    size: int
    """Bytes."""

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def is_quantizable(self) -> bool:
        """Whether it is a matrix that tools quantize."""
        return len(self.shape) >= 2 and not any(part in self.name for part in STAY)


class _Head(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def read(folder: Path) -> list[Tensor]:
    """All tensors of the folder's `*.safetensors`; empty where there is none. Raises BadRequest for a broken file."""
    return [tensor for file in sorted(folder.glob("*.safetensors")) for tensor in _header(file)]


def index_bytes(folder: Path) -> int:
    """The bytes that `model.safetensors.index.json` states for all tensors; 0 where it is not there."""
    file = folder / "model.safetensors.index.json"
    if not file.is_file():
        return 0
    try:
        found = msgspec.json.decode(file.read_bytes(), type=dict[str, Any]).get("metadata", {}).get("total_size", 0)
    except (OSError, msgspec.MsgspecError, AttributeError) as error:
        raise BadRequest(f"{file.name} is no index of tensors: {error}") from None
    return int(found) if isinstance(found, int | float) else 0


def stored_bytes(folder: Path) -> int:
    """Bytes of all tensors: from the files, else from the index; 0 where neither is there. Raises BadRequest."""
    return sum(tensor.size for tensor in read(folder)) or index_bytes(folder)


def _header(file: Path) -> list[Tensor]:
    """Source of the layout: 8 bytes of length, little endian, then JSON."""
    try:
        with file.open("rb") as data:
            length = int.from_bytes(data.read(8), "little")
            if not 0 < length <= MOST_HEADER:
                raise BadRequest(f"{file.name} is no safetensors file")
            heads = msgspec.json.decode(data.read(length), type=dict[str, Any])
        heads.pop("__metadata__", None)
        return [_tensor(name, msgspec.convert(head, _Head)) for name, head in heads.items()]
    except (OSError, msgspec.MsgspecError) as error:
        raise BadRequest(f"{file.name} is no safetensors file: {error}") from None


def _tensor(name: str, head: _Head) -> Tensor:
    start, end = head.data_offsets
    return Tensor(name, head.dtype, tuple(head.shape), end - start)
