"""An OpenAI-compatible embeddings endpoint as encoder: better or multilingual vectors, for money and with a round trip.

How bytes reach the endpoint is the caller's: `post` sends one body to it. What each answer says it used is handed to
`spent`, so that it can be booked. Knows nothing of prices, keys and addresses.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from farthing.embed import EncoderError, ends
from farthing.embed.library import library
from farthing.model.errors import FarthingError
from farthing.model.usage import Usage

if TYPE_CHECKING:
    from farthing.embed import Vectors

Post = Callable[[bytes], Awaitable[tuple[int, bytes]]]
"""Sends a body of JSON to `.../v1/embeddings`; gives the status and the whole answer. May raise FarthingError."""

Spent = Callable[[Usage | None], None]
"""Told once an answered request, also if its vectors cannot be used; None: the endpoint did not say."""

_TEXTS_A_REQUEST = 16
"""Few, for an answer is decoded in one go: 16 vectors of 3,072 numbers take some 3 ms."""
_REQUESTS_AT_ONCE = 4
_CHARS_READ = 4_000
"""From each end of a text; such a text fits the 8,191 tokens of the usual models in any script."""


class Endpoint:
    """The encoder behind an endpoint."""

    def __init__(self, post: Post, model: str, *, dimensions: int = 0, spent: Spent | None = None) -> None:
        """`dimensions`: asked of models that can shorten their vectors; 0: the model's own."""
        self._post, self._model, self._asked_dims = post, model, dimensions
        self._spent = spent or (lambda usage: None)
        self._dims = dimensions
        self._at_once = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        self._closed = False

    @property
    def name(self) -> str:
        return f"{self._model}@{self._asked_dims}" if self._asked_dims else self._model

    @property
    def dims(self) -> int:
        return self._dims

    async def encode(self, texts: Sequence[str]) -> Vectors:
        numpy = library("numpy")
        parts = [texts[start : start + _TEXTS_A_REQUEST] for start in range(0, len(texts), _TEXTS_A_REQUEST)]
        rows = [row for found in await asyncio.gather(*map(self._ask, parts)) for row in found]
        vectors: Vectors = numpy.array(rows, numpy.float32).reshape(len(texts), self._dims)
        if not len(texts):
            return vectors
        lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
        if not (numpy.isfinite(lengths).all() and lengths.all()):
            raise EncoderError(f"the embeddings endpoint gave a vector for {self._model} that has no direction")
        vectors /= lengths
        return vectors

    async def close(self) -> None:
        self._closed = True

    async def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        async with self._at_once:
            if self._closed:
                raise EncoderError("the encoder is closed")
            try:
                status, body = await self._post(self._body(texts))
            except FarthingError as failed:
                raise EncoderError(f"the embeddings endpoint cannot be used: {failed.message}") from failed
        if status != 200:
            raise EncoderError(_refusal(status, body, self._model))
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, msgspec.ValidationError):
            self._spent(None)
            raise EncoderError("the embeddings endpoint answered with something else than embeddings") from None
        used = answer.usage
        self._spent(Usage(uncached_in=max(used.prompt_tokens or used.total_tokens, 0)) if used else None)
        return self._rows(answer, len(texts))

    def _body(self, texts: Sequence[str]) -> bytes:
        asked: dict[str, Any] = {
            "model": self._model,
            "input": list(map(_sendable, texts)),
            "encoding_format": "float",
        }
        if self._asked_dims:
            asked["dimensions"] = self._asked_dims
        return msgspec.json.encode(asked)

    def _rows(self, answer: _Answer, texts: int) -> list[list[float]]:
        ordered = sorted(answer.data, key=lambda item: item.index)
        if [item.index for item in ordered] != list(range(texts)):
            raise EncoderError(
                f"the embeddings endpoint gave {len(ordered)} vectors for {texts} texts, or mixed them up"
            )
        sizes = {len(item.embedding) for item in ordered}
        self._dims = self._dims or max(sizes)
        if sizes != {self._dims} or not self._dims:
            raise EncoderError(f"the embeddings endpoint gave vectors of {sorted(sizes)} numbers, not of {self._dims}")
        return [item.embedding for item in ordered]


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int


class _Used(msgspec.Struct):
    prompt_tokens: int = 0
    total_tokens: int = 0


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: _Used | None = None


def _sendable(text: str) -> str:
    """What is sent of a text. Lone surrogates cannot be, and endpoints refuse an empty text, so it goes as a space."""
    return ends(text, _CHARS_READ).encode("utf-8", "ignore").decode("utf-8") or " "


_HINTS = {
    401: "refused the key",
    403: "refused the key",
    404: "knows no such address or model",
    413: "found the request too large",
    429: "has had too many requests",
}


def _refusal(status: int, body: bytes, model: str) -> str:
    """The endpoint's own words stay out: they may quote the text or the key. Its code, a plain word, is kept."""
    try:
        error = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, msgspec.ValidationError):
        error = None
    code = error.get("code") or error.get("type") if isinstance(error, dict) else None
    named = f", {code}" if isinstance(code, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,49}", code) else ""
    hint = _HINTS.get(status, "failed" if status >= 500 else "refused the request")
    return f"the embeddings endpoint {hint} (model {model}, status {status}{named})"
