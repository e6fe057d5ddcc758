"""What the gateway asks of an HTTP client. Two stand behind it: `http1` (own, small, fast) and `aiohttp_client`."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from farthing.model.call import Header, Headers


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds. Zero means no limit."""

    connect: float = 10.0
    first_byte: float = 600.0
    """From the last byte sent to the first byte of the answer's head."""
    idle: float = 120.0
    """Between two reads of the answer's body."""
    total: float = 3600.0
    """From the call of `send` to the last byte of the answer."""
    once: bool = False
    """For what must never arrive twice: it goes over a connection of its own, since on a kept one it may be sent again."""


class Response(Protocol):
    """A provider's answer; its head is read, its body is not."""

    status: int
    headers: Headers
    """Names in lower case, in the order they came."""

    async def next(self) -> bytes:
        """All bytes of the body that have arrived since, b"" at the end. Raises UpstreamError, UpstreamTimeout."""

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises UpstreamError if it is longer than `limit` bytes or breaks off."""

    def abort(self) -> None:
        """Stop reading and close the connection; harmless at the end."""


class Client(Protocol):
    """Sends requests to providers over pooled connections."""

    async def send(self, method: str, url: str, headers: Sequence[Header], body: bytes, timeouts: Timeouts) -> Response:
        """Send and wait for the answer's head. `url` comes from settings, never from a client. Host, Content-Length and
        Accept-Encoding: identity are added. Raises UpstreamUnreachable, UpstreamTimeout, UpstreamError (with what
        failed, no secret)."""

    async def close(self) -> None: ...
