import asyncio
from typing import Any

import pytest

from farthing.model.call import Answer
from farthing.model.errors import UpstreamError
from farthing.steps.balance.opening import BadStart, end, opened
from unit.steps.balance.scene import END, ROLE, delta, error, event, read


class Stream:
    def __init__(self, *parts: bytes | float | Exception) -> None:
        self.parts = list(parts)
        self.left = False

    async def next(self) -> bytes:
        while self.parts:
            part: Any = self.parts.pop(0)
            if isinstance(part, float):
                await asyncio.sleep(part)
            elif isinstance(part, Exception):
                raise part
            else:
                return part
        return b""

    def leave(self) -> None:
        self.left = True


async def test_a_slow_prelude_reaches_the_client() -> None:
    answer = await opened(
        Answer(200, [], stream=Stream(ROLE, 0.1, delta("hi"), END)), "openai.chat", patient=True, hold_s=0.03
    )
    assert answer.stream is not None
    assert await answer.stream.next() == ROLE
    assert await read(answer) == delta("hi") + END


async def test_content_is_waited_for_where_it_matters() -> None:
    parts = (ROLE, ROLE, delta("hi"), END)
    answer = await opened(Answer(200, [], stream=Stream(*parts)), "openai.chat", patient=True)
    assert answer.stream is not None and await answer.stream.next() == ROLE + ROLE + delta("hi")
    answer = await opened(Answer(200, [], stream=Stream(*parts)), "openai.chat", patient=False)
    assert answer.stream is not None and await answer.stream.next() == ROLE
    assert await read(answer) == ROLE + delta("hi") + END


async def test_after_the_first_read_the_stream_itself_is_read() -> None:
    stream = Stream(delta("a"), delta("b"))
    answer = await opened(Answer(200, [], stream=stream), "openai.chat", patient=True)
    assert answer.stream is not None
    await answer.stream.next()
    assert answer.stream.next == stream.next


async def test_an_error_at_the_start_and_a_cut() -> None:
    with pytest.raises(BadStart) as caught:
        await opened(Answer(200, [], stream=Stream(ROLE, event(error("overloaded")))), "openai.chat", patient=True)
    assert caught.value.kinds == ("overloaded", "overloaded")
    assert await read(caught.value.answer) == ROLE + event(error("overloaded"))
    with pytest.raises(UpstreamError):
        await opened(Answer(200, [], stream=Stream(ROLE, UpstreamError("cut"))), "openai.chat", patient=True)


async def test_ending_what_nobody_wants() -> None:
    stream = Stream(ROLE)
    end(Answer(200, [], stream=stream))
    end(Answer(200, []))
    assert stream.left
