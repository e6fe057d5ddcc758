"""Cuts a stream of server-sent events into whole ones, whatever the pieces in which the bytes arrive.

Each byte is looked at once and copied at most twice, however small the pieces are.
"""

import re
from collections.abc import Iterable

from farthing.model.errors import UpstreamError
from farthing.wire import sse

LONGEST_EVENT = 64 * 1024 * 1024
"""Bytes of one event that are kept while its end has not come."""

_EDGE = 3
"""Bytes before a piece that the end of an event can reach back to."""

_PLAIN_EVENTS = re.compile(rb"(?:\A|(?<=\n\n))(?:event: [^\n]*\n)?data: ([^\n]*)\n\n")
"""Events as nearly all hosts write them: at most a name, one line of data."""


class Frames:
    __slots__ = ("_edge", "_held", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._edge = b""

    def feed(self, data: bytes) -> Iterable[bytes]:
        """The payloads of the events that are whole now. Raises UpstreamError for an event that never ends."""
        if not self._parts and sse.ends_whole(data):
            return _payloads(data)
        end = sse.boundary(self._edge + data) - len(self._edge)
        if end <= 0:
            self._hold(data)
            return ()
        whole = b"".join((*self._parts, data[:end]))
        self._parts.clear()
        self._held = 0
        self._edge = b""
        if end < len(data):
            self._hold(data[end:])
        return _payloads(whole)

    def rest(self) -> Iterable[bytes]:
        """What came after the last whole event; the end of a stream ends an event too."""
        return sse.payloads(b"".join(self._parts))

    def _hold(self, data: bytes) -> None:
        self._parts.append(data)
        self._held += len(data)
        self._edge = (self._edge + data)[-_EDGE:]
        if self._held > LONGEST_EVENT:
            raise UpstreamError("the provider's stream holds an event without an end")


def _payloads(whole: bytes) -> Iterable[bytes]:
    """The quick way is taken only if it accounts for every event."""
    if b"\r" in whole:
        return sse.payloads(whole)
    plain: list[bytes] = _PLAIN_EVENTS.findall(whole)
    return plain if len(plain) == whole.count(b"\n\n") else sse.payloads(whole)
