import pytest

from farthing.model.call import Answer, Ending
from farthing.pipeline.listening import KEPT, gather, listen
from unit.steps.conftest import MakeCall

CHUNKS = [
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    b'{"role":"assistant","content":"Hel"},"finish_reason":null}]}\n\n',
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    b'{"content":"lo"},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]


class Parts:
    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.left = False

    async def next(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""

    def leave(self) -> None:
        self.left = True


async def read(answer: Answer) -> bytes:
    assert answer.stream is not None
    whole = b""
    while data := await answer.stream.next():
        whole += data
    return whole


async def test_a_whole_answer_is_heard_at_once(make_call: MakeCall) -> None:
    heard: list[bytes] = []
    listen(make_call(), Answer(200, [], b'{"a":1}'), heard.append)
    listen(make_call(), Answer(400, [], b'{"error":1}'), heard.append)
    assert heard == [b'{"a":1}']


async def test_a_stream_is_heard_when_it_has_ended_and_passes_unchanged(make_call: MakeCall) -> None:
    heard: list[bytes] = []
    answer = Answer(200, [], stream=Parts(*CHUNKS))
    listen(make_call(), answer, heard.append)
    assert await read(answer) == b"".join(CHUNKS)
    assert heard == []
    answer.end(Ending())
    assert len(heard) == 1 and b"Hello" in heard[0]


@pytest.mark.parametrize("outcome", ["left", "broken"])
async def test_half_an_answer_is_not_heard(make_call: MakeCall, outcome: str) -> None:
    heard: list[bytes] = []
    answer = Answer(200, [], stream=Parts(*CHUNKS[:1]))
    listen(make_call(), answer, heard.append)
    await read(answer)
    answer.end(Ending(outcome))
    assert heard == []


async def test_an_answer_that_is_too_long_is_passed_and_not_kept(make_call: MakeCall) -> None:
    heard: list[bytes] = []
    parts = [b"x" * (KEPT // 2)] * 3
    answer = Answer(200, [], stream=Parts(*parts))
    listen(make_call(), answer, heard.append)
    assert len(await read(answer)) == sum(map(len, parts))
    answer.end(Ending())
    assert heard == []


async def test_a_stream_can_be_taken_in_before_anybody_gets_it(make_call: MakeCall) -> None:
    answer = Answer(200, [], stream=Parts(*CHUNKS))
    whole = await gather(make_call(), answer)
    assert whole is not None and b"Hello" in whole
    assert answer.stream is None and answer.body == b"".join(CHUNKS)


async def test_what_is_too_long_to_be_held_back_goes_on_as_a_stream(make_call: MakeCall) -> None:
    parts = [b"%d" % at * (KEPT // 2) for at in range(4)]
    stream = Parts(*parts)
    answer = Answer(200, [], stream=stream)
    assert await gather(make_call(), answer) is None
    assert await read(answer) == b"".join(parts)
    assert answer.stream is not None
    answer.stream.leave()
    assert stream.left


async def test_an_error_has_nothing_to_check(make_call: MakeCall) -> None:
    assert await gather(make_call(), Answer(500, [], b"{}")) is None
