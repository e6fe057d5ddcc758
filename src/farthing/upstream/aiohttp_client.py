"""The same client on aiohttp, for what the own one does not do: proxies, and hosts with HTTP of their own kind."""

import ssl
from collections.abc import Sequence
from typing import Any

import aiohttp

from farthing.model.call import Header, Headers
from farthing.model.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.upstream.client import Timeouts


class AiohttpResponse:
    """An answer of aiohttp as a `Response`."""

    def __init__(self, response: aiohttp.ClientResponse, shown: str) -> None:
        self._response = response
        self._shown = shown
        self.status = response.status
        self.headers: Headers = [(name.lower(), value) for name, value in response.raw_headers]

    async def next(self) -> bytes:
        try:
            data: bytes = await self._response.content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.abort()
            raise _upstream_error(self._shown, error) from None
        return data

    async def read(self, limit: int) -> bytes:
        parts, size = [], 0
        while data := await self.next():
            size += len(data)
            if size > limit:
                self.abort()
                raise UpstreamError(f"The provider's answer is longer than {limit} bytes.")
            parts.append(data)
        return b"".join(parts)

    def abort(self) -> None:
        self._response.close()


class AiohttpClient:
    """Sends requests through aiohttp; made inside a running event loop."""

    def __init__(self, *, ca_file: str = "", proxy: str = "") -> None:
        tls: Any = ssl.create_default_context(cafile=ca_file) if ca_file else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=0),
            auto_decompress=False,
            raise_for_status=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._proxy = proxy or None

    async def send(
        self, method: str, url: str, headers: Sequence[Header], body: bytes, timeouts: Timeouts
    ) -> AiohttpResponse:
        sent = [(name.decode("ascii"), value.decode("latin-1")) for name, value in headers]
        limits = aiohttp.ClientTimeout(
            total=timeouts.total or None,
            sock_connect=timeouts.connect or None,
            sock_read=max(timeouts.first_byte, timeouts.idle) or None,
        )
        shown = _shown(url)
        try:
            response = await self._session.request(
                method, url, headers=[*sent, ("accept-encoding", "identity")], data=body or None, timeout=limits,
                proxy=self._proxy, allow_redirects=False,
            )  # fmt: skip
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _upstream_error(shown, error) from None
        return AiohttpResponse(response, shown)

    async def close(self) -> None:
        await self._session.close()


def _shown(url: str) -> str:
    """Scheme and host alone: a query may carry a key."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def _upstream_error(shown: str, error: Exception) -> UpstreamError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamUnreachable(f"{shown} took no connection in time.")
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(f"{shown} did not answer in time.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamUnreachable(f"{shown} cannot be reached: {error.os_error.strerror or type(error).__name__}.")
    return UpstreamError(f"{shown} broke off: {type(error).__name__}.")
