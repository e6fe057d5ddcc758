"""Bodies are read line by line, however they arrive; what may be sent once is sent once; errors keep no secrets."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Headers
from farthing.model.errors import UpstreamError
from farthing.settings import ProviderSettings, Secret, Url
from farthing.upstream.batches import asking as module
from farthing.upstream.batches.api import Refused, Unsure
from farthing.upstream.batches.asking import Asking, _split, read_error
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Provider
from unit.upstream.scripted_server import Scripted, answering, read_request, scripted

FILE = b'{"id":"file-1"}'


class Pieces:
    """A response whose body comes in these pieces."""

    def __init__(self, pieces: list[bytes], headers: Headers | None = None) -> None:
        self.status = 200
        self.headers: Headers = headers or []
        self._pieces = list(pieces)

    async def next(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def read(self, limit: int) -> bytes:
        raise AssertionError("results are not read whole")

    def abort(self) -> None: ...


async def split(pieces: list[bytes], headers: Headers | None = None) -> list[bytes]:
    return [line async for line in _split(Pieces(pieces, headers))]


@given(st.lists(st.binary(max_size=6).map(lambda part: part.replace(b"\n\n", b"\n")), max_size=20), st.booleans())
def test_lines_are_the_same_however_they_arrive(parts: list[bytes], packed: bool) -> None:
    pieces = [part for part in parts if part]
    expected = [line.strip() for line in b"".join(pieces).split(b"\n") if line.strip()]
    if packed:
        squeezed = zlib.compress(b"".join(pieces))
        pieces = [squeezed[at : at + 3] for at in range(0, len(squeezed), 3)]
    assert asyncio.run(split(pieces, [(b"content-encoding", b"deflate")] if packed else None)) == expected


async def test_a_line_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_LIMIT", 1000)
    pieces = [b"a\n", *[b"x" * 100] * 50, b"\nb\n", b"y" * 2000]
    assert await split(pieces) == [b"a", b"b"]


async def test_compressed_bodies_that_cannot_be_read() -> None:
    for headers, piece in (([(b"content-encoding", b"br")], b"a"), ([(b"content-encoding", b"gzip")], b"no gzip")):
        with pytest.raises(UpstreamError):
            await split([piece], headers)


@asynccontextmanager
async def asked(script: Callable[..., object]) -> AsyncIterator[tuple[Asking, Scripted]]:
    async with scripted(script) as server:  # type: ignore[arg-type]
        client = Http1Client()
        settings = ProviderSettings(base_url=Url(server.url.partition("/v1")[0] + "/v1"), api_key=Secret("sk-secret"))
        yield Asking(Provider("openai", settings, client), "openai.chat"), server
        await client.close()


def said(status: str, body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status.encode(), lines, len(body), body)


async def test_a_creation_is_never_sent_again_by_the_client() -> None:
    """A kept connection that closes at once is taken for a stale one, and a request on it is sent again: not this one."""
    came: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            came.append(request.split(b" ")[0])
            if request.startswith(b"POST"):
                return  # accepted, and closed without a word
            writer.write(said("200 OK", FILE))

    async with asked(script) as (asking, _):
        for _ in range(3):
            assert await asking.get("/files/file-1") == FILE
        with pytest.raises(Unsure) as unsure:
            await asking.create("/batches", b"{}", "file-1")
    assert came == [b"GET", b"GET", b"GET", b"POST"] and unsure.value.remote_file == "file-1"


@pytest.mark.parametrize("status", ["500 x", "502 x", "503 x", "504 x", "529 x", "301 x", "408 x"])
async def test_nobody_knows_after_an_error_of_the_server(status: str) -> None:
    async with asked(answering(said(status, b"{}"))) as (asking, _):
        with pytest.raises(Unsure):
            await asking.create("/batches", b"{}")


async def test_an_answer_that_trickles_is_left_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.3)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with asked(script) as (asking, _):
        with pytest.raises(UpstreamError):
            await asyncio.wait_for(asking.get("/batches/batch-1"), 10)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [((), 60.0), ((b"retry-after: 7",), 7.0), ((b"retry-after: soon",), 60.0), ((b"retry-after: 99999",), 3600.0)],
)
async def test_how_long_to_wait(headers: tuple[bytes, ...], wait: float) -> None:
    async with asked(answering(said("429 x", b"{}", *headers))) as (asking, _):
        with pytest.raises(Refused) as refused:
            await asking.create("/batches", b"{}")
    assert (refused.value.retry_after, refused.value.code) == (wait, "http_429")


async def test_an_error_keeps_no_secret() -> None:
    body = b'{"error":{"code":"invalid_api_key","message":"Incorrect API key provided: sk-secret."}}'
    async with asked(answering(said("401 x", body))) as (asking, _):
        with pytest.raises(Refused) as refused:
            await asking.get("/batches")
    assert (refused.value.code, refused.value.message) == ("invalid_api_key", "Incorrect API key provided: ***.")
    assert refused.value.retry_after is None and refused.value.status == 401


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error":{"code":"a","message":"b"}}', "a", "b"),
        (b'{"type":"error","error":{"type":"not_found_error","message":"b"}}', "not_found_error", "b"),
        (b'{"error":{"code":429,"message":null}}', "429", ""),
        (b'{"error":"no"}', "", "no"),
        (b'{"detail":"no"}', "", "no"),
        (b'{"message":"no","type":"x"}', "x", "no"),
        (b'{"error":{"code":"429","message":"Enqueued token quota"}}', "token_limit_exceeded", "Enqueued token quota"),
        (b"<html>", "", ""),
        (b"[1]", "", ""),
        (b'{"error":[1]}', "", ""),
        (b"\xff", "", ""),
    ],
)
def test_errors_in_any_shape(body: bytes, code: str, message: str) -> None:
    assert read_error(body) == (code, message)
