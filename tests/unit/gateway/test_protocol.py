"""The bounded protocol in a real uvicorn, spoken to over raw sockets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import trustme
import uvicorn

from farthing.gateway.protocol import CONNECTION, HEAD_LIMIT, BoundedProtocol


class Quick(BoundedProtocol):
    header_timeout_s = 0.3
    body_timeout_s = 0.3


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with how many parts the body came in, and whether the last of them said that more would come."""
    parts, more = 0, True
    while more:
        message = await receive()
        parts, more = parts + 1, message.get("more_body", False)
        if not message.get("body") and more:
            break
    text = f"{parts} {more}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    config = uvicorn.Config(app, http=Quick, ws="none", lifespan="off", log_config=None, access_log=False)
    server = Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await running


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(app) as port:
        yield port


class Line:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says(self, patience_s: float = 3.0) -> bytes:
        """All that the server says until it closes, or until it has been silent for a while."""
        got = b""
        try:
            async with asyncio.timeout(patience_s):
                while data := await self.reader.read(65536):
                    got += data
                    if b"\r\n\r\n" in got and got.endswith((b"True", b"False")):
                        break
        except ConnectionError:
            pass
        return got


async def line(port: int) -> Line:
    return Line(*await asyncio.open_connection("127.0.0.1", port))


async def test_a_body_that_is_worked_while_it_arrives_gets_more_time() -> None:
    asks = True

    async def working(scope: dict[str, Any], receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
            if asks:
                scope["extensions"][CONNECTION].more_time()
        text = b"%d False" % size
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
        await send({"type": "http.response.body", "body": text})

    async with serving(working) as port:
        for asks in (True, False):
            one = await line(port)
            one.writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 80\r\n\r\n")
            for _ in range(8):
                one.writer.write(b"x" * 10)
                await asyncio.sleep(0.2 if asks else 0.25)
            said = await one.says()
            one.writer.transport.abort()
            assert said.endswith(b"80 False") == asks


async def test_what_behaves_is_served_again_and_again(port: int) -> None:
    client = await line(port)
    for _ in range(3):
        client.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        assert (await client.says()).endswith(b"1 False")
    client.writer.close()


@pytest.mark.parametrize("start", [b"", b"POST / HTTP/1.1\r\nhost: x\r\nx-slow: "])
async def test_a_head_that_does_not_come_closes_the_connection(port: int, start: bytes) -> None:
    client = await line(port)
    client.writer.write(start)
    assert await client.says() == b""
    client.writer.close()


async def test_the_second_head_of_a_connection_is_watched_too(port: int) -> None:
    client = await line(port)
    client.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
    assert (await client.says()).endswith(b"1 False")
    client.writer.write(b"POST / HTTP/1.1\r\nhost")
    assert await client.says() == b""
    client.writer.close()


async def test_large_bodies_one_after_the_other(port: int) -> None:
    client = await line(port)
    for size in (200_000, 10, 200_000, 100_000, 2):
        client.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)
        assert (await client.says()).endswith(b" False")
    client.writer.close()


async def test_chunks_of_one_byte(port: int) -> None:
    client = await line(port)
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    client.writer.write(head + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
    assert (await client.says()).endswith(b" False")
    client.writer.close()


async def test_a_slow_but_steady_client_is_served(port: int) -> None:
    client = await line(port)
    for piece in (b"POST / HTTP/1.1\r\n", b"host: x\r\n", b"content-length: 2\r\n\r\n", b"{}"):
        client.writer.write(piece)
        await asyncio.sleep(0.05)
    assert b" 200 " in await client.says()
    client.writer.close()


async def test_a_head_without_end(port: int) -> None:
    client = await line(port)
    client.writer.write(b"POST / HTTP/1.1\r\nx: " + b"y" * (2 * HEAD_LIMIT))
    assert (await client.says()).startswith(b"HTTP/1.1 400 ")
    client.writer.close()


async def test_whoever_reads_a_body_that_stays_away_is_woken(port: int) -> None:
    client = await line(port)
    client.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{}")
    assert (await client.says()).endswith(b"2 True")
    client.writer.close()


async def test_an_answer_leaves_in_one_write(port: int) -> None:
    """Head and body come in one read: they were one packet."""
    client = await line(port)
    client.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
    assert (await client.reader.read(65536)).endswith(b"\r\n\r\n1 False")
    client.writer.close()


async def whole(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with the body, the way an edge does, and says whether the short way was open."""
    body = (await receive())["body"]
    if body == b"slow":
        await asyncio.sleep(0.1)
    headers = [(b"x-way", b"short"), (b"x-body", body)]
    if not scope["extensions"][CONNECTION].answer(scope, 200, headers, body):
        text = b"long way, " + body
        head = [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": text})


def posted(body: bytes, more: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n%b" % (more, len(body), body)


async def test_a_whole_answer_at_once_keeps_the_connection() -> None:
    async with serving(whole) as port:
        client = await line(port)
        for body in (b"one", b"two", b""):
            client.writer.write(posted(body))
            said = await client.reader.read(65536)
            assert said == (
                b"HTTP/1.1 200 OK\r\nx-way: short\r\nx-body: %b\r\ncontent-length: %d\r\n\r\n%b"
                % (body, len(body), body)
            )
        client.writer.close()


async def test_requests_that_overlap_are_answered_in_their_order() -> None:
    async with serving(whole) as port:
        client = await line(port)
        client.writer.write(posted(b"slow") + posted(b"second") + posted(b"third", b"connection: close\r\n"))
        said = await client.says()
        assert said.count(b"HTTP/1.1 200 OK") == 3
        assert 0 < said.index(b"long way, slow") < said.index(b"second") < said.index(b"long way, third")
        assert said.count(b"connection: close") == 1
        client.writer.close()


@pytest.mark.parametrize("value", [b"a\r\nx-more: b", b"a\nb", b"a\rb", b"a\0b", b"a\x7fb"])
async def test_a_header_that_would_break_the_head_takes_the_long_way(value: bytes) -> None:
    async with serving(whole) as port:
        client = await line(port)
        client.writer.write(posted(value))
        said = await client.reader.read(65536)
        assert said.endswith(b"\r\n\r\nlong way, " + value)
        assert b"x-body" not in said
        client.writer.close()


async def test_whoever_sends_a_stream_hears_that_its_client_left() -> None:
    left = asyncio.Event()

    async def streaming(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope["extensions"][CONNECTION].on_lost = left.set
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"1", "more_body": True})
        await left.wait()

    async with serving(streaming) as port:
        client = await line(port)
        client.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        await client.reader.read(65536)
        client.writer.close()
        async with asyncio.timeout(30):
            await left.wait()


async def test_the_end_of_a_tls_connection_does_not_wait_for_a_client_at_rest() -> None:
    authority = trustme.CA()
    config = uvicorn.Config(app, http=Quick, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    config.ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(config.ssl)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        port = listener.getsockname()[1]
        client = await asyncio.to_thread(_resting_client, port, trusting)
        server.should_exit = True
        await asyncio.wait_for(running, 20)  # a client at rest would be waited for longer
        client.close()


def _resting_client(port: int, trusting: ssl.SSLContext) -> ssl.SSLSocket:
    """One that made a call, and reads no more."""
    client = trusting.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
    client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
    client.recv(1)
    return client
