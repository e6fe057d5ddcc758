"""What a translation between two formats can do. Knows nothing of any format, of HTTP or of prices."""

from typing import Protocol

from farthing.model.call import Ask


class StreamTranslator(Protocol):
    """One stream on its way from the provider to the client. What it writes does not depend on how the bytes were cut."""

    def feed(self, data: bytes) -> bytes:
        """Take the bytes of one read from the provider; return those that the client gets now.

        Raises UpstreamError where the provider sends what its own format does not allow.
        """

    def finish(self) -> bytes:
        """The provider closed the stream. A proper end is written only if the model had said why it stopped: a stream
        that was cut stays cut, and nothing is made up. Never raises."""


class Translation(Protocol):
    """A client of one format served by a provider of another."""

    def request(self, body: bytes, ask: Ask, model: str) -> bytes:
        """The client's body in the provider's format, for the provider's `model`.

        Notes on `ask` what the answer depends on. Raises CannotTranslate, which names the field, for what the
        provider's format has no word for, and BadRequest for a body that is wrong in the client's own format.
        """

    def answer(self, body: bytes, ask: Ask) -> bytes:
        """The provider's whole 2xx answer in the client's format. Raises UpstreamError if it is no such answer."""

    def stream(self, ask: Ask) -> StreamTranslator: ...

    def error(self, status: int, body: bytes) -> bytes:
        """The provider's error body in the shape that the client's SDK expects. Never raises, whatever the body is."""
