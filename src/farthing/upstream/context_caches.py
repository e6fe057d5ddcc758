"""The cached contents of Gemini's API: one is made, its time prolonged, or it is deleted. Nothing is tried again here. Knows
nothing of what is worth keeping.
"""

from typing import NamedTuple

import msgspec

from farthing.model.call import Header
from farthing.model.errors import UpstreamError
from farthing.upstream.client import Timeouts
from farthing.upstream.hosts import CHAT, HOSTS
from farthing.upstream.providers import Provider

TIMEOUTS = Timeouts(connect=10.0, first_byte=60.0, idle=30.0, total=90.0)
ANSWER_LIMIT = 1024 * 1024
_BEARER = b"Bearer "
_PATH = "/cachedContents"
_GONE = (403, 404)
"""Statuses of a content that is not there; Google says that it may be somebody else's."""


class Refused(Exception):
    """The provider would not: why, without a key or a text."""


class Made(NamedTuple):
    """A cached content."""

    name: str
    tokens: int


class _Usage(msgspec.Struct):
    total: int = msgspec.field(default=0, name="totalTokenCount")


class _Content(msgspec.Struct):
    name: str
    usage: _Usage = msgspec.field(default_factory=_Usage, name="usageMetadata")


def has_contexts(provider: Provider) -> bool:
    """Whether the provider's host has this API."""
    return provider.host is HOSTS["gemini"]


class ContextCaches:
    """Those of one provider."""

    def __init__(self, provider: Provider) -> None:
        self._client = provider.client
        self._base = provider.place("").removesuffix("/openai")
        self._headers = tuple(_native(header) for header in provider.headers(CHAT))

    async def create(self, body: bytes) -> Made:
        """Raises Refused, UpstreamError."""
        content = await self._ask("POST", _PATH, body)
        try:
            made = msgspec.json.decode(content, type=_Content)
        except (msgspec.MsgspecError, UnicodeError):
            raise Refused("its answer cannot be read") from None
        return Made(made.name, made.usage.total)

    async def prolong(self, name: str, lifetime: str) -> bool:
        """Let it live so long from now on; False where it is gone. Raises Refused, UpstreamError."""
        try:
            await self._ask("PATCH", f"/{name}?updateMask=ttl", msgspec.json.encode({"ttl": lifetime}))
        except Refused as refused:
            if refused.args[0] in _GONE:
                return False
            raise
        return True

    async def delete(self, name: str) -> None:
        """It is no error that it is gone. Raises Refused, UpstreamError."""
        try:
            await self._ask("DELETE", f"/{name}", b"")
        except Refused as refused:
            if refused.args[0] not in _GONE:
                raise

    async def _ask(self, method: str, path: str, body: bytes) -> bytes:
        try:
            response = await self._client.send(method, self._base + path, self._headers, body, TIMEOUTS)
            answer = await response.read(ANSWER_LIMIT)
        except (TimeoutError, OSError) as error:
            raise UpstreamError(f"the provider could not be reached ({type(error).__name__})") from None
        if not 200 <= response.status < 300:
            raise Refused(response.status)
        return answer


def _native(header: Header) -> Header:
    """Gemini's own API takes the key under another name than its chat completions do."""
    name, value = header
    return (
        (b"x-goog-api-key", value[len(_BEARER) :]) if name == b"authorization" and value.startswith(_BEARER) else header
    )
