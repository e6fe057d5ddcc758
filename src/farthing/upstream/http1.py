"""An HTTP/1.1 client on asyncio protocols and httptools: small, strict, and cheap enough for the path of every call.

One exchange at a time on a connection, pooled by origin, the body handed on in the reads in which it came. It knows
nothing of models or money. What it does not do (proxies, redirects, content encodings) the aiohttp client does.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httptools

from farthing.model.call import Header, Headers
from farthing.model.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.upstream.client import Timeouts

HEAD_LIMIT = 128 * 1024
"""Bytes of an answer's head."""
HIGH_WATER = 256 * 1024
"""Bytes that may wait for a slow reader before the connection stops reading."""
IDLE_S = 30.0
"""How long a connection is kept for the next call."""
SWEEP_S = 0.1
"""How often time limits are looked at: one timer for all connections instead of some for each."""
LARGE = 1024 * 1024
"""Bytes of a body above which it is written in pieces, as the connection takes them: it is not held twice."""
STALE_S = 1.0
"""A kept connection that closes this soon, before any byte of an answer, was closed before the request arrived: the one
case in which a request is sent again. Later than that the provider may have worked on it, and may bill it."""


class Origin:
    """Where a URL points: what to connect to, and the first lines of a request."""

    __slots__ = ("head", "host", "idle", "port", "shown", "tls")

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UpstreamUnreachable("The upstream URL cannot be used: it has no such port or host.") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
            raise UpstreamUnreachable(
                f"The upstream URL {parts.scheme}://{parts.hostname or ''} cannot be used; see farthing.toml."
            )
        self.host: str = parts.hostname
        self.tls = parts.scheme == "https"
        self.port = port or (443 if self.tls else 80)
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        self.head = f"{target} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: identity\r\n".encode("ascii")
        self.idle: list[Connection] = []


class Connection(asyncio.Protocol):
    """One connection, and the exchange that runs on it."""

    def __init__(self, client: "Http1Client", origin: Origin) -> None:
        self.client = client
        self.origin = origin
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set before the first use, by asyncio
        self.parser = httptools.HttpResponseParser(self)
        self.exchange: Exchange | None = None
        self.reused = False
        self.idle_until = 0.0
        self.keep_s = IDLE_S
        self.closed = False
        self.writable: asyncio.Future[None] | None = None
        self.paused = False

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport by class

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self.close()  # a byte that nobody asked for: never let it become the start of another call's answer
            return
        try:
            exchange.silent = False
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            exchange.fail(UpstreamError(f"{self.origin.shown} answered with something that is not HTTP/1.1."))
            return
        exchange.arrived(len(data))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self in self.origin.idle:
            self.origin.idle.remove(self)
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)
        if self.exchange is not None:
            self.exchange.connection_ended(error)

    def pause_writing(self) -> None:
        self.writable = self.client.loop.create_future()

    def resume_writing(self) -> None:
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)
        self.writable = None

    # httptools' side

    def on_message_begin(self) -> None:
        if self.exchange is None:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        exchange = self.exchange
        if exchange is not None and exchange.phase == "answer":  # else it is a trailer, which nobody needs
            exchange.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        exchange = self.exchange
        if exchange is None:
            return
        exchange.status = self.parser.get_status_code()
        if 100 <= exchange.status < 200:
            exchange.interim = True
            exchange.headers = []
            if exchange.status == 101:
                raise ValueError("the provider switches protocols")
        else:
            exchange.head_complete(self.parser.should_keep_alive())

    def on_body(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is not None:
            exchange.reads.append(data)
            exchange.waiting += len(data)

    def on_message_complete(self) -> None:
        exchange = self.exchange
        if exchange is None:
            return
        if exchange.interim:
            exchange.interim = False
        else:
            exchange.complete()

    # the client's side

    def close(self) -> None:
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    def release(self, keep: bool) -> None:
        """The exchange is over: keep the connection for the next one, or close it."""
        self.exchange = None
        if self.paused:
            self.paused = False
            self.transport.resume_reading()
        if keep and not self.closed and not self.transport.is_closing() and not self.client.closing:
            self.reused = True
            self.idle_until = self.client.loop.time() + self.keep_s
            self.origin.idle.append(self)
        else:
            self.close()


class Exchange:
    """One request and its answer: the `Response` that the relay reads."""

    __slots__ = (
        "connection", "deadline", "done", "error", "head_bytes", "headers", "idle_s", "interim", "keep", "loop", "phase", "reads",
        "sent", "silent", "status", "total_at", "until_close", "waiter", "waiting", "writing",
    )  # fmt: skip

    def __init__(self, connection: Connection, now: float, timeouts: Timeouts) -> None:
        self.connection: Connection | None = connection
        self.loop = connection.client.loop
        self.status = 0
        self.headers: Headers = []
        self.head_bytes = 0
        self.interim = False
        self.silent = True
        self.writing = False
        self.keep = False
        self.until_close = False
        self.reads: list[bytes] = []
        self.waiting = 0
        self.done = False
        self.error: UpstreamError | None = None
        self.waiter: asyncio.Future[None] | None = None
        self.sent = now
        self.idle_s = timeouts.idle or float("inf")
        self.total_at = now + timeouts.total if timeouts.total else float("inf")
        self.deadline = min(self.total_at, now + timeouts.first_byte) if timeouts.first_byte else self.total_at
        self.phase = "answer"

    # called by the connection

    def head_complete(self, keep: bool) -> None:
        self.phase = "next bytes of the answer"
        names = [name for name, _ in self.headers]
        bodiless = self.status in (204, 304)
        self.until_close = not bodiless and b"content-length" not in names and b"transfer-encoding" not in names
        self.keep = keep and not self.until_close and not self.writing
        if self.keep and b"keep-alive" in names:
            self.connection.keep_s = _kept_for(dict(self.headers)[b"keep-alive"])  # type: ignore[union-attr]

    def arrived(self, count: int) -> None:
        connection = self.connection
        if connection is not None:
            if self.phase == "answer":
                self.head_bytes += count
                if self.head_bytes > HEAD_LIMIT:
                    self.fail(UpstreamError(f"The head of {connection.origin.shown}'s answer does not end."))
                    return
            self.deadline = min(self.total_at, self.loop.time() + self.idle_s)
            if self.waiting > HIGH_WATER and not connection.paused:
                connection.paused = True
                connection.transport.pause_reading()
                self.deadline = self.total_at
        self.wake()

    def complete(self) -> None:
        self.done = True
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.client.active.discard(self)
            connection.release(self.keep)
        self.wake()

    def connection_ended(self, error: Exception | None) -> None:
        if self.until_close and self.status and error is None:
            self.keep = False
            self.complete()
        elif not self.done:
            shown = self.connection.origin.shown if self.connection else "The provider"
            self.fail(UpstreamError(f"{shown} closed the connection before the end of its answer."))

    def fail(self, error: UpstreamError) -> None:
        if self.done:
            return
        self.error = error
        self.complete_badly()

    def complete_badly(self) -> None:
        self.done = True
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.client.active.discard(self)
            connection.exchange = None
            connection.close()
        self.wake()

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done() and (self.reads or self.done or self.phase != "answer"):
            self.waiter.set_result(None)

    # called by the relay

    async def write(self, body: bytes) -> None:
        """Send a large body, as far as the provider listens: it may refuse it before its end."""
        view = memoryview(body)
        self.writing = True
        for at in range(0, len(view), HIGH_WATER):
            connection = self.connection
            if self.done or connection is None or connection.closed or self.phase != "answer":
                return
            connection.transport.write(view[at : at + HIGH_WATER])
            if connection.writable is not None:
                await connection.writable
        self.writing = False

    async def head(self) -> None:
        """Wait for the answer's head."""
        while self.phase == "answer" and not self.done:
            await self._wait()
        if self.phase == "answer":
            raise self.error or UpstreamError("The provider gave no answer.")

    async def next(self) -> bytes:
        while not self.reads and not self.done:
            await self._wait()
        if self.reads:
            data = self.reads[0] if len(self.reads) == 1 else b"".join(self.reads)
            self.reads = []
            self.waiting = 0
            connection = self.connection
            if connection is not None and connection.paused:
                connection.paused = False
                connection.transport.resume_reading()
                self.deadline = min(self.total_at, self.loop.time() + self.idle_s)
            return data
        if self.error is not None:
            raise self.error
        return b""

    async def read(self, limit: int) -> bytes:
        if self.done and len(self.reads) == 1 and self.error is None and self.waiting <= limit:
            return self.reads.pop()
        parts: list[bytes] = []
        size = 0
        while data := await self.next():
            size += len(data)
            if size > limit:
                self.abort()
                raise UpstreamError(f"The provider's answer is longer than {limit} bytes.")
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def abort(self) -> None:
        if not self.done:
            self.fail(UpstreamError("The gateway stopped reading the answer."))

    async def _wait(self) -> None:
        self.waiter = self.loop.create_future()
        try:
            await self.waiter
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self.waiter = None


class Http1Client:
    """Sends requests over pooled connections. One for each set of TLS options; made inside a running event loop.

    `may_reach` (host, address) says whether that address may be what a host's name leads to, where others choose the host.
    """

    def __init__(self, *, ca_file: str = "", may_reach: Callable[[str, str], bool] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.active: set[Exchange] = set()
        self.closing = False
        self._origins: dict[str, Origin] = {}
        self._own_lines: dict[tuple[Header, ...], bytes] = {}
        self._pools: dict[tuple[str, int, bool], list[Connection]] = {}
        self._ca_file = ca_file
        self._may_reach = may_reach
        self._tls: ssl.SSLContext | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def send(self, method: str, url: str, headers: Sequence[Header], body: bytes, timeouts: Timeouts) -> Exchange:
        origin = self._origins.get(url) or self._origin(url)
        lines = self._lines(headers)
        large = len(body) > LARGE
        whole = b"" if large else body
        request = b"%b %b%bcontent-length: %d\r\n\r\n%b" % (method.encode(), origin.head, lines, len(body), whole)
        while True:
            kept = None if timeouts.once else self._idle_connection(origin)
            connection = kept or await self._connect(origin, timeouts)
            exchange = Exchange(connection, self.loop.time(), timeouts)
            connection.exchange = exchange
            self.active.add(exchange)
            if self._sweeper is None:
                self._sweeper = self.loop.call_later(SWEEP_S, self._sweep)
            connection.transport.write(request)
            try:
                if large:
                    await exchange.write(body)
                if connection.writable is not None:
                    await connection.writable
                await exchange.head()
            except asyncio.CancelledError:
                exchange.abort()
                raise
            except UpstreamError:
                stale = connection.reused and exchange.silent and self.loop.time() - exchange.sent < STALE_S
                if stale and not isinstance(exchange.error, UpstreamTimeout):
                    continue
                raise
            return exchange

    async def close(self) -> None:
        self.closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for exchange in list(self.active):
            exchange.abort()
        for pool in self._pools.values():
            for connection in list(pool):
                connection.close()
            pool.clear()

    def _origin(self, url: str) -> Origin:
        origin = Origin(url)
        origin.idle = self._pools.setdefault((origin.host, origin.port, origin.tls), [])
        if len(self._origins) > 4096:  # URLs are settings, so this is a bound and no cache policy
            self._origins.clear()
        self._origins[url] = origin
        return origin

    def _lines(self, headers: Sequence[Header]) -> bytes:
        """The headers as they are sent. A tuple is a provider's own, the same for call after call: written once."""
        if not isinstance(headers, tuple):
            return _written(headers)
        lines = self._own_lines.get(headers)
        if lines is None:
            lines = self._own_lines[headers] = _written(headers)
        return lines

    def _idle_connection(self, origin: Origin) -> Connection | None:
        now = self.loop.time()
        while origin.idle:
            connection = origin.idle.pop()
            if connection.idle_until > now and not connection.closed and not connection.transport.is_closing():
                return connection
            connection.close()
        return None

    async def _connect(self, origin: Origin, timeouts: Timeouts) -> Connection:
        tls: dict[str, Any] = {}
        if origin.tls:
            self._tls = self._tls or ssl.create_default_context(cafile=self._ca_file or None)
            tls = {"ssl": self._tls, "server_hostname": origin.host}
        try:
            async with asyncio.timeout(timeouts.connect or None):
                _, connection = await self.loop.create_connection(
                    lambda: Connection(self, origin), origin.host, origin.port, **tls
                )
        except TimeoutError:
            raise UpstreamUnreachable(f"{origin.shown} took no connection within {timeouts.connect:g} s.") from None
        except ssl.SSLCertVerificationError as error:
            raise UpstreamUnreachable(
                f"The certificate of {origin.shown} is not valid: {error.verify_message}."
            ) from None
        except (OSError, UnicodeError) as error:
            raise UpstreamUnreachable(f"{origin.shown} cannot be reached: {_reason(error)}.") from None
        if self._may_reach is not None:
            address = str((connection.transport.get_extra_info("peername") or ("",))[0])
            if not self._may_reach(origin.host, address):
                connection.close()
                raise UpstreamUnreachable(f"{origin.shown} leads to an address that may not be reached.")
        return connection

    def _sweep(self) -> None:
        """End what is over its time, close what nobody needs any more."""
        now = self.loop.time()
        for exchange in [late for late in self.active if late.deadline <= now]:
            shown = exchange.connection.origin.shown if exchange.connection else "The provider"
            what = "whole answer" if now >= exchange.total_at else exchange.phase
            exchange.fail(UpstreamTimeout(f"{shown} did not send the {what} in time."))
        idle = False
        for pool in self._pools.values():
            while pool and pool[0].idle_until <= now:
                pool.pop(0).close()
            idle = idle or bool(pool)
        self._sweeper = self.loop.call_later(SWEEP_S, self._sweep) if self.active or idle else None


def _written(headers: Sequence[Header]) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise UpstreamUnreachable("A header for the provider holds a line break.")
    return lines


def _kept_for(keep_alive: bytes) -> float:
    """Seconds from `Keep-Alive: timeout=5`, one less than the server says."""
    for part in keep_alive.split(b","):
        name, _, value = part.strip().partition(b"=")
        if name.lower() == b"timeout" and value.isdigit():
            return max(0.5, min(IDLE_S, int(value) - 1))
    return IDLE_S


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
