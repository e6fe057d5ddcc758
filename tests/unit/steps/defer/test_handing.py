"""What a client gets whose call waits: a job, the held answer, a stream, or a word that it goes on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from farthing.batch.deferred import Deferred
from farthing.batch.entrance import Entrance
from farthing.batch.news import News
from farthing.gateway.edge import new_call_id
from farthing.model.arms import BATCHING
from farthing.model.batch import Line
from farthing.model.call import Answer, Ask, Call
from farthing.model.errors import BudgetExceeded, Cancelled, Expired, StillWaiting, Unavailable, UpstreamError
from farthing.model.principal import Principal
from farthing.settings import BatchSettings
from farthing.steps.defer.asked import Wishes
from farthing.steps.defer.handing import Handing, without
from farthing.steps.defer.step import Defer
from farthing.store import Store, open_store
from farthing.store.batch import jobs
from stores import ready
from unit.batch.worked import ANSWER, work

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "service_tier": "flex"}


class Client:
    """A connection."""

    def __init__(self) -> None:
        self.lost = False
        self.on_lost: Callable[[], None] | None = None
        self.on_stop: Callable[[], None] | None = None

    def leave(self) -> None:
        self.lost = True
        if self.on_lost is not None:
            self.on_lost()


class Made(NamedTuple):
    store: Store
    handing: Handing
    step: Defer
    queue: Deferred


@pytest.fixture
async def made(tmp_path: Any) -> AsyncIterator[Made]:
    store = await open_store(ready(tmp_path, "q.db"))
    entrance = Entrance(store, lambda: None)
    deferred = Deferred(store, entrance, News(), "g-1", BatchSettings(), new_call_id)
    handing = Handing(deferred, 60.0, head_s=0.3, ping_s=0.2)
    yield Made(store, handing, Defer(Wishes(hold_s=60.0).of, handing), deferred)
    await entrance.close()
    await deferred.close()
    await store.close()


def call(*, stream: bool = False, wire: str = "openai.chat", **headers: str) -> Call:
    body = {**BODY, "stream": True, "stream_options": {"include_usage": True}} if stream else BODY
    made = Call(
        id=new_call_id(), wire=wire, headers={f"x-farthing-{name}".encode(): value.encode() for name, value in headers.items()},
        peer="", body=json.dumps(body).encode(), ask=Ask("gpt-4o-mini", stream=stream, tier="flex"),
        started_us=time.time_ns() // 1000, started=0.0,
    )  # fmt: skip
    made.principal = Principal(user="u-1")
    made.caller = Client()
    return made


async def at_once(call: Call) -> Answer:
    return Answer(200, [], call.body)


async def worked(store: Store, **fields: Any) -> list[Line]:
    found: list[Line] = await eventually(lambda: work(store, **fields))
    return found


async def eventually(true: Callable[[], Awaitable[Any]]) -> Any:
    """What it gives as soon as that is something."""
    for _ in range(6000):
        if found := await true():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def waits(sent: Call) -> None:
    """Until it is held, and would hear of its client and of a stop."""

    async def held() -> bool:
        return sent.caller is not None and sent.caller.on_lost is not None and sent.caller.on_stop is not None

    await eventually(held)


async def cancelled(store: Store) -> bool:
    return await state(store, await only_job(store)) == "cancelled"


def patient(made: Made) -> Defer:
    """It waits for long before it begins a stream without an answer."""
    return Defer(Wishes(hold_s=60.0).of, Handing(made.queue, 60.0, head_s=60.0, ping_s=0.2))


async def read(answer: Answer) -> bytes:
    assert answer.stream is not None
    parts = []
    while part := await answer.stream.next():
        parts.append(part)
    answer.stream.leave()
    return b"".join(parts)


async def state(store: Store, answer_or_job: str) -> str:
    job = await store.do(lambda connection: jobs.get(connection, answer_or_job))
    assert job is not None
    return job.state


async def only_job(store: Store) -> str:
    (job,) = await store.do(lambda connection: jobs.page(connection, tenant="default"))
    return job.id


async def test_a_job_at_once(made: Made) -> None:
    sent = call(wait="job", deadline="6h")
    answer = await made.step(sent, at_once)
    told = json.loads(answer.body)
    headers = dict(answer.headers)
    assert answer.status == 202 and sent.handed_over and told["state"] == "running" and told["object"] == "farthing.job"
    assert headers[b"location"].decode() == told["url"] == f"/v1/farthing/jobs/{told['id']}"
    assert 21_599 < told["seconds_left"] <= 21_600


async def test_a_held_call_gets_its_own_answer(made: Made) -> None:
    sent = call()
    waiting = asyncio.create_task(made.step(sent, at_once))
    (line,) = await worked(made.store)
    assert json.loads(line.body) == {name: value for name, value in BODY.items() if name != "service_tier"}
    answer = await waiting
    headers = dict(answer.headers)
    assert (answer.status, answer.body, sent.id) == (200, ANSWER, f"call-of-{line.job}")
    assert headers[b"x-farthing-cost"] == b"0.000000002" and headers[b"x-farthing-saved"] == b"0.000000002"
    assert headers[b"x-farthing-job"].decode() == line.job and sent.handed_over
    assert sent.caller is not None and sent.caller.on_lost is None and sent.caller.on_stop is None


async def test_an_error_of_the_provider_keeps_its_status(made: Made) -> None:
    waiting = asyncio.create_task(made.step(call(), at_once))
    await worked(made.store, status=400, answer=b'{"error":{"message":"no"}}', state="failed")
    answer = await waiting
    assert answer.status == 400 and (b"x-should-retry", b"false") in answer.headers


async def test_patience_ends_with_a_word_of_the_job(made: Made) -> None:
    handing = Handing(made.queue, 0.05)
    with pytest.raises(StillWaiting) as waits:
        await Defer(Wishes(hold_s=100.0).of, handing)(call(deadline="6h"), at_once)
    assert (
        waits.value.job == await only_job(made.store)
        and waits.value.job in waits.value.message
        and waits.value.retryable
    )
    await asyncio.sleep(0.1)
    waiting = asyncio.create_task(made.step(call(deadline="6h"), at_once))
    (line,) = await worked(made.store)
    assert line.job == waits.value.job and (await waiting).body == ANSWER


async def test_a_client_that_leaves(made: Made) -> None:
    sent = call()
    waiting = asyncio.create_task(made.step(sent, at_once))
    await waits(sent)
    assert isinstance(sent.caller, Client)
    sent.caller.leave()
    with pytest.raises(Unavailable):
        await waiting
    await eventually(lambda: cancelled(made.store))


async def test_a_client_that_had_left_before(made: Made) -> None:
    sent = call()
    assert isinstance(sent.caller, Client)
    sent.caller.leave()
    with pytest.raises(Unavailable):
        await made.step(sent, at_once)


async def test_a_gateway_that_stops_lets_the_job_go_on(made: Made) -> None:
    sent = call()
    waiting = asyncio.create_task(made.step(sent, at_once))
    await waits(sent)
    assert sent.caller is not None and sent.caller.on_stop is not None
    sent.caller.on_stop()
    with pytest.raises(Unavailable) as stops:
        await waiting
    assert stops.value.job and stops.value.retryable and await state(made.store, stops.value.job) == "running"


async def test_a_job_that_is_cancelled_or_late_is_an_error(made: Made) -> None:
    sent = call()
    waiting = asyncio.create_task(made.step(sent, at_once))
    await waits(sent)
    job = await only_job(made.store)
    await made.store.do(lambda connection: jobs.cancel(connection, job, tenant="default", now_us=5))
    with pytest.raises(Cancelled):
        await waiting
    waiting = asyncio.create_task(made.step(call(), at_once))
    await worked(made.store, status=0, answer=b"", state="expired")
    with pytest.raises(Expired):
        await waiting
    waiting = asyncio.create_task(made.step(call(), at_once))
    await worked(made.store, status=0, answer=b"", state="failed")
    with pytest.raises(UpstreamError):
        await waiting


async def test_a_quick_stream_is_told_at_once(made: Made) -> None:
    waiting = asyncio.create_task(patient(made)(call(stream=True), at_once))
    (line,) = await worked(made.store)
    assert "stream" not in json.loads(line.body) and "stream_options" not in json.loads(line.body)
    answer = await waiting
    assert answer.stream is None and b'"content":"blue"' in answer.body and answer.body.endswith(b"data: [DONE]\n\n")
    assert dict(answer.headers)[b"content-type"].startswith(b"text/event-stream")


async def test_a_slow_stream_is_kept_alive(made: Made) -> None:
    answer = await made.step(call(stream=True), at_once)
    assert answer.stream is not None
    assert [await answer.stream.next() for _ in range(2)] == [b": waiting\n\n"] * 2
    await worked(made.store)
    assert (await read(answer)).endswith(b"data: [DONE]\n\n")


async def test_a_quick_refusal_of_a_stream_keeps_its_status(made: Made) -> None:
    waiting = asyncio.create_task(patient(made)(call(stream=True), at_once))
    await worked(made.store, status=400, answer=b'{"error":{"message":"no"}}', state="failed")
    assert (await waiting).status == 400


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": 400, "answer": b'{"error":{"message":"too long"}}', "state": "failed"}, "HTTP 400: too long"),
        ({"status": 500, "answer": b"nonsense", "state": "failed"}, "HTTP 500"),
        ({"status": 0, "answer": b"", "state": "expired"}, "deadline"),
        ({"answer": b"nonsense"}, "told as a stream"),
    ],
)
async def test_a_late_error_ends_the_stream(made: Made, fields: dict[str, Any], said: str) -> None:
    answer = await made.step(call(stream=True), at_once)
    await worked(made.store, **fields)
    with pytest.raises(UpstreamError, match=said):
        await read(answer)


async def test_a_stream_s_patience_ends_too(made: Made) -> None:
    handing = Handing(made.queue, 0.3, head_s=0.05, ping_s=0.1)
    answer = await Defer(Wishes(hold_s=100.0).of, handing)(call(stream=True, deadline="6h"), at_once)
    with pytest.raises(UpstreamError, match="Send it again"):
        await read(answer)


async def test_a_stream_s_client_that_leaves(made: Made) -> None:
    answer = await made.step(call(stream=True), at_once)
    assert answer.stream is not None
    await answer.stream.next()
    answer.stream.leave()
    assert await answer.stream.next() == b""
    await eventually(lambda: cancelled(made.store))


async def test_a_stream_ends_when_the_gateway_stops(made: Made) -> None:
    sent = call(stream=True)
    answer = await made.step(sent, at_once)
    assert sent.caller is not None and sent.caller.on_stop is not None
    sent.caller.on_stop()
    with pytest.raises(UpstreamError, match="Send it again"):
        await read(answer)
    assert await state(made.store, await only_job(made.store)) == "running"


async def test_held_out_calls_go_at_once_at_the_standard_tier(made: Made) -> None:
    made.handing.hold_out({BATCHING: 1.0}, "salt")
    sent = call()
    answer = await made.step(sent, at_once)
    assert sent.arms == {BATCHING: True} and not sent.handed_over and sent.ask.tier == ""
    assert b"service_tier" not in answer.body


async def test_treated_calls_are_marked(made: Made) -> None:
    made.handing.hold_out({BATCHING: 1e-9}, "salt")
    sent = call(wait="job")
    await made.step(sent, at_once)
    assert sent.arms == {BATCHING: False}
    line = call()
    made.handing.treated(line)
    assert line.arms == {BATCHING: False}


@pytest.mark.parametrize(
    ("queue", "resets_s", "deadline", "waits"),
    [(True, 60, "6h", True), (False, 60, "6h", False), (True, 60, "30s", False), (True, 0, "6h", False)],
)
async def test_a_budget_may_have_a_call_wait(
    made: Made, queue: bool, resets_s: int, deadline: str, waits: bool
) -> None:
    made.handing.hold_out({BATCHING: 1.0}, "salt")
    resets_us = time.time_ns() // 1000 + resets_s * 1_000_000 if resets_s else 0

    async def refused(call: Call) -> Answer:
        raise BudgetExceeded("used up", budget="b", queue=queue, resets_us=resets_us)

    step = made.step(call(wait="job", deadline=deadline), refused)
    if not waits:
        with pytest.raises(BudgetExceeded):
            await step
        return
    answer = await step
    assert answer.status == 202
    assert await work(made.store) == []


async def test_calls_that_cannot_wait_pass(made: Made) -> None:
    sent = call()
    sent.ask = msgspec.structs.replace(sent.ask, tier="")
    assert (await made.step(sent, at_once)).body == sent.body and not sent.handed_over


def test_members_are_taken_out_and_others_keep_their_bytes() -> None:
    body = b'{"model": "m",  "x": [1,  2.50], "stream":true, "service_tier":"batch"}'
    assert without(body, ("stream", "service_tier")) == b'{"model":"m","x":[1,  2.50]}'
    assert without(body, ()) is body


@pytest.mark.parametrize(
    ("tier", "knows", "kept"), [("batch", True, False), ("flex", True, True), ("flex", False, False)]
)
async def test_a_call_that_goes_at_once_says_no_tier_that_is_not_known(
    made: Made, tier: str, knows: bool, kept: bool
) -> None:
    handing = Handing(made.queue, 3.0, flexes=lambda model: knows)
    step = Defer(Wishes(hold_s=3.0).of, handing, at_known_tier=handing.at_known_tier)
    sent = call(deadline="now")
    sent.body = sent.body.replace(b"flex", tier.encode())
    sent.ask = msgspec.structs.replace(sent.ask, tier=tier)
    answer = await step(sent, at_once)
    assert (b"service_tier" in answer.body, bool(sent.ask.tier)) == (kept, kept)
