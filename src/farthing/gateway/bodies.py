"""JSON bodies of pages, small and checked. Model endpoints have an edge of their own."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

from farthing.model.errors import BadRequest, TooLarge

BODY_LIMIT = 64 * 1024
T = TypeVar("T")


async def read_body(request: Request, kind: type[T]) -> T:
    """The body as a value of `kind`. Raises TooLarge, BadRequest."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            raise TooLarge("The body is too large.")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not what is asked for here: {error}") from None
