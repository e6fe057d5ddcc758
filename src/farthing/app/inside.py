"""Asks a gateway of this process, by the same endpoints that its server has, without a connection between."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from farthing.gateway.protocol import CONNECTION

JSON = (b"content-type", b"application/json")


class Got(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class _Connection:
    """Takes the place of the server's connection, and keeps what is written to it."""

    def __init__(self) -> None:
        self.lost = False
        self.on_lost: Any = None
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []

    def answer(self, scope: Mapping[str, Any], status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        self.status, self.headers, self.parts = status, headers, [body]
        return True

    def more_time(self) -> None:
        """Nobody is waited for."""

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message.get("body"):
            self.parts.append(message["body"])


async def sent(app: Any, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Got:
    """The answer of an endpoint to a request that a client posts."""
    connection = _Connection()
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
        "extensions": {CONNECTION: connection},
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    await app(scope, receive, connection.send)
    return Got(connection.status, dict(connection.headers), b"".join(connection.parts))
