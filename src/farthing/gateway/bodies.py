"""JSON bodies of pages, small and checked. Model endpoints have an edge of their own."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

from farthing.model.errors import BadRequest, TooLarge

BODY_LIMIT = 64 * 1024
T = TypeVar("T")


async def read_bytes(request: Request, most: int = BODY_LIMIT) -> bytes:
    """The body as it came. Raises TooLarge."""
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > most:
            raise TooLarge("The body is too large.")
    return b"".join(parts)


async def read_body(request: Request, kind: type[T], most: int = BODY_LIMIT) -> T:
    """The body as a value of `kind`. Raises TooLarge, BadRequest."""
    try:
        return msgspec.json.decode(await read_bytes(request, most), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not what is asked for here: {error}") from None
