"""What a wire format can do, whichever it is: bytes to values and back. No network, no prices.

One file a format implements `Format`; `wire/__init__.py` lists them by name. Where client and provider speak the same
format the bytes are relayed and only looked at; `wire/translate` is for the pairs that differ.
"""

from typing import Protocol

from farthing.model.call import Ask
from farthing.model.errors import FarthingError
from farthing.model.usage import Reading


class StreamReader(Protocol):
    """Looks at a stream as it passes: hides what the client did not ask for, and reads the meter.

    Feeding costs next to nothing a byte: events are parsed only where usage can be, or when a stream ends early.
    """

    def feed(self, data: bytes) -> bytes:
        """Take the bytes of one read from upstream; return those that the client gets now."""

    def finish(self) -> bytes:
        """The stream ended: return what was held back."""

    @property
    def complete(self) -> bool:
        """Whether the format's own end mark was seen; a stream without it was cut."""

    @property
    def ending(self) -> bool:
        """Whether the provider has said why it stopped (a finish reason), so that only usage and end mark are to come."""

    def reading(self) -> Reading:
        """What the provider reported; `usage` is None if it reported nothing."""

    def estimate(self, request_body: bytes) -> Reading:
        """For a stream that ended early without usage: input from the request's size, output from the deltas that
        passed (text, reasoning, tool calls), never above the request's own limit. Marked `estimated`."""


class Format(Protocol):
    """One wire format, as clients and providers speak it."""

    name: str
    """openai.chat, openai.responses, openai.embeddings, anthropic.messages, anthropic.count_tokens."""
    family: str
    """openai or anthropic: how keys are sent and errors look."""
    path: str
    """Where Farthing serves it: /v1/chat/completions, ..."""
    billed: bool
    """Whether a provider bills calls of this format (counting tokens is free)."""

    def ask(self, body: bytes) -> Ask:
        """What the steps need to know. Raises BadRequest with the reason, in words for the caller."""

    def splice(self, body: bytes, ask: Ask, model: str) -> bytes:
        """The body for the provider: `model` put in place of the one asked for, and usage asked for on streams. All
        else stays as it came, byte for byte; `body` itself is returned where nothing changes."""

    def read(self, body: bytes, ask: Ask, dialect: str = "") -> Reading:
        """Read the meter in a whole answer. Never raises: a body that cannot be read has no usage."""

    def estimate(self, request_body: bytes, answer_body: bytes, ask: Ask) -> Reading:
        """For a whole answer without usage: by the sizes of both. Marked `estimated`."""

    def stream(self, ask: Ask, dialect: str = "") -> StreamReader: ...

    def error(self, error: FarthingError, call_id: str) -> bytes:
        """The error in the shape that the format's SDK expects."""

    def error_event(self, error: FarthingError, call_id: str) -> bytes:
        """The same inside a stream that has begun, as the format's SDK expects it, with a proper end of stream."""
