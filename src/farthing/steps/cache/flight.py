"""Single flight: equal calls at the same time become one call to the provider, whose answer all of them get.

The flight owns the upstream call: it goes on when the client that started it leaves, as long as anyone still listens.
What has arrived is kept once, and each listener reads it at its own pace: the fastest one paces the provider, and one
that falls too far behind is let go. Knows nothing of keys and entries.
"""

import asyncio
from collections.abc import Callable

from farthing.model.call import Answer, Call, Ending, Headers, Proceed
from farthing.model.errors import UpstreamError

AHEAD = 256 * 1024
"""Bytes that may have arrived before the fastest listener takes them."""
KEPT = 8 * 1024 * 1024
"""Bytes of an answer that are kept; a longer one can be joined no more, and who is behind loses the thread."""

Landed = Callable[[Call, Answer, bytes], None]
"""Called with the whole answer, as the client's wire has it, when it has ended well and was kept whole."""


class Flights:
    """The flights under way, by key."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, key: bytes, call: Call, proceed: Proceed, landed: Landed) -> tuple[Answer, Call]:
        """The answer to `call`, and the call that really goes to the provider: this one, or the one that it joined.
        Raises what that one raises."""
        flight = self._under_way.get(key)
        if flight is None or not flight.open:
            flight = self._start(key, call, proceed, landed)
        return await flight.board(leading=flight.call is call), flight.call

    async def close(self) -> None:
        """End what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, key: bytes, call: Call, proceed: Proceed, landed: Landed) -> "Flight":
        flight = self._under_way[key] = Flight(call)
        task = asyncio.get_running_loop().create_task(flight.fly(proceed, landed))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if self._under_way.get(key) is flight:
                del self._under_way[key]

        task.add_done_callback(ended)
        return flight


class Flight:
    """One upstream call and its listeners."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.open = True
        """Whether one more can join: the answer is not there as a whole yet, and nothing of it was let go."""
        self.parts: list[bytes] = []
        self.dropped = 0
        """Parts let go from the front."""
        self.over = False
        self.error: BaseException | None = None
        self.ending = Ending()
        self.arrived = 0
        """Bytes of the answer so far."""
        self._size = 0
        self._inner: Answer | None = None
        self._seats: list[Seat] = []
        self._leader: Answer | None = None
        self._boarding: list[asyncio.Future[None]] = []
        """Listeners who wait for the head of the answer."""
        self._news = asyncio.Event()
        self._taken = asyncio.Event()

    async def fly(self, proceed: Proceed, landed: Landed) -> None:
        """Make the call, take in its answer."""
        try:
            self._inner = await proceed(self.call)
        except BaseException as error:
            self._fail(error)
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        for waits in self._boarding:
            if not waits.done():  # its client has left
                waits.set_result(None)
        if self._inner.stream is None:
            self.over, self.open = True, False
            landed(self.call, self._inner, self._inner.body)
            return
        self._inner.on_end(self._take_ending)
        try:
            while part := await self._inner.stream.next():
                self._take(part)
                await self._until_wanted()
        except BaseException as error:
            self.error = error
            if isinstance(error, asyncio.CancelledError):
                self._inner.stream.leave()
        finally:
            self.over = True
            self._news.set()
            if self._leader is not None:
                self._leader.end(self.ending)
        if self.error is None and self.open and self.ending.outcome == "ok":
            landed(self.call, self._inner, b"".join(self.parts))

    async def board(self, *, leading: bool) -> Answer:
        """An answer for one listener."""
        if self._inner is None:
            waits = asyncio.get_running_loop().create_future()
            self._boarding.append(waits)
            try:
                await waits
            finally:
                self._boarding.remove(waits)
        inner = self._inner
        assert inner is not None
        headers: Headers = list(inner.headers)
        if inner.stream is None:
            return Answer(inner.status, headers, inner.body)
        seat = Seat(self, leading)
        seat.answer = Answer(inner.status, headers, stream=seat)
        if leading:
            self._leader = seat.answer
        self._seats.append(seat)
        return seat.answer

    async def news(self) -> None:
        """Wait until something has arrived, or all is over."""
        self._news.clear()
        await self._news.wait()

    def part_taken(self) -> None:
        self._taken.set()

    def left(self, seat: "Seat") -> None:
        """A listener is gone; when nobody is left, the provider is told as if its only client had left."""
        self._seats.remove(seat)
        self._taken.set()
        if not self._seats and not self._boarding and not self.over:
            self.open = False
            assert self._inner is not None and self._inner.stream is not None
            self._inner.stream.leave()

    def _take(self, part: bytes) -> None:
        self.parts.append(part)
        self.arrived += len(part)
        self._size += len(part)
        if self._size > KEPT:
            self.open = False
            gone = max((seat.at for seat in self._seats), default=self.dropped + len(self.parts)) - self.dropped
            self._size -= sum(map(len, self.parts[:gone]))
            del self.parts[:gone]
            self.dropped += gone
        self._news.set()

    async def _until_wanted(self) -> None:
        """Wait while even the fastest listener has much to take."""
        while self._seats and not self._boarding and self.arrived - max(seat.taken for seat in self._seats) > AHEAD:
            self._taken.clear()
            await self._taken.wait()

    def _take_ending(self, ending: Ending) -> None:
        self.ending = ending

    def _fail(self, error: BaseException) -> None:
        self.over, self.open = True, False
        for waits in self._boarding:
            if not waits.done():
                waits.set_exception(error)


class Seat:
    """One listener's place in a streamed answer."""

    __slots__ = ("_flight", "_gone", "_leading", "answer", "at", "taken")

    def __init__(self, flight: Flight, leading: bool) -> None:
        self._flight = flight
        self._leading = leading
        self._gone = False
        self.at = 0
        """The part to take next, counted from the answer's first."""
        self.taken = 0
        """Bytes."""
        self.answer: Answer

    async def next(self) -> bytes:
        flight = self._flight
        while not self._gone:
            if self.at < flight.dropped:
                self.leave()
                raise UpstreamError("This client took the answer too slowly to stay with the others.")
            if self.at < flight.dropped + len(flight.parts):
                part = flight.parts[self.at - flight.dropped]
                self.at += 1
                self.taken += len(part)
                flight.part_taken()
                return part
            if flight.over:
                return self._end()
            await flight.news()
        return b""

    def leave(self) -> None:
        if not self._gone:
            self._gone = True
            self._flight.left(self)
            if not self._leading:
                self.answer.end(Ending("left"))

    def _end(self) -> bytes:
        error = self._flight.error
        self.answer.end(self._flight.ending)
        if error is not None:
            raise error if isinstance(error, UpstreamError) else UpstreamError("The answer was broken off.")
        return b""
