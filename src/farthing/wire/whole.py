"""A reader for answers that are no stream but pass as one: a JSON document, read when its last byte has come."""

from collections.abc import Callable

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire import tokens

WHOLE_LIMIT = 64 * 1024 * 1024
"""Bytes kept of an answer; one that is longer is not read."""


class WholeAnswer:
    """Looks at a JSON document as it passes."""

    __slots__ = ("_ask", "_dialect", "_held", "_read", "_reads")

    def __init__(self, read: Callable[[bytes, Ask, str], Reading], ask: Ask, dialect: str) -> None:
        self._read = read
        self._ask = ask
        self._dialect = dialect
        self._reads: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> bytes:
        self._held += len(data)
        if self._held <= WHOLE_LIMIT:
            self._reads.append(data)
        else:
            self._reads.clear()
        return data

    def finish(self) -> bytes:
        return b""

    @property
    def complete(self) -> bool:
        return self.reading().usage is not None

    @property
    def ending(self) -> bool:
        return self.complete

    def reading(self) -> Reading:
        return self._read(b"".join(self._reads), self._ask, self._dialect)

    def estimate(self, request_body: bytes) -> Reading:
        """Input from the request's size; such answers have no output that is billed."""
        return Reading(usage=Usage(uncached_in=tokens.likely_input(request_body)), estimated=True)
