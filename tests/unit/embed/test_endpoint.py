"""An endpoint as encoder: against a real HTTP server that speaks the wire, and against all the ways it can be wrong."""

import asyncio
import json
import math
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from farthing.embed import EncoderError
from farthing.embed.endpoint import Endpoint
from farthing.model.errors import UpstreamUnreachable
from farthing.model.usage import Usage


class Provider:
    """Answers with vectors of (length of the text, 1), last first; keeps what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.most_at_once = self.at_once = 0

    async def embeddings(self, request: web.Request) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        body = await request.json()
        self.bodies.append(body)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        data = [
            {"object": "embedding", "index": n, "embedding": [len(text), 1.0]} for n, text in enumerate(body["input"])
        ]
        used = {"prompt_tokens": 3 * len(data), "total_tokens": 3 * len(data)}
        return web.json_response({"object": "list", "data": data[::-1], "model": body["model"], "usage": used})


async def test_vectors_come_over_http_in_order_and_are_booked() -> None:
    provider, spent = Provider(), list[Usage | None]()
    app = web.Application()
    app.router.add_post("/v1/embeddings", provider.embeddings)
    async with TestServer(app) as server, ClientSession() as session:

        async def post(body: bytes) -> tuple[int, bytes]:
            async with session.post(server.make_url("/v1/embeddings"), data=body) as answer:
                return answer.status, await answer.read()

        encoder = Endpoint(post, "text-embedding-3-small", dimensions=2, spent=spent.append)
        vectors = await encoder.encode(["x" * number for number in range(1, 101)])
        assert np.allclose(vectors[:, 0] / vectors[:, 1], range(1, 101), rtol=1e-4)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert sorted(len(body["input"]) for body in provider.bodies) == [4, 16, 16, 16, 16, 16, 16]
    assert provider.most_at_once == 4
    assert sum(usage.uncached_in for usage in spent if usage) == 300
    assert {(body["model"], body["dimensions"]) for body in provider.bodies} == {("text-embedding-3-small", 2)}
    assert (encoder.name, encoder.dims) == ("text-embedding-3-small@2", 2)


def _answering(status: int, body: Any, spent: list[Usage | None] | None = None) -> Endpoint:
    async def post(sent: bytes) -> tuple[int, bytes]:
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()

    return Endpoint(post, "m", spent=(spent if spent is not None else []).append)


def _vectors(*rows: list[float]) -> dict[str, Any]:
    return {"data": [{"index": number, "embedding": row} for number, row in enumerate(rows)]}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"code": "invalid_api_key", "message": "wrong key sk-secret"}}, "refused the key (model m, status 401, invalid_api_key)"),
        (404, b"<html>", "knows no such address or model (model m, status 404)"),
        (429, {"error": {"type": "rate_limit"}}, "too many requests (model m, status 429, rate_limit)"),
        (500, {"error": "boom"}, "failed (model m, status 500)"),
        (400, {"error": {"code": "Your text: hello", "type": None}}, "refused the request (model m, status 400)"),
        (200, b"not json", "something else than embeddings"),
        (200, {"data": "x"}, "something else than embeddings"),
        (200, _vectors([1, 2]), "1 vectors for 2 texts"),
        (200, {"data": [{"index": 0, "embedding": [1, 2]}] * 2}, "mixed them up"),
        (200, _vectors([1, 2], [1]), "vectors of [1, 2] numbers, not of 2"),
        (200, _vectors([], []), "vectors of [0] numbers"),
        (200, _vectors([0, 0], [1, 0]), "no direction"),
        (200, b'{"data": [{"index": 0, "embedding": [1e999]}, {"index": 1, "embedding": [1]}]}', "embeddings"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_without_secrets(status: int, body: Any, said: str) -> None:
    with pytest.raises(EncoderError) as caught:
        await _answering(status, body).encode(["my text", "hello"])
    assert said in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("sk-secret", "my text", "hello"))


async def test_an_endpoint_that_cannot_be_reached() -> None:
    async def post(body: bytes) -> tuple[int, bytes]:
        raise UpstreamUnreachable("no connection to 127.0.0.1:9")

    with pytest.raises(EncoderError, match=r"cannot be used: no connection to 127.0.0.1:9"):
        await Endpoint(post, "m").encode(["a"])


async def test_the_length_of_vectors_is_learnt_and_kept_to() -> None:
    encoder = _answering(200, _vectors([3.0, 4.0]))
    assert (encoder.dims, encoder.name) == (0, "m")
    assert (await encoder.encode(["a"])).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
    assert encoder.dims == 2
    assert (await encoder.encode([])).shape == (0, 2)


async def test_usage_that_is_not_told_is_unknown_and_not_zero() -> None:
    spent: list[Usage | None] = []
    await _answering(200, _vectors([1.0]), spent).encode(["a"])
    with pytest.raises(EncoderError):
        await _answering(200, b"cut", spent).encode(["a"])
    with pytest.raises(EncoderError):
        await _answering(500, b"", spent).encode(["a"])
    assert spent == [None, None]


async def test_texts_that_endpoints_refuse_are_sent_in_a_form_they_take() -> None:
    sent: list[Any] = []

    async def post(body: bytes) -> tuple[int, bytes]:
        sent.extend(json.loads(body)["input"])
        return 200, json.dumps(_vectors([1.0], [1.0], [1.0])).encode()

    await Endpoint(post, "m").encode(["", "a\ud800b", "first " * 5_000 + "last"])
    assert sent[:2] == [" ", "ab"]
    assert len(sent[2]) == 8_001 and sent[2].startswith("first") and sent[2].endswith("last")
    assert math.isclose(8_000, len(sent[2]), abs_tol=1)


async def test_a_closed_encoder_asks_nobody() -> None:
    encoder = _answering(200, _vectors([1.0]))
    await encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        await encoder.encode(["a"])
