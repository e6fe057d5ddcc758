"""An answer that is made while it is sent, and what is to be done once it was: only if its client was there to the end."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from farthing.gateway.protocol import CONNECTION


class Streamed(Response):
    """See the module. What goes wrong before the first piece is an error of its own; later it cuts the answer off."""

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], media_type: str, *, headers: Mapping[str, str] | None = None,
        then: Callable[[], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(media_type=media_type, headers={"x-content-type-options": "nosniff", **(headers or {})})
        if not headers or "content-length" not in headers:
            del self.headers["content-length"]
        self._pieces = pieces
        self._then = then

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Any = scope.get("extensions", {}).get(CONNECTION)
        pieces = self._pieces
        try:
            piece = await anext(pieces, b"")
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if connection is not None and connection.lost:
                    return
                piece = await anext(pieces, b"")
        finally:
            await pieces.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        if self._then is not None and not (connection is not None and connection.lost):
            await self._then()
