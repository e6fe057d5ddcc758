import asyncio
from collections.abc import AsyncIterator

import pytest

from farthing.model.call import Answer, Call, Ending
from farthing.model.errors import RateLimited, UpstreamError
from farthing.steps.cache.flight import AHEAD, KEPT, Flights
from unit.steps.conftest import MakeCall


class Provider:
    """An upstream that answers when it is told to, in the parts that it is told."""

    def __init__(self) -> None:
        self.calls = 0
        self.parts: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.answer: Answer
        self.left = False
        self.given = 0
        self.begin = asyncio.Event()

    async def plain(self, call: Call) -> Answer:
        self.calls += 1
        await self.begin.wait()
        return Answer(200, [(b"content-type", b"application/json")], b'{"n":%d}' % self.calls)

    async def streaming(self, call: Call) -> Answer:
        self.calls += 1
        self.answer = Answer(200, [(b"content-type", b"text/event-stream")], stream=self)
        return self.answer

    async def next(self) -> bytes:
        part = await self.parts.get()
        if isinstance(part, Exception):
            self.answer.end(Ending("broken"))
            raise part
        if not part:
            self.answer.end(Ending("left" if self.left else "ok"))
        self.given += len(part)
        return part

    def leave(self) -> None:
        self.left = True
        self.parts.put_nowait(b"")


class Landings:
    def __init__(self) -> None:
        self.whole: list[bytes] = []

    def __call__(self, call: Call, answer: Answer, whole: bytes) -> None:
        self.whole.append(whole)


@pytest.fixture
async def flights() -> AsyncIterator[Flights]:
    flights = Flights()
    yield flights
    await flights.close()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def landings() -> Landings:
    return Landings()


async def read(answer: Answer) -> bytes:
    assert answer.stream is not None
    out = b""
    while part := await answer.stream.next():
        out += part
    return out


async def test_500_equal_calls_are_one(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    waiting = [asyncio.create_task(flights.join(b"k", make_call(), provider.plain, landings)) for _ in range(500)]
    await asyncio.sleep(0.01)
    provider.begin.set()
    answers = await asyncio.gather(*waiting)
    assert provider.calls == 1 and {answer.body for answer, _ in answers} == {b'{"n":1}'}
    assert len({id(leader) for _, leader in answers}) == 1 and landings.whole == [b'{"n":1}']
    assert len({id(answer.headers) for answer, _ in answers}) == 500


async def test_other_keys_and_later_calls_fly_by_themselves(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    provider.begin.set()
    for key in (b"a", b"b", b"a"):
        await flights.join(key, make_call(), provider.plain, landings)
        await asyncio.sleep(0)
    assert provider.calls == 3


async def test_all_get_the_stream_also_who_comes_later(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    first, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    provider.parts.put_nowait(b"one ")
    assert first.stream is not None and await first.stream.next() == b"one "
    second, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    for part in (b"two", b""):
        provider.parts.put_nowait(part)
    endings: list[Ending] = []
    first.on_end(endings.append)
    second.on_end(endings.append)
    assert (await read(first), await read(second)) == (b"two", b"one two")
    assert endings == [Ending(), Ending()] and landings.whole == [b"one two"] and provider.calls == 1


async def test_the_flight_outlives_the_client_that_started_it(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    first, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    second, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    assert first.stream is not None
    endings: list[Ending] = []
    first.on_end(endings.append)
    first.stream.leave()
    assert not provider.left and endings == []
    for part in (b"all", b""):
        provider.parts.put_nowait(part)
    assert await read(second) == b"all"
    assert endings == [Ending()] and landings.whole == [b"all"]


async def test_a_plain_call_goes_on_without_its_first_client(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    first = asyncio.create_task(flights.join(b"k", make_call(), provider.plain, landings))
    second = asyncio.create_task(flights.join(b"k", make_call(), provider.plain, landings))
    await asyncio.sleep(0)
    first.cancel()
    provider.begin.set()
    answer, _ = await second
    assert answer.body == b'{"n":1}'


async def test_when_the_last_listener_leaves_the_provider_hears_it(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    answers = [(await flights.join(b"k", make_call(), provider.streaming, landings))[0] for _ in range(2)]
    provider.parts.put_nowait(b"one")
    for answer in answers:
        assert answer.stream is not None
        answer.stream.leave()
        answer.stream.leave()
    assert provider.left
    again, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    assert provider.calls == 2 and landings.whole == []
    provider.parts.put_nowait(b"")
    await read(again)


async def test_an_error_is_everybody_s(flights: Flights, landings: Landings, make_call: MakeCall) -> None:
    async def failing(call: Call) -> Answer:
        await asyncio.sleep(0)
        raise RateLimited("slow down")

    results = await asyncio.gather(
        *(flights.join(b"k", make_call(), failing, landings) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [RateLimited] * 3


async def test_a_stream_that_breaks_off_breaks_for_all_and_never_lands(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    answers = [(await flights.join(b"k", make_call(), provider.streaming, landings))[0] for _ in range(2)]
    provider.parts.put_nowait(b"one")
    provider.parts.put_nowait(UpstreamError("gone"))
    for answer in answers:
        assert answer.stream is not None and await answer.stream.next() == b"one"
        with pytest.raises(UpstreamError, match="gone"):
            await answer.stream.next()
    assert landings.whole == []


async def test_the_fastest_listener_paces_the_provider(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    answer, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    for _ in range(100):
        provider.parts.put_nowait(b"x" * (AHEAD // 4))
    provider.parts.put_nowait(b"")
    await asyncio.sleep(0.02)
    assert provider.given <= 2 * AHEAD
    assert len(await read(answer)) == 25 * AHEAD


async def test_a_listener_too_far_behind_is_let_go_and_the_rest_is_not(
    flights: Flights, provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    fast, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    slow, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    size = AHEAD // 2
    for _ in range(2 * KEPT // size):
        provider.parts.put_nowait(b"x" * size)
    provider.parts.put_nowait(b"")
    assert len(await read(fast)) == 2 * KEPT
    assert slow.stream is not None
    with pytest.raises(UpstreamError, match="too slowly"):
        await slow.stream.next()
    assert landings.whole == []


async def test_the_end_of_the_gateway_ends_the_flights(
    provider: Provider, landings: Landings, make_call: MakeCall
) -> None:
    flights = Flights()
    answer, _ = await flights.join(b"k", make_call(), provider.streaming, landings)
    reading = asyncio.create_task(read(answer))
    await asyncio.sleep(0)
    await flights.close()
    with pytest.raises(UpstreamError):
        await reading
