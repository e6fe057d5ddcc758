import pytest

from farthing.model.call import Answer, Call, Ending, Proceed
from farthing.model.errors import RateLimited, UpstreamError
from farthing.model.principal import Key
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.steps.limits import Limits
from farthing.store.buckets import Buckets
from unit.steps.conftest import MakeCall


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(Buckets(clock))


def limited(call: Call, **fields: int) -> Call:
    call.key = Key(id="key-1", name="web", hash=b"", **fields)  # type: ignore[arg-type]
    return call


async def test_no_key_and_no_limit_pass(limits: Limits, make_call: MakeCall, proceed: Proceed) -> None:
    for _ in range(100):
        await limits(make_call(), proceed)
        await limits(limited(make_call()), proceed)


async def test_requests_a_minute_fill_up_evenly(
    limits: Limits, clock: Clock, make_call: MakeCall, proceed: Proceed
) -> None:
    call = limited(make_call(), requests_per_minute=6)
    for _ in range(6):
        await limits(call, proceed)
    with pytest.raises(RateLimited, match="6 requests a minute") as caught:
        await limits(call, proceed)
    assert caught.value.retry_after == pytest.approx(10)
    clock.now += 10
    await limits(call, proceed)
    with pytest.raises(RateLimited):
        await limits(call, proceed)


async def test_tokens_are_settled_by_what_was_counted(limits: Limits, clock: Clock, make_call: MakeCall) -> None:
    async def costly(call: Call) -> Answer:
        call.trail.attempts.append(Attempt(1, usage=Usage(uncached_in=500, out=1500)))
        return Answer(200, [], b"{}")

    call = limited(make_call(body=b"x" * 300), tokens_per_minute=1000)
    await limits(call, costly)
    with pytest.raises(RateLimited) as caught:
        await limits(limited(make_call(body=b"x" * 300), tokens_per_minute=1000), costly)
    # 2000 of 1000 were used, so the bucket is 1000 below empty; 120 more are asked for.
    assert caught.value.retry_after == pytest.approx(1120 * 60 / 1000)
    clock.now += 68
    await limits(limited(make_call(body=b"x" * 300), tokens_per_minute=1000), costly)


async def test_a_stream_is_settled_when_it_ends(limits: Limits, make_call: MakeCall) -> None:
    class Silent:
        async def next(self) -> bytes:
            return b""

        def leave(self) -> None: ...

    answer = Answer(200, [], stream=Silent())

    async def streaming(call: Call) -> Answer:
        return answer

    call = limited(make_call(body=b"x" * 3000), tokens_per_minute=1002)
    await limits(call, streaming)
    with pytest.raises(RateLimited):
        await limits(limited(make_call(body=b"x" * 30), tokens_per_minute=1002), streaming)
    answer.end(Ending())  # nothing was used after all
    await limits(limited(make_call(body=b"x" * 30), tokens_per_minute=1002), streaming)


async def test_a_failed_call_gives_its_tokens_back(limits: Limits, make_call: MakeCall, proceed: Proceed) -> None:
    async def failing(call: Call) -> Answer:
        raise UpstreamError("no")

    for _ in range(5):
        with pytest.raises(UpstreamError):
            await limits(limited(make_call(body=b"x" * 3000), tokens_per_minute=1001), failing)
    await limits(limited(make_call(body=b"x" * 3000), tokens_per_minute=1001), proceed)


async def test_a_body_larger_than_the_limit_passes_when_the_bucket_is_full(
    limits: Limits, make_call: MakeCall, proceed: Proceed
) -> None:
    await limits(limited(make_call(body=b"x" * 30_000), tokens_per_minute=100), proceed)
