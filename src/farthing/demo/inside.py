"""Has the company's scripts ask a gateway of this process, and tells them what they heard."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from farthing.app.inside import JSON, Got, sent
from farthing.demo.company import Ask, Heard
from farthing.gateway.asgi import Endpoints
from farthing.model.call import Header
from farthing.wire import FORMATS

NO_TAGS: Mapping[str, str] = MappingProxyType({})

_DELTA = re.compile(rb'"delta":\{[^{}]*?"content":("(?:[^"\\]|\\.)*")')
"""The words of a chunk: the stream is the simulator's own."""


async def ask(endpoints: Endpoints, key: str, wanted: Ask) -> Heard:
    """One call of a client with this key."""
    path = FORMATS[wanted.wire].path
    tags = [(f"x-farthing-{name}".encode(), value.encode()) for name, value in wanted.tags.items() if value]
    headers = [(b"authorization", b"Bearer " + key.encode()), JSON, *tags]
    got = await sent(endpoints.edges[path], path, headers, msgspec.json.encode(wanted.body))
    return heard(wanted, got.status, got.headers, got.body)


async def post(
    endpoints: Endpoints, key: str, path: str, body: object, kind: Header = JSON, tags: Mapping[str, str] = NO_TAGS
) -> Got:  # fmt: skip
    """Something else that a client posts: bytes as they are, all else as JSON."""
    told = [(f"x-farthing-{name}".encode(), value.encode()) for name, value in tags.items()]
    headers = [(b"authorization", b"Bearer " + key.encode()), kind, (b"host", b"localhost"), *told]
    return await sent(endpoints.pages, path, headers, body if isinstance(body, bytes) else msgspec.json.encode(body))


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
