"""What every stream reader does: keep the reads that passed, look at them when asked, forget them when they are many.

Knows nothing of what the events say: each format looks at the tape when the reading is wanted, and before a part of it
is wound off. Feeding costs an append.
"""

from abc import ABC, abstractmethod

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire import sse, tokens

TAPE_LIMIT = 64 * 1024
"""Bytes kept of a stream; then its whole events are read into totals and dropped."""
EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event; a larger one passes, but is not read."""


class Tape(ABC):
    """A reader that hides nothing. `feed` returns the very bytes it was given."""

    __slots__ = ("_ask", "_dialect", "_held", "_limit", "_reads", "_wound", "deltas", "text_bytes")

    def __init__(self, ask: Ask, dialect: str = "") -> None:
        self._ask = ask
        self._dialect = dialect
        self._reads: list[bytes] = []
        self._held = 0
        self._limit = TAPE_LIMIT
        self._wound = 0
        self.text_bytes = 0
        """Bytes of text, reasoning and tool calls in the deltas that were wound off."""
        self.deltas = 0

    def feed(self, data: bytes) -> bytes:
        self._reads.append(data)
        self._held += len(data)
        if self._held > self._limit:
            self._wind_off()
        return data

    def finish(self) -> bytes:
        return b""

    def estimate(self, request_body: bytes) -> Reading:
        """Input as the stream told it, else from the request's size; output from the deltas that passed, or what was
        told so far if that is more. Where the provider said that all is zero it stays zero."""
        told, output_told = self._told()
        if output_told and told.usage is not None and not told.usage.total_in + told.usage.total_out:
            usage = told.usage
        else:
            usage = told.usage if told.usage is not None and told.usage.total_in else Usage()
            if not usage.total_in:
                usage.uncached_in = tokens.likely_input(request_body)
            usage.out = max(usage.out, tokens.bounded(tokens.likely_output(*self._delivered()), self._ask))
        return Reading(
            usage=usage, estimated=True, model=told.model, tier=told.tier, geo=told.geo, raw=told.raw,
            finish=told.finish, flags=told.flags,
        )  # fmt: skip

    @abstractmethod
    def _told(self) -> tuple[Reading, bool]:
        """What the stream said before it ended early, and whether that was about its output too."""

    @abstractmethod
    def _absorb(self, events: bytes) -> None:
        """Read whole events for good, because they are about to be dropped."""

    @abstractmethod
    def _text_of(self, payload: bytes) -> int:
        """Bytes of generated text in an event; 0 if it is no delta."""

    def _tape(self) -> bytes:
        if len(self._reads) > 1:
            self._reads = [b"".join(self._reads)]
        return self._reads[0] if self._reads else b""

    def _place(self) -> tuple[int, int]:
        """How far the stream has come; what was seen at the same place need not be looked for again."""
        return self._wound, self._held

    def _wind_off(self) -> None:
        tape = self._tape()
        end = sse.boundary(tape)
        events, rest = tape[:end], tape[end:]
        self._absorb(events)
        text_bytes, deltas = self._count(events)
        self.text_bytes += text_bytes
        self.deltas += deltas
        if len(rest) >= EVENT_LIMIT:
            rest = b""
        self._reads = [rest]
        self._held = len(rest)
        self._limit = min(max(TAPE_LIMIT, 2 * len(rest)), EVENT_LIMIT)
        self._wound += 1

    def _delivered(self) -> tuple[int, int]:
        text_bytes, deltas = self._count(self._tape())
        return self.text_bytes + text_bytes, self.deltas + deltas

    def _count(self, events: bytes) -> tuple[int, int]:
        sizes = [size for payload in sse.payloads(events) if (size := self._text_of(payload))]
        return sum(sizes), len(sizes)
