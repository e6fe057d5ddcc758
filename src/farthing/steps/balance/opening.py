"""Awaits how a stream begins before its answer is passed up: until content has come, the call can still go elsewhere.

What was read is handed on first; after that the client's side reads from the provider's stream itself, at no cost. Where
there is nowhere else to go only the first read is awaited. A stream that a content filter ended before it said anything is
read to its end, so that its use is known. Knows nothing of where else a call could go.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from farthing.model.call import Answer, Body
from farthing.wire import sse
from farthing.wire.filtered import begins_filtered
from farthing.wire.opening import beginning, error_of

HOLD_S = 3.0
"""A prelude is held back no longer than this: a client should see that its call was taken."""
HOLD_BYTES = 64 * 1024


class BadStart(Exception):
    """A stream began with an error, or an answer is none because a content filter kept it back. The client may still get
    it as it is, if nothing else is left."""

    def __init__(
        self, answer: Answer, kinds: tuple[str, ...] = (), payload: bytes = b"", *, filtered: bool = False
    ) -> None:  # fmt: skip
        super().__init__("a content filter kept the answer back" if filtered else "the stream began with an error")
        self.answer = answer
        self.kinds = kinds
        self.payload = payload
        self.filtered = filtered
        """It came as an answer, whose finish reason says so: the provider has worked."""


class Rest:
    """A stream of which the beginning was read. After that `next` is the stream's own."""

    __slots__ = ("_held", "_inner", "_pending", "leave", "next")

    def __init__(self, inner: Body, held: bytes, pending: "asyncio.Task[bytes] | None" = None) -> None:
        self._inner = inner
        self._held = held
        self._pending = pending
        self.next: Callable[[], Coroutine[Any, Any, bytes]] = self._first
        self.leave = inner.leave

    def stop(self) -> None:
        stop_of(self._inner)()

    async def _first(self) -> bytes:
        self.next = self._inner.next if self._pending is None else self._second
        held, self._held = self._held, b""
        return held

    async def _second(self) -> bytes:
        assert self._pending is not None
        self.next = self._inner.next
        return await self._pending


async def opened(
    answer: Answer, wire: str, *, patient: bool, filters: bool = False, hold_s: float = HOLD_S
) -> Answer:  # fmt: skip
    """The answer whose stream has begun well. `patient`: content is waited for, since the call could go elsewhere;
    `filters`: so too where a filter kept it back. Raises BadStart, and UpstreamError where the stream breaks off before."""
    stream = answer.stream
    assert stream is not None
    held = await stream.next()
    begins = beginning(wire, held)
    pending: asyncio.Task[bytes] | None = None
    if patient and held and begins == "prelude":
        held, pending = await _more(stream, held, hold_s, lambda held: beginning(wire, held) == "prelude")
        begins = beginning(wire, held)
    filtered = False
    if filters and held and pending is None:
        if not sse.ends_whole(held):  # why it ended may stand in the part to come
            held, pending = await _more(stream, held, hold_s, lambda held: not sse.ends_whole(held))
        filtered = begins_filtered(wire, held)
        if filtered and pending is None:
            held, pending = await _more(stream, held, hold_s, lambda held: True)
    answer.stream = Rest(stream, held, pending)
    if filtered:
        raise BadStart(answer, filtered=True)
    if begins == "error" and (error := error_of(held)) is not None:
        raise BadStart(answer, *error)
    return answer


async def _more(
    stream: Body, held: bytes, hold_s: float, wanted: Callable[[bytes], bool]
) -> "tuple[bytes, asyncio.Task[bytes] | None]":  # fmt: skip
    """The beginning with what came after it, while more is wanted; and the read that had not ended when it was time to
    let the client see something."""
    loop = asyncio.get_running_loop()
    until = loop.time() + hold_s
    while len(held) < HOLD_BYTES:
        read = loop.create_task(_read(stream))
        read.add_done_callback(_heard)
        try:
            await asyncio.wait({read}, timeout=until - loop.time())
        except asyncio.CancelledError:
            read.cancel()
            await asyncio.wait({read})
            raise
        if not read.done():
            return held, read
        data = read.result()
        held += data
        if not data or not wanted(held):
            break
    return held, None


def end(answer: Answer) -> None:
    """Nobody wants the rest of it."""
    if answer.stream is not None:
        stop_of(answer.stream)()


def stop_of(stream: Body) -> Callable[[], None]:
    """How to end a stream at once; where there is no such way, as if its client had left."""
    stop: Callable[[], None] = getattr(stream, "stop", stream.leave)
    return stop


async def _read(stream: Body) -> bytes:
    return await stream.next()


def _heard(task: "asyncio.Task[bytes]") -> None:
    """A read that nobody waits for any more may fail in peace."""
    if not task.cancelled():
        task.exception()
