"""The few fields of the ONNX file format that reading weights and writing a graph take.

An ONNX file is a Protocol Buffers message; the package `onnx` would bring 60 MB for these lines. Field numbers are those
of the published `onnx.proto`. Knows nothing of any model.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT, UINT8, INT8, INT64 = 1, 2, 3, 7
_TYPES: dict[int, Any] = {FLOAT: np.float32, UINT8: np.uint8, INT8: np.int8, INT64: np.int64}
_NUMBERS = {np.dtype(kind): number for number, kind in _TYPES.items()}

_IR_VERSION = 9
_OPSETS = (("", 20), ("com.microsoft", 1))

Array = NDArray[Any]


def weights(model: bytes) -> dict[str, Array]:
    """The tensors that a model file holds, by name, as views of its bytes. Raises ValueError for anything else."""
    try:
        graph = next(value for field, value in _fields(memoryview(model)) if field == 7)
        return dict(_tensor(value) for field, value in _fields(graph) if field == 5)
    except (IndexError, StopIteration, TypeError, KeyError, struct.error) as broken:
        raise ValueError(f"not an ONNX model ({type(broken).__name__})") from None


def _tensor(message: memoryview) -> tuple[str, Array]:
    shape: list[int] = []
    name, kind, data = "", FLOAT, memoryview(b"")
    for field, value in _fields(message):
        if field == 1:
            shape.append(value)
        elif field == 2:
            kind = value
        elif field == 8:
            name = str(value, "utf-8")
        elif field == 9:
            data = value
    return name, np.frombuffer(data, _TYPES.get(kind, np.uint8)).reshape(shape if kind in _TYPES else -1)


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field: an int, or the bytes of a text or an inner message."""
    at = 0
    while at < len(message):
        key, at = _read_int(message, at)
        if key & 7 == 0:
            value, at = _read_int(message, at)
            yield key >> 3, value
        elif key & 7 == 2:
            size, at = _read_int(message, at)
            if at + size > len(message):
                raise IndexError("cut")
            yield key >> 3, message[at : at + size]
            at += size
        else:
            size = {1: 8, 5: 4}[key & 7]
            yield key >> 3, message[at : at + size]
            at += size


def _read_int(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


class Graph:
    """A graph in the making: each call adds a node or a constant and gives the name of what it computes."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}

    def constant(self, value: Array) -> str:
        name = f"c{len(self._constants)}"
        message = [_number(1, size) for size in value.shape]
        message += [_number(2, _NUMBERS[value.dtype]), _bytes(8, name.encode())]
        message.append(_bytes(9, np.ascontiguousarray(value).tobytes()))
        self._constants[name] = _bytes(5, b"".join(message))
        return name

    def node(
        self, kind: str, inputs: Sequence[str], *, domain: str = "", outputs: int = 1, **attributes: Any
    ) -> list[str]:
        """All outputs of a new node."""
        made = [f"n{len(self._nodes)}_{number}" for number in range(outputs)]
        message = [_bytes(1, name.encode()) for name in inputs] + [_bytes(2, name.encode()) for name in made]
        message += [_bytes(4, kind.encode()), _bytes(7, domain.encode())]
        message += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(_bytes(1, b"".join(message)))
        return made

    def one(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The output of a new node of the standard kind, which has just one."""
        return self.node(kind, inputs, **attributes)[0]

    def model(self, source: tuple[str, Sequence[str]], result: tuple[str, str, Sequence[str]]) -> bytes:
        """The file. `source`: name and dimensions of the input of int64; `result`: output, the name it gets, dimensions
        (a name for one that varies); it is of float32."""
        made, name, shape = result
        self._nodes.append(_bytes(1, _bytes(1, made.encode()) + _bytes(2, name.encode()) + _bytes(4, b"Identity")))
        graph = b"".join(self._nodes) + _bytes(2, b"graph") + b"".join(self._constants.values())
        graph += _bytes(11, _value(source[0], INT64, source[1])) + _bytes(12, _value(name, FLOAT, shape))
        opsets = b"".join(_bytes(8, _bytes(1, domain.encode()) + _number(2, version)) for domain, version in _OPSETS)
        return _number(1, _IR_VERSION) + opsets + _bytes(7, graph)


def _value(name: str, kind: int, shape: Sequence[str]) -> bytes:
    dims = b"".join(
        _bytes(1, _number(1, int(size)) if size.isdecimal() else _bytes(2, size.encode())) for size in shape
    )
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


def _attribute(name: str, value: Any) -> bytes:
    if isinstance(value, float):
        return _bytes(1, name.encode()) + _key(2, 5) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, int):
        return _bytes(1, name.encode()) + _number(3, value) + _number(20, 2)
    return _bytes(1, name.encode()) + b"".join(_number(8, each) for each in value) + _number(20, 7)


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
