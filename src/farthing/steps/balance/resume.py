"""A stream that goes on elsewhere when its provider breaks off, if settings want that and what was said can be continued.

Only whole events are passed on, so that the seam falls between two of them. Knows nothing of how another deployment is
found.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from farthing.model.call import Answer, Body, Call, Deployment, Ending
from farthing.model.errors import FarthingError, UpstreamError
from farthing.steps.balance.opening import stop_of
from farthing.steps.balance.story import Story
from farthing.wire import sse
from farthing.wire.continuation import WIRES, Continuation, can_continue, request_for_rest, text_so_far
from farthing.wire.opening import error_of

MOST_BYTES = 1024 * 1024
"""Of a stream that is kept to be continued; a longer one is not."""

GoOn = Callable[[Story], Awaitable[Answer | None]]


def can_resume(call: Call) -> bool:
    """Whether the answer to the call could be continued at all."""
    return can_continue(call.wire, call.body)


def resumed(answer: Answer, story: Story, go_on: GoOn) -> Answer:
    """The answer with a stream that outlives its provider."""
    assert answer.stream is not None
    outer = Answer(answer.status, answer.headers)
    outer.stream = Resumed(answer, answer.stream, outer, story, go_on)
    return outer


class Resumed:
    """See the module."""

    def __init__(self, answer: Answer, inner: Body, outer: Answer, story: Story, go_on: GoOn) -> None:
        self._inner = inner
        self._outer = outer
        self._story = story
        self._go_on = go_on
        self._kept: list[bytes] = []
        self._size = 0
        self._tail = b""
        """The beginning of an event whose end has not come."""
        self._rest: Continuation | None = None
        self._left = False
        self._ending = Ending()
        answer.on_end(self._inner_ended)

    async def next(self) -> bytes:
        while True:
            try:
                data = await self._inner.next()
            except UpstreamError as error:
                if self._left or not await self._moved():
                    self._outer.end(self._ending)
                    raise error
                continue
            if not data:
                tail, self._tail = self._tail, b""
                if not tail:
                    self._outer.end(self._ending)
                return tail
            if self._rest is None and b'"error"' in data and (told := error_of(self._tail + data)) is not None:
                return await self._instead_of_error(self._tail + data, told[1])
            if whole := self._whole(self._rest.feed(data) if self._rest is not None else data):
                return whole

    async def _instead_of_error(self, data: bytes, payload: bytes) -> bytes:
        """The provider says in the stream that it failed: what came before is passed on, and the rest asked for. Where
        nobody goes on, the client gets the error as it came."""
        begins = sse.boundary(data[: data.find(payload)])
        self._tail = b""
        whole = self._whole(data[:begins])
        stop_of(self._inner)()
        if await self._moved():
            return whole or await self.next()
        return data

    def leave(self) -> None:
        self._left = True
        self._inner.leave()
        if self._ending.outcome != "ok":
            self._outer.end(self._ending)

    def _inner_ended(self, ending: Ending) -> None:
        """The provider's part is over; the client's may not be."""
        self._ending = ending
        if self._left:
            self._outer.end(ending)

    def _whole(self, data: bytes) -> bytes:
        """The whole events of what came, the rest is held back."""
        if self._tail or not sse.ends_whole(data):
            data = self._tail + data
            end = sse.boundary(data)
            data, self._tail = data[:end], data[end:]
        if self._size <= MOST_BYTES:
            self._kept.append(data)
            self._size += len(data)
        return data

    async def _moved(self) -> bool:
        """Whether another deployment goes on."""
        call = self._story.call
        text = text_so_far(call.wire, b"".join(self._kept)) if self._size <= MOST_BYTES else None
        if not text:
            return False
        body = call.body
        try:
            for how in sorted(WIRES[call.wire]):
                self._story.fits = partial(_takes, how)
                call.body = request_for_rest(body, text, how)
                answer = await self._go_on(self._story)
                if answer is not None:
                    break
            else:
                return False
        except FarthingError:
            return False
        finally:
            call.body = body
        if answer.stream is None:
            return False
        call.trail.note("balance", "the stream goes on", f"after {len(text)} characters, {self._ending.error}")
        self._tail = b""
        self._rest = Continuation(call.wire, text, how)
        self._kept, self._size = [], MOST_BYTES + 1  # once is enough
        self._ending = Ending()
        self._inner = answer.stream
        answer.on_end(self._inner_ended)
        if self._left:
            self._inner.leave()
        return True


def _takes(how: str, deployment: Deployment) -> bool:
    """Whether the deployment's host takes a beginning in this way."""
    return deployment.prefill == how
