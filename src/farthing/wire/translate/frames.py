"""Cuts a stream of server-sent events into whole ones, whatever the pieces in which the bytes arrive.

Each byte is looked at once and copied at most twice, however small the pieces are.
"""

from collections.abc import Iterator

from farthing.model.errors import UpstreamError
from farthing.wire import sse

LONGEST_EVENT = 64 * 1024 * 1024
"""Bytes of one event that are kept while its end has not come."""

_EDGE = 3
"""Bytes before a piece that the end of an event can reach back to."""


class Frames:
    __slots__ = ("_edge", "_held", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._edge = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads of the events that are whole now. Raises UpstreamError for an event that never ends."""
        if not self._parts and sse.ends_whole(data):
            return sse.payloads(data)
        end = sse.boundary(self._edge + data) - len(self._edge)
        if end <= 0:
            self._hold(data)
            return iter(())
        whole = b"".join((*self._parts, data[:end]))
        self._parts.clear()
        self._held = 0
        self._edge = b""
        if end < len(data):
            self._hold(data[end:])
        return sse.payloads(whole)

    def rest(self) -> Iterator[bytes]:
        """What came after the last whole event; the end of a stream ends an event too."""
        return sse.payloads(b"".join(self._parts))

    def _hold(self, data: bytes) -> None:
        self._parts.append(data)
        self._held += len(data)
        self._edge = (self._edge + data)[-_EDGE:]
        if self._held > LONGEST_EVENT:
            raise UpstreamError("the provider's stream holds an event without an end")
