"""What the formats have in common when an answer is told anew. Knows no format."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from farthing.model.call import Ask
from farthing.model.usage import Usage
from farthing.wire import sse

LONGEST_STREAM = 4 * 1024 * 1024
"""Bytes of a stream that are kept to make a whole answer of it; a longer one makes none."""
SHORTEST_PIECE = 48
MOST_PIECES = 250
"""A text is told in so many pieces at most, each at least so many characters."""


class Wire(Protocol):
    """How one format tells answers anew."""

    def storable(self, whole: bytes) -> bool: ...

    def assembled(self, payloads: Iterator[bytes], usage: Usage | None) -> dict[str, Any] | None:
        """The whole answer that the events of a stream amount to; None if they do not. Raises ValueError for events
        that are no JSON."""

    def plain(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes: ...

    def stream(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes: ...

    def events(self, answer: dict[str, Any], ask: Ask) -> bytes:
        """Any answer as a stream, storable or not, with the names that it has. Raises ValueError for what is none."""


class Collector:
    """Takes in a stream; feeding it costs an append. What it amounts to is worked out when asked for, which takes
    microseconds an event, so better not where others wait."""

    __slots__ = ("_held", "_reads", "_wire")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._reads: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> None:
        self._held += len(data)
        if self._held <= LONGEST_STREAM:
            self._reads.append(data)
        else:
            self._reads.clear()

    def result(self, usage: Usage | None = None) -> bytes | None:
        """The answer that a plain call would have got. None if the stream did not end as it should, was too long, or
        says what cannot be put together for certain.

        `usage` is put in where the stream shows none, as one to a client that did not ask for it. Never raises.
        """
        if self._held > LONGEST_STREAM:
            return None
        try:
            whole = self._wire.assembled(sse.payloads(b"".join(self._reads)), usage)
            return None if whole is None else msgspec.json.encode(whole)
        except (ValueError, RecursionError):
            return None


def read(whole: bytes) -> dict[str, Any]:
    """The answer as an object. Raises ValueError for anything else."""
    try:
        value = msgspec.json.decode(whole)
    except RecursionError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("an answer that is no JSON object")
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    """A list of objects, which may be missing. Raises ValueError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError("not a list of objects")
    return value


def an_object(value: Any) -> dict[str, Any]:
    """An object, which may be missing. Raises ValueError for anything else."""
    if value is not None and not isinstance(value, dict):
        raise ValueError("not an object")
    return value or {}


def pieces(text: str) -> Iterator[str]:
    size = max(SHORTEST_PIECE, -(-len(text) // MOST_PIECES))
    return (text[at : at + size] for at in range(0, len(text), size))


def event(value: Any, name: str = "") -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + msgspec.json.encode(value) + b"\n\n"


def shown(usage: Any, zero: bool) -> Any:
    """The usage, or the same with every number zero."""
    if not zero:
        return usage
    if isinstance(usage, dict):
        return {name: shown(value, True) for name, value in usage.items()}
    return 0 if isinstance(usage, int | float) and not isinstance(usage, bool) else usage


def blank(text: Any) -> bool:
    return not isinstance(text, str) or not text.strip()
