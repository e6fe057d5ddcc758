import asyncio
from collections.abc import AsyncIterator

import pytest

from farthing.model.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.upstream.aiohttp_client import AiohttpClient
from farthing.upstream.client import Timeouts
from unit.upstream.scripted_server import answering, read_request, scripted

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-One: 1\r\n\r\nhello"
QUICK = Timeouts(connect=2, first_byte=0.3, idle=0.3, total=5)


@pytest.fixture
async def client() -> AsyncIterator[AiohttpClient]:
    client = AiohttpClient()
    yield client
    await client.close()


async def test_sends_and_reads(client: AiohttpClient) -> None:
    seen = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with scripted(script) as server:
        response = await client.send("POST", server.url, [(b"x-a", b"1")], b"{}", QUICK)
        assert (response.status, await response.read(100)) == (200, b"hello")
        assert (b"x-one", b"1") in response.headers
    assert b"accept-encoding: identity" in seen[0].lower() and seen[0].endswith(b"\r\n\r\n{}")


async def test_redirects_are_not_followed(client: AiohttpClient) -> None:
    answer = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with scripted(answering(answer)) as server:
        assert (await client.send("POST", server.url, [], b"{}", QUICK)).status == 302


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello", b"no http\r\n\r\n", b"HTTP/1.1 200 OK\r\nconte", b""],
)
async def test_broken_answers_are_upstream_errors(client: AiohttpClient, answer: bytes) -> None:
    async with scripted(answering(answer, close=True)) as server:
        with pytest.raises(UpstreamError):
            response = await client.send("POST", server.url, [], b"{}", QUICK)
            await response.read(100)


async def test_no_answer_in_time(client: AiohttpClient) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with scripted(script) as server:
        with pytest.raises(UpstreamTimeout):
            await client.send("POST", server.url, [], b"{}", QUICK)


async def test_unreachable(client: AiohttpClient) -> None:
    with pytest.raises(UpstreamUnreachable, match=r"http://127\.0\.0\.1:1 ") as caught:
        await client.send("POST", "http://127.0.0.1:1/v1?key=secret", [], b"{}", QUICK)
    assert "secret" not in caught.value.message


async def test_an_answer_longer_than_the_limit(client: AiohttpClient) -> None:
    async with scripted(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + b"z" * 5000)) as server:
        response = await client.send("POST", server.url, [], b"{}", QUICK)
        with pytest.raises(UpstreamError, match="longer"):
            await response.read(100)
        response.abort()


async def test_through_a_proxy() -> None:
    seen = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with scripted(proxy) as server:
        client = AiohttpClient(proxy=server.url.partition("/v1")[0])
        response = await client.send("POST", "http://models.example/v1/chat", [], b"{}", QUICK)
        assert await response.read(100) == b"hello"
        await client.close()
    assert seen[0].startswith(b"POST http://models.example/v1/chat HTTP/1.1")
