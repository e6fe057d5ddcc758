"""What the batch APIs share of HTTP: one request, its refusals in our terms, an answer read whole or line by line.

Nothing is tried again here. Knows nothing of batches but that their creation may not happen twice.
"""

import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar
from urllib.parse import quote

import msgspec

from farthing.model.call import Header, Headers
from farthing.model.errors import UpstreamError, UpstreamUnreachable
from farthing.upstream.batches.api import TOKEN_LIMIT, TOO_LARGE, Refused, Unsure
from farthing.upstream.client import Response, Timeouts
from farthing.upstream.providers import Provider

T = TypeVar("T")

JSON: Header = (b"content-type", b"application/json")
ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that is read whole: a page of a list, never results."""
LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of one line of results; a longer one is left out."""
LOOK_S = 120.0
"""For an answer that is read whole: whoever trickles one is asked again later, and holds up nothing meanwhile."""
_ERROR_LIMIT = 1024 * 1024
_MESSAGE_LIMIT = 1000
_PIECE = 256 * 1024
_WAIT_S = 60.0
"""After a 429 that does not say how long."""
_MAY_HELP = (408, 409, 425, 429)
"""Statuses of refusals after which the same request may be granted."""


class Asking:
    """Asks one provider."""

    def __init__(self, provider: Provider, wire: str) -> None:
        """`wire`: a format of the provider, whose headers carry its key."""
        self._provider = provider
        limits = provider.timeouts
        self._patient = limits
        self._brief = msgspec.structs.replace(limits, total=min(limits.total or LOOK_S, LOOK_S))
        self._once = Timeouts(limits.connect, limits.first_byte, limits.idle, limits.total, once=True)
        self._plain = tuple(header for header in provider.headers(wire) if header[0] != b"content-type")
        self._json = (JSON, *self._plain)

    async def get(self, path: str) -> bytes:
        """The body. Raises UpstreamError, Refused."""
        return await self._read(await self._send("GET", path, self._plain, b"", self._brief))

    async def post(self, path: str, body: bytes = b"", *, content_type: bytes = b"") -> bytes:
        """The same, for what may arrive twice."""
        headers = ((b"content-type", content_type), *self._plain) if content_type else self._json
        return await self._read(await self._send("POST", path, headers, body, self._patient))

    async def delete(self, path: str) -> None:
        """Raises UpstreamError, Refused; it is no error that there is nothing."""
        try:
            await self._read(await self._send("DELETE", path, self._plain, b"", self._patient))
        except Refused as refused:
            if refused.status != 404:
                raise

    async def create(self, path: str, body: bytes, remote_file: str = "") -> bytes:
        """Send what may arrive once only. Raises Refused and UpstreamUnreachable where it surely had no effect, Unsure
        for all else."""
        try:
            return await self._read(await self._send("POST", path, self._json, body, self._once))
        except UpstreamUnreachable:
            raise
        except UpstreamError as error:
            raise Unsure(error.message, remote_file) from None
        except Refused as refused:
            if refused.status == 408:  # it may have read it all
                raise Unsure(refused.message, remote_file) from None
            raise

    async def lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """The lines of a body, as they arrive. Raises UpstreamError, Refused."""
        response = await self._send("GET", path, self._plain, b"", self._patient)
        try:
            await self._check(response)
            async with aclosing(_split(response)) as lines:
                async for line in lines:
                    yield line
        finally:
            response.abort()

    async def _send(
        self, method: str, path: str, headers: tuple[Header, ...], body: bytes, limits: Timeouts
    ) -> Response:
        return await self._provider.client.send(method, self._provider.place(path), headers, body, limits)

    async def _read(self, response: Response) -> bytes:
        await self._check(response)
        decoder = _decoder(response.headers)
        body = await response.read(ANSWER_LIMIT)
        return body if decoder is None else _unpacked(decoder, body, ANSWER_LIMIT)

    async def _check(self, response: Response) -> None:
        """Raises Refused for a status of 4xx, UpstreamError for any other that is no success."""
        status = response.status
        if 200 <= status < 300:
            return
        if not 400 <= status < 500:
            response.abort()
            raise UpstreamError(f"The provider answered with status {status}.")
        try:
            body = await response.read(_ERROR_LIMIT)
        except UpstreamError:
            body = b""
        headers, body = self._provider.without_secrets(response.headers, body)
        code, message = read_error(body)
        code = TOO_LARGE if status == 413 else code or f"http_{status}"
        raise Refused(code, message or f"status {status}", _wait(status, headers), status=status)


def segment(id: str) -> str:
    """A provider's id as a part of a path."""
    return quote(id, safe="")


def decoded(answer: bytes, type: type[T]) -> T:
    """An answer as a value. Raises UpstreamError for one that cannot be read."""
    try:
        return msgspec.json.decode(answer, type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UpstreamError("The provider's answer cannot be read.") from None


def read_error(body: bytes) -> tuple[str, str]:
    """Code and message of an error's body, in any of the shapes that providers have; empty where it has none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", ""
    if not isinstance(found, dict):
        return "", ""
    error = found.get("error", found)
    if isinstance(error, str):
        return "", error[:_MESSAGE_LIMIT]
    if not isinstance(error, dict):
        return "", ""
    message = str(error.get("message") or error.get("detail") or "")[:_MESSAGE_LIMIT]
    return code_of(str(error.get("code") or error.get("type") or ""), message), message


def code_of(code: str, message: str) -> str:
    """The code of an error; one for the limit of enqueued tokens, of which some hosts only speak in the message."""
    return TOKEN_LIMIT if "enqueued token" in message.lower() else code


async def _split(response: Response) -> AsyncGenerator[bytes, None]:
    """The lines of a body, without their ends and without empty ones. A line that is too long is left out."""
    decoder = _decoder(response.headers)
    begun: list[bytes] = []
    size = 0
    while data := await response.next():
        for plain in (data,) if decoder is None else _pieces(decoder, data):
            first, *rest = plain.split(b"\n")
            begun.append(first)
            size += len(first)
            if not rest:
                begun = begun if size <= LINE_LIMIT else []
                continue
            if size <= LINE_LIMIT and (line := b"".join(begun).strip()):
                yield line
            for line in rest[:-1]:
                if line := line.strip():
                    yield line
            begun, size = [rest[-1]], len(rest[-1])
    if size <= LINE_LIMIT and (line := b"".join(begun).strip()):
        yield line


def _wait(status: int, headers: Headers) -> float | None:
    if status not in _MAY_HELP:
        return None
    said = dict(headers).get(b"retry-after", b"")
    try:
        return min(3600.0, max(0.0, float(said)))
    except ValueError:
        return _WAIT_S


def _decoder(headers: Headers) -> "zlib._Decompress | None":
    """For providers that compress although identity was asked for."""
    encoding = dict(headers).get(b"content-encoding", b"identity").lower()
    if encoding == b"identity":
        return None
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise UpstreamError("The provider's answer is compressed, which was not asked for, and cannot be read.")
    return zlib.decompressobj(47)  # 32 + 15: gzip or zlib, by its head


def _unpacked(decoder: "zlib._Decompress", data: bytes, most: int) -> bytes:
    try:
        return decoder.decompress(data, most)
    except zlib.error:
        raise UpstreamError("The provider's compressed answer cannot be read.") from None


def _pieces(decoder: "zlib._Decompress", data: bytes) -> list[bytes]:
    pieces = [_unpacked(decoder, data, _PIECE)]
    while tail := decoder.unconsumed_tail:
        pieces.append(_unpacked(decoder, tail, _PIECE))
    return pieces
