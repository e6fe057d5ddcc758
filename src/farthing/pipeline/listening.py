"""Reads an answer on its way, for those who look at its quality; or all of it at once, before anybody gets it."""

from collections.abc import Callable

from farthing.model.call import Answer, Body, Call, Ending
from farthing.wire.replay import whole_from_stream

KEPT = 1024 * 1024
"""Bytes of an answer that are kept for a look; a longer one is not looked at."""

Hear = Callable[[bytes], None]
"""Gets the whole answer: as a plain call in the client's wire would have it, or else the events of the stream."""


def listen(call: Call, answer: Answer, hear: Hear) -> None:
    """Let `hear` have the answer when it has ended well. Nothing is held back."""
    if answer.status != 200:
        return
    if answer.stream is None:
        hear(answer.body)
        return
    heard = answer.stream = Heard(answer.stream)

    def ended(ending: Ending) -> None:
        whole = _whole(call, heard.parts) if ending.outcome == "ok" and heard.kept <= KEPT else None
        if whole is not None:
            hear(whole)

    answer.on_end(ended)


async def gather(call: Call, answer: Answer) -> bytes | None:
    """Take a streamed answer in, so that it can still be refused: `answer` is whole from then on. Returns it as a plain
    call would have it; None if that cannot be said. One that is too long to be kept goes on as the stream that it is.
    Raises what the stream raises."""
    if answer.stream is None:
        return answer.body if answer.status == 200 else None
    stream, parts, kept = answer.stream, [], 0
    while data := await stream.next():
        parts.append(data)
        kept += len(data)
        if kept > KEPT:
            answer.stream = Resumed(parts, stream)
            return None
    answer.body, answer.stream = b"".join(parts), None
    return _whole(call, parts)


class Resumed:
    """A stream whose first parts were taken already."""

    __slots__ = ("_parts", "_stream")

    def __init__(self, parts: list[bytes], stream: Body) -> None:
        self._parts = parts[::-1]
        self._stream = stream

    async def next(self) -> bytes:
        return self._parts.pop() if self._parts else await self._stream.next()

    def leave(self) -> None:
        self._stream.leave()


class Heard:
    """A stream that somebody listens to."""

    __slots__ = ("_stream", "kept", "parts")

    def __init__(self, stream: Body) -> None:
        self._stream = stream
        self.parts: list[bytes] = []
        self.kept = 0

    async def next(self) -> bytes:
        data = await self._stream.next()
        self.kept += len(data)
        if self.kept <= KEPT:
            self.parts.append(data)
        return data

    def leave(self) -> None:
        self._stream.leave()


def _whole(call: Call, parts: list[bytes]) -> bytes:
    """The stream as one answer; as it came where it cannot be put together, as one that calls tools."""
    try:
        collector = whole_from_stream(call.wire)
    except KeyError:
        return b"".join(parts)
    for part in parts:
        collector.feed(part)
    last = call.trail.last_attempt
    return collector.result(last.usage if last is not None else None) or b"".join(parts)
