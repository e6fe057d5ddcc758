"""The least that a Python gateway does: one static key, JSON parsed both ways, tokens counted. relay60.py PORT UPSTREAM."""

import asyncio
import sys
from typing import Any

import httptools
import msgspec
import uvicorn


class Ask(msgspec.Struct):
    model: str
    stream: bool = False


class Reply(msgspec.Struct):
    usage: dict[str, Any] = {}


class Upstream(asyncio.Protocol):
    idle: list["Upstream"] = []
    tokens = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes) -> None:
        self.parts: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.over, self.news = False, asyncio.Event()
        self.parser = httptools.HttpResponseParser(self)
        self.transport.write(request)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() not in (b"transfer-encoding", b"content-length"):
            self.headers.append((name.lower(), value))

    def on_body(self, data: bytes) -> None:
        self.parts.append(data)

    def on_message_complete(self) -> None:
        self.over = True

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)
        self.news.set()


async def relay(scope: Any, receive: Any, send: Any) -> None:
    body = (message := await receive())["body"]
    while message.get("more_body"):
        body += (message := await receive())["body"]
    ask, port = msgspec.json.decode(body, type=Ask), int(sys.argv[2])
    connect = asyncio.get_running_loop().create_connection
    up = Upstream.idle.pop() if Upstream.idle else (await connect(Upstream, "127.0.0.1", port))[1]
    up.send(
        b"POST %b HTTP/1.1\r\nhost: a\r\nauthorization: Bearer k\r\ncontent-length: %d\r\n\r\n%b"
        % (scope["raw_path"], len(body), body)
    )
    begun, tail = False, b""
    while not begun or not up.over:
        await up.news.wait()
        up.news.clear()
        data, up.parts = b"".join(up.parts), []
        if not begun:
            begun = True
            await send({"type": "http.response.start", "status": up.parser.get_status_code(), "headers": up.headers})
        await send({"type": "http.response.body", "body": data, "more_body": not up.over})
        tail = tail[-1000:] + data if ask.stream else data
    last = tail[tail.rfind(b"data: {") + 6 :].partition(b"\n")[0] if ask.stream else tail
    Upstream.tokens += msgspec.json.decode(last, type=Reply).usage.get("total_tokens", 0)
    Upstream.idle.append(up)


if __name__ == "__main__":
    uvicorn.run(
        relay,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
