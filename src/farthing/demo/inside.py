"""Asks a gateway of this process, by the same endpoints that its server has, without a connection between."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from farthing.demo.company import Ask, Heard
from farthing.gateway.asgi import Endpoints
from farthing.gateway.protocol import CONNECTION
from farthing.wire import FORMATS

_DELTA = re.compile(rb'"delta":\{[^{}]*?"content":("(?:[^"\\]|\\.)*")')
"""The words of a chunk: the stream is the simulator's own."""

JSON = (b"content-type", b"application/json")


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

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message.get("body"):
            self.parts.append(message["body"])


async def ask(endpoints: Endpoints, key: str, wanted: Ask) -> Heard:
    """One call of a client with this key."""
    path = FORMATS[wanted.wire].path
    tags = [(f"x-farthing-{name}".encode(), value.encode()) for name, value in wanted.tags.items() if value]
    headers = [(b"authorization", b"Bearer " + key.encode()), JSON, *tags]
    connection = await _sent(endpoints.edges[path], path, headers, msgspec.json.encode(wanted.body))
    return heard(wanted, connection.status, dict(connection.headers), b"".join(connection.parts))


async def post(endpoints: Endpoints, key: str, path: str, body: object) -> int:
    """Something else that a client posts; gives the status."""
    headers = [(b"authorization", b"Bearer " + key.encode()), JSON, (b"host", b"localhost")]
    return (await _sent(endpoints.pages, path, headers, msgspec.json.encode(body))).status


def heard(wanted: Ask, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Heard:
    """What a script is told of an answer."""
    call_id = headers.get(b"x-farthing-call-id", b"").decode()
    if status != 200:
        return Heard(status, call_id)
    if wanted.wire == "anthropic.messages":
        return Heard(status, call_id, blocks=msgspec.json.decode(body)["content"])
    if wanted.body.get("stream"):
        return Heard(status, call_id, "".join(msgspec.json.decode(part) for part in _DELTA.findall(body)))
    return Heard(status, call_id, msgspec.json.decode(body)["choices"][0]["message"]["content"] or "")


async def _sent(app: Any, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> _Connection:
    connection = _Connection()
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1", "root_path": "",
        "extensions": {CONNECTION: connection},
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    await app(scope, receive, connection.send)
    return connection
