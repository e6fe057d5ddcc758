"""uvicorn's HTTP/1.1 protocol with the bounds that it lacks: on a request's head, in bytes and in time, on the time of its
body and on what frames it, and on a client that takes its answer too slowly. None of them costs a call anything that
behaves: timers start only when something is late to be whole. A request's trailers are dropped, since they could pass for
headers, and so is the wish to upgrade: the request itself is answered, as HTTP wants it.

And three savings: what an answer consists of leaves in one write instead of one for its head and each part, a whole
answer is handed over at once, and whoever sends a stream can ask to be called when its client leaves, instead of waiting
for that in a task of its own.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from farthing.model.call import Headers

HEAD_LIMIT = 64 * 1024
"""Bytes of a request's head."""
FRAMING_LIMIT = 8
"""Bytes of chunk sizes, extensions and trailers for each byte of a body; chunks of one byte need five."""
STALL_S = 120.0
"""How long a client may take no byte of an answer that waits for it."""
LATE_S = 1.0
"""How long whoever reads a body has to answer when its time is up; then the connection closes."""
FAREWELL_S = 0.5
"""How long a client may take to answer the end of a TLS connection, once all has been sent."""
_UPGRADE = re.compile(rb"(?<=\r\n)upgrade(?=[ \t]*:)", re.IGNORECASE)
_CONTROLS = bytes([*range(32), 127])

CONNECTION = "farthing.connection"
"""Extension of the ASGI scope: the `BoundedProtocol` of the request."""


class CorkedTransport:
    """A transport that gathers what is written in one turn of the event loop, for one system call and one packet."""

    __slots__ = ("_gathered", "_loop", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)

    def write_whole(self, data: bytes) -> None:
        """Write what nothing will follow: at once, unless something is before it."""
        if self._gathered:
            self._gathered.append(data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()
        if self._transport.get_extra_info("sslcontext") is not None:
            self._loop.call_later(FAREWELL_S, self._hang_up)

    def _hang_up(self) -> None:
        """A client at rest does not see that TLS wants to say goodbye; without this a stop would wait for it."""
        if self._transport.get_write_buffer_size():
            self._loop.call_later(FAREWELL_S, self._hang_up)
        else:
            self._transport.abort()

    def _flush(self) -> None:
        if self._gathered:
            self._transport.write(b"".join(self._gathered))
            self._gathered.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """See the module. The time limits are set once, before the server starts."""

    header_timeout_s = 10.0
    body_timeout_s = 60.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_open = True
        self._head_bytes = 0
        self._body_open = False
        self._body_bytes = 0
        """Of all bodies so far."""
        self._body_begun = 0
        self._framing_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._extensions = {CONNECTION: self}
        self.on_lost: Callable[[], None] | None = None
        """Called when the connection is lost; set it while a stream is sent."""
        self.on_stop: Callable[[], None] | None = None
        """Called when the gateway is told to stop; set it while an answer is sent that would go on for ever."""
        self.lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(CorkedTransport(transport, self.loop))  # type: ignore[arg-type]
        self._head_timer = self.loop.call_later(self.header_timeout_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._body_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        self.lost = True
        if self.on_lost is not None:
            self.on_lost()

    def shutdown(self) -> None:
        super().shutdown()
        if self.on_stop is not None:
            self.on_stop()

    def data_received(self, data: bytes) -> None:
        if not self._head_open and not self._body_open:
            self._head_open, self._head_bytes = True, 0  # whatever comes after a request is the next one's beginning
        if self._head_open and data.find(b"pgrade", 0, data.find(b"\r\n\r\n")) >= 0:
            data = _without_upgrade(data)
        body_before = self._body_bytes
        super().data_received(data)
        if self._head_open:
            self._watch_head(len(data))
            return
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if self._body_open:
            self._watch_body(len(data) - (self._body_bytes - body_before))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_open, self._head_bytes = True, 0
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        self._head_open = False
        self._body_open, self._body_begun, self._framing_bytes = True, self._body_bytes, 0
        super().on_headers_complete()
        self.headers = []  # trailers go here, where nobody reads them

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._body_open = False
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
        if self.cycle.response_complete:  # it was answered before it was whole; now the connection waits for the next
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def answer(self, scope: dict[str, Any], status: int, headers: Headers, body: bytes) -> bool:
        """Send a whole answer; its length is added to the headers. False, and nothing is sent, where it is not the plain
        case: requests that overlap, a client that is gone, slow, or wants the connection closed, a header that would
        break the head. uvicorn's own `send` deals with these, for some 10 us more."""
        cycle = self.cycle
        if cycle.scope is not scope or cycle.response_started or cycle.disconnected or not cycle.keep_alive:
            return False
        parts = [STATUS_LINE[status]]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"content-length: %d\r\n\r\n" % len(body))
        head = b"".join(parts)
        line_ends = 2 * (len(headers) + 3)
        if self.flow.write_paused or len(head.translate(None, _CONTROLS)) != len(head) - line_ends:
            return False
        self.transport.write_whole(head + body)  # type: ignore[attr-defined]  # of `connection_made`
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALL_S, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def more_time(self) -> None:
        """The body is worked while it arrives, and goes on arriving: it may take as long again."""
        if self._body_timer is not None and self._body_open and not self.transport.is_closing():
            self._body_timer.cancel()
            self._body_timer = self.loop.call_later(self.body_timeout_s + 0.01, self._body_is_late)

    def _watch_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > HEAD_LIMIT:
            self.send_400_response("The request's head is too long.")
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.header_timeout_s, self._give_up)

    def _watch_body(self, framing: int) -> None:
        self._framing_bytes += framing
        if self._framing_bytes > 2 * HEAD_LIMIT + FRAMING_LIMIT * (self._body_bytes - self._body_begun):
            self.transport.abort()
        elif self._body_timer is None and self.body_timeout_s and not self.transport.is_closing():
            self._body_timer = self.loop.call_later(self.body_timeout_s + 0.01, self._body_is_late)

    def _give_up(self) -> None:
        self._head_timer = self._stall_timer = None
        self.transport.abort()

    def _body_is_late(self) -> None:
        """Wake whoever reads the body; it sees that no part came, and what time it is. Then stop listening."""
        self.cycle.message_event.set()
        self._body_timer = self.loop.call_later(LATE_S, self.transport.close)


def _without_upgrade(data: bytes) -> bytes:
    """The start of a request without the wish to speak another protocol, for which the parser would skip its body."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"ignored", head) + end + rest
