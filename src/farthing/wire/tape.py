"""What every stream reader does: keep the reads that passed, look at them when asked, forget them when they are many.

Knows nothing of what the events say; each format gives `_note` (forwards, when the tape is wound off) and looks at the
tape itself when the reading is wanted. Feeding costs an append.
"""

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire import sse, tokens

TAPE_LIMIT = 64 * 1024
"""Bytes kept of a stream; then its whole events are read into totals and dropped."""
EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event; of a larger one only the size is remembered."""


class Tape:
    """A reader that hides nothing. `feed` returns the very bytes it was given."""

    __slots__ = ("_ask", "_dialect", "_held", "_limit", "_reads", "deltas", "lost", "text_bytes")

    def __init__(self, ask: Ask, dialect: str = "") -> None:
        self._ask = ask
        self._dialect = dialect
        self._reads: list[bytes] = []
        self._held = 0
        self._limit = TAPE_LIMIT
        self.text_bytes = 0
        """Bytes of text, reasoning and tool calls in the deltas that were wound off."""
        self.deltas = 0
        self.lost = False
        """An event was too large to be kept."""

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

    def _told(self) -> tuple[Reading, bool]:
        """What the stream said before it ended early, and whether that was about its output too."""
        raise NotImplementedError

    def _note(self, payload: bytes) -> None:
        """Read one event for good, because it is about to be dropped."""
        raise NotImplementedError

    def _text_of(self, payload: bytes) -> int | None:
        """Bytes of generated text in an event; None if it is no delta."""
        raise NotImplementedError

    def _tape(self) -> bytes:
        if len(self._reads) > 1:
            self._reads = [b"".join(self._reads)]
        return self._reads[0] if self._reads else b""

    def _wind_off(self) -> None:
        tape = self._tape()
        end = sse.boundary(tape)
        for payload in sse.payloads(tape[:end]):
            self._note(payload)
            size = self._text_of(payload)
            if size is not None:
                self.text_bytes += size
                self.deltas += 1
        rest = tape[end:]
        if len(rest) > EVENT_LIMIT:
            self.lost = True
            rest = b""
        self._reads = [rest]
        self._held = len(rest)
        self._limit = max(TAPE_LIMIT, 2 * len(rest))

    def _delivered(self) -> tuple[int, int]:
        text_bytes, deltas = self.text_bytes, self.deltas
        for payload in sse.payloads(self._tape()):
            size = self._text_of(payload)
            if size is not None:
                text_bytes += size
                deltas += 1
        return text_bytes, deltas
