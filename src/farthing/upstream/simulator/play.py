"""Answers as they go over the connection: at the model's pace, and broken where a fault says so.

ASGI responses; they know pieces, pauses and the connection, not what is in them.
"""

import asyncio
from asyncio import Future
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.latency import Pace
from farthing.upstream.simulator.wire import Piece

TRANSPORT = "farthing.transport"
"""Where the simulator's own server leaves the connection, for faults that ASGI has no word for."""
_STALL_AFTER = 3
_MALFORMED_AFTER = 2
_PAGE = b"<html><head><title>{}</title></head><body><h1>Something went wrong</h1></body></html>"


class Pause(msgspec.Struct, frozen=True):
    seconds: float


class Cut(msgspec.Struct, frozen=True):
    """The connection closes here."""


Step = Piece | Pause | Cut


class Whole(Response):
    """A plain answer. `ended` hears how it went: complete, left or cut."""

    def __init__(
        self, status: int, headers: dict[str, str], body: bytes, *, plan: Plan, wait: float = 0.0,
        ended: Callable[[str], None] = lambda how: None,
    ) -> None:  # fmt: skip
        body, media = _spoiled(body, plan)
        super().__init__(body, status, headers, media_type=media)
        self._data = body
        self._plan = plan
        self._wait = wait + (plan.get("slow-first-byte") or 0.0)
        self._ended = ended
        self._cut = plan.has("wrong-length") or plan.has("cut-stream")
        if self._cut:
            extra = int(plan.get("wrong-length") or 0)
            self.headers["content-length"] = str(len(body) + extra)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        how = "cut"
        try:
            how = await self._play(scope, receive, send)
        finally:
            self._ended(how)

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> str:
        gone = asyncio.ensure_future(_departure(receive))
        try:
            if await _left(gone, self._wait):
                return "left"
            if self._plan.has("lost-reply"):
                await hang_up(scope)
                return "cut"
            if self._plan.has("endless"):
                await self._forever(send, gone)
                return "left"
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            half = len(self._data) // 2
            if self._plan.has("cut-stream"):
                await send(_body(self._data[:half], more=True))
                return "cut"
            stall = self._plan.get("stall")
            if stall is not None:
                await send(_body(self._data[:half], more=True))
                if await _left(gone, stall):
                    return "left"
                await send(_body(self._data[half:], more=False))
                return "complete"
            await send(_body(self._data, more=self._cut))
            return "cut" if self._cut else "complete"
        finally:
            gone.cancel()

    async def _forever(self, send: Send, gone: "Future[None]") -> None:
        """White space before the body, without end."""
        head = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": head})
        while not await _left(gone, self._plan.get("endless") or 0.01):
            await send(_body(b" ", more=True))


class Streamed(Response):
    """A stream of events. `ended` hears how it went, and the share of the deltas that were sent."""

    def __init__(
        self, headers: dict[str, str], pieces: Iterable[Piece], *, plan: Plan, error: bytes, pace: Pace, thinking: float,
        gap: float, ended: Callable[[str, int, int], None],
    ) -> None:  # fmt: skip
        """`thinking`: seconds before the first delta beyond the pace's; `gap`: seconds between deltas; `error`: the
        event of an overload in the middle. `ended` gets the deltas that were sent, and how many there were to send."""
        super().__init__(None, 200, headers, media_type="text/event-stream")
        del self.headers["content-length"]
        self._pieces = list(pieces)
        self._plan = plan
        self._error = error
        self._first = pace.first + (plan.get("slow-first-byte") or 0.0)
        self._thinking = thinking
        self._gap = gap
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_departure(receive))
        sent = 0
        how = "cut"
        try:
            if await _left(gone, self._first):
                how = "left"
                return
            if self._plan.has("lost-reply"):
                await hang_up(scope)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            for step in self._steps():
                if isinstance(step, Cut):
                    return
                if isinstance(step, Pause):
                    if await _left(gone, step.seconds):
                        how = "left"
                        return
                    continue
                if gone.done():
                    how = "left"
                    return
                await send(_body(step.data, more=True))
                sent += step.kind == "delta"
            await send(_body(b"", more=False))
            how = "complete"
        except asyncio.CancelledError:
            how = "left"
            raise
        finally:
            gone.cancel()
            total = sum(piece.kind == "delta" for piece in self._pieces)
            self._ended(how, total if how == "complete" else sent, total)

    def _steps(self) -> Iterator[Step]:
        """The pieces, with the pauses of the pace and the faults of the plan between them."""
        deltas = 0
        pending = {name for name in self._plan.values if name in _IN_STREAM}
        for piece in self._pieces:
            if piece.kind == "delta":
                yield from self._pace(deltas)
            if piece.kind != "start":
                for name in sorted(pending):
                    if deltas >= self._starts_at(name) or piece.kind == "end":
                        pending.discard(name)
                        yield from _IN_STREAM[name](self, piece)
            yield piece
            deltas += piece.kind == "delta"

    def _pace(self, deltas: int) -> Iterator[Step]:
        wait = self._gap if deltas else self._thinking
        if wait > 0:
            yield Pause(wait)

    def _starts_at(self, name: str) -> float:
        counted = name in ("cut-stream", "overloaded-midstream")
        return self._plan.values[name] if counted else {"malformed-json": _MALFORMED_AFTER}.get(name, _STALL_AFTER)

    def _overload(self, piece: Piece) -> Iterator[Step]:
        yield Piece(self._error, "end")
        yield Pause(0.02)
        yield Cut()

    def _break(self, piece: Piece) -> Iterator[Step]:
        yield Pause(0.02)
        yield Cut()

    def _stall(self, piece: Piece) -> Iterator[Step]:
        yield Pause(self._plan.values["stall"])

    def _go_on(self, piece: Piece) -> Iterator[Step]:
        last = next((one for one in reversed(self._pieces) if one.kind == "delta"), piece)
        while True:
            yield last
            yield Pause(max(0.001, self._plan.values["endless"]))

    def _nonsense(self, piece: Piece) -> Iterator[Step]:
        yield Piece(_first_line(piece.data) + b'data: {"id": "1", "choices": [{\n\n', "start")

    def _bloat(self, piece: Piece) -> Iterator[Step]:
        padding = b"x" * int(self._plan.values["huge-body"] * 1_000_000)
        yield Piece(b": " + padding + b"\n\n", "start")


_IN_STREAM: dict[str, Callable[[Streamed, Piece], Iterator[Step]]] = {
    "overloaded-midstream": Streamed._overload,
    "cut-stream": Streamed._break,
    "wrong-length": Streamed._break,
    "truncated-body": Streamed._break,
    "stall": Streamed._stall,
    "endless": Streamed._go_on,
    "malformed-json": Streamed._nonsense,
    "huge-body": Streamed._bloat,
}


class Dropped(Response):
    """Closes the connection without a word."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await hang_up(scope)


async def hang_up(scope: Scope) -> None:
    transport: Any = scope.get(TRANSPORT)
    if transport is None:
        raise RuntimeError("only the simulator's own server can drop a connection: use running() or serve()")
    transport.abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _departure(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _left(gone: "Future[None]", seconds: float) -> bool:
    """Wait, and tell whether the client left meanwhile."""
    if seconds > 0 and not gone.done():
        await asyncio.wait({gone}, timeout=seconds)
    return gone.done()


def _body(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def _spoiled(body: bytes, plan: Plan) -> tuple[bytes, str]:
    """The body as the plan's faults leave it, and its media type."""
    if plan.has("html"):
        return _PAGE, "text/html"
    if plan.has("empty-body"):
        return b"", "application/json"
    bloat = plan.get("huge-body")
    if bloat is not None and body.endswith(b"}"):
        body = body[:-1] + b',"padding":"' + b"x" * int(bloat * 1_000_000) + b'"}'
    if plan.has("malformed-json"):
        body = body[:-1] + b', "usage"}'
    if plan.has("truncated-body"):
        body = body[: len(body) // 2]
    return body, "application/json"


def _first_line(data: bytes) -> bytes:
    """The `event:` line of an event, if it has one."""
    line, _, _ = data.partition(b"\n")
    return line + b"\n" if line.startswith(b"event:") else b""
