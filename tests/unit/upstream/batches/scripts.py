"""Batch APIs on a server that gives one answer after the other, as documentation shows them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from farthing.settings import ProviderSettings, Secret, Url
from farthing.upstream.batches import BatchApi, batch_api
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Provider
from unit.upstream.scripted_server import Scripted, read_request, scripted


@asynccontextmanager
async def scripted_api(kind: str, *answers: Any, **more: Any) -> AsyncIterator[tuple[BatchApi, Scripted]]:
    """`answers`: values for JSON, bytes for a body, or None: the connection closes. The server's `requests` are what came."""
    left = list(answers)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            state.requests.append(await _request(reader))
            answer = left.pop(0) if left else None
            if answer is None:
                return
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async with scripted(script) as state:
        base = Url(state.url.partition("/v1")[0] + ("" if kind == "azure" else "/v1"))
        client = Http1Client()
        settings = ProviderSettings(kind=kind, base_url=base, api_key=Secret("sk-123456"), **more)
        api = batch_api(Provider(kind, settings, client))
        assert api is not None
        yield api, state
        await client.close()


def asked(request: bytes) -> Any:
    """The JSON of a request."""
    return json.loads(request.partition(b"\r\n\r\n")[2])


async def _request(reader: asyncio.StreamReader) -> bytes:
    return await read_request(reader)
