"""Bodies that are too large for memory: read piece by piece, bounded in size, in number and in time.

A body that arrives slowly but goes on arriving may take as long as it needs; one that stands still is given up as any other
is. Knows nothing of what is in a body.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from farthing.gateway.protocol import CONNECTION
from farthing.model.errors import BadRequest, TooLarge, Unavailable

AT_ONCE = 32
"""Large bodies that a process takes in at the same time; each needs up to two pieces of memory."""
PIECE = 2**20
"""Bytes after which a body gets more time."""
FIELD_LIMIT = 4096
"""Bytes of a form's field that is no file."""
PARTS_LIMIT = 32
NAME_LIMIT = 512
"""Characters of a file's name."""


class Room:
    """How many large bodies are on their way in."""

    def __init__(self, limit: int = AT_ONCE) -> None:
        self._left = limit

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A place for one body. Raises Unavailable where there is none."""
        if not self._left:
            raise Unavailable("Too many large bodies are on their way in. Send it again.", retry_after=2)
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1


async def chunks_of(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body in the pieces in which it arrives. Raises BadRequest, TooLarge, ClientDisconnect."""
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("The body is compressed. Send it without Content-Encoding.")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:18]) > most:
        raise too_large(most)
    connection: Any = request.scope.get("extensions", {}).get(CONNECTION)
    size = since = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_large(most)
        if size - since >= PIECE and connection is not None:
            since = size
            connection.more_time()
        yield chunk


def too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most // 2**20} MiB.")


class Part(NamedTuple):
    """A piece of a form's field."""

    name: str
    filename: str | None
    """None for a field that is no file."""
    data: bytes
    first: bool


async def form_of(request: Request, most: int) -> AsyncIterator[Part]:
    """The fields of a form as they arrive, files in pieces. Raises what `chunks_of` does, and BadRequest for what is no
    form."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise BadRequest("Send the file as multipart/form-data.")
    form = _Form(boundary)
    async for chunk in chunks_of(request, most):
        for part in form.feed(chunk):
            yield part
    form.end()


class _Form:
    """What the parser calls, gathered."""

    def __init__(self, boundary: bytes) -> None:
        self._found: list[Part] = []
        self._header, self._value = b"", b""
        self._disposition = b""
        self._name, self._filename, self._first = "", None, False  # type: tuple[str, str | None, bool]
        self._parts = 0
        self._whole = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin, "on_part_data": self._data, "on_part_end": self._part_end,
                    "on_header_begin": self._header_begin, "on_header_field": self._header_name,
                    "on_header_value": self._header_value, "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end, "on_end": self._end,
                },
            )  # fmt: skip
        except FormParserError:
            raise _no_form() from None

    def feed(self, chunk: bytes) -> list[Part]:
        self._found = []
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _no_form() from None
        return self._found

    def end(self) -> None:
        if not self._whole:
            raise _no_form()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_LIMIT:
            raise BadRequest(f"The form has more than {PARTS_LIMIT} fields.")
        self._disposition = b""

    def _header_begin(self) -> None:
        self._header, self._value = b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value

    def _headers_end(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise _no_form()
        self._name = options[b"name"].decode("utf-8", "replace")[:NAME_LIMIT]
        named = options.get(b"filename")
        self._filename = None if named is None else named.decode("utf-8", "replace")[:NAME_LIMIT]
        self._first = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._found.append(Part(self._name, self._filename, data[start:end], self._first))
        self._first = False

    def _part_end(self) -> None:
        if self._first:
            self._found.append(Part(self._name, self._filename, b"", True))
            self._first = False

    def _end(self) -> None:
        self._whole = True


def _no_form() -> BadRequest:
    return BadRequest("The body is not a whole form of the kind multipart/form-data.")
