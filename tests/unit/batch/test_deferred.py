"""Calls that wait: each is one job, whoever sends it again joins it, and each hears of its end, on both engines."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from farthing.batch.deferred import TRY, Deferred
from farthing.batch.entrance import Entrance
from farthing.batch.news import News
from farthing.gateway.edge import new_call_id
from farthing.model.call import Ask, Call
from farthing.model.errors import BadRequest, Unavailable
from farthing.model.principal import Principal
from farthing.settings import BatchSettings
from farthing.steps.defer.asked import Wish
from farthing.store import Store, StoreError, open_store
from farthing.store.batch import asked, jobs, lines, webhooks
from farthing.store.sealing import Unreadable, wrapping
from stores import ready
from unit.batch.worked import ANSWER, work
from unit.store.batch.samples import begun

BODY = b'{"model":"gpt-4o-mini","messages":[]}'
HOUR_US = 3_600_000_000


def call(key: str = "k-1", tenant: str = "default", **headers: str) -> Call:
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    made = Call(
        id=new_call_id(), wire="openai.chat", headers=sent, peer="", body=BODY, ask=Ask("gpt-4o-mini"),
        started_us=time.time_ns() // 1000, started=0.0,
    )  # fmt: skip
    made.principal = Principal(tenant=tenant, key_id=key)
    return made


def wish(**fields: Any) -> Wish:
    return Wish(time.time_ns() // 1000 + HOUR_US, **fields)


@asynccontextmanager
async def deferring(store: Store, holder: str = "g-1", **fields: Any) -> AsyncIterator[Deferred]:
    news = News()
    entrance = Entrance(store, lambda: None)
    made = Deferred(store, entrance, news, holder, BatchSettings(**fields), new_call_id)
    yield made
    await entrance.close()
    await made.close()


@pytest.fixture
async def deferred(store: Store) -> AsyncIterator[Deferred]:
    async with deferring(store) as made:
        yield made


async def state(store: Store, job_id: str) -> str:
    job = await store.do(lambda connection: jobs.get(connection, job_id))
    assert job is not None
    return job.state


async def written(deferred: Deferred) -> None:
    """What it was told is in the store."""
    await asyncio.gather(*deferred._tasks)


async def eventually(true: Callable[[], Any]) -> Any:
    for _ in range(6000):
        found = await true()
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def test_a_call_is_a_job_of_one_line(store: Store, deferred: Deferred) -> None:
    sent = call(x_farthing_feature="night", authorization="Bearer secret", anthropic_beta="b")
    job = await deferred.submit(sent, BODY, wish(tier="flex"))
    kept = await store.do(lambda connection: jobs.get(connection, job.id))
    assert (
        kept == job and kept.origin == "call" and kept.state == "running" and kept.metadata == {"service_tier": "flex"}
    )
    assert kept.headers == {"x-farthing-feature": "night", "anthropic-beta": "b"}
    line = await store.do(lambda connection: lines.get(connection, job.id, 0))
    assert (
        line is not None and line.body == BODY and line.model == "gpt-4o-mini" and line.deadline_us == job.deadline_us
    )


async def test_its_answer_comes_with_what_it_cost(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(), BODY, wish())
    assert await deferred.answer(job.id, 0.0) is None
    await work(store)
    ended = await deferred.answer(job.id, 5.0)
    assert ended is not None and ended.line.answer == ANSWER and ended.job.state == "finished"
    assert ended.record is not None and (ended.record.cost, ended.record.baseline) == (2, 4)


async def test_whoever_waits_hears_what_another_gateway_ended(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(), BODY, wish())
    waiting = asyncio.create_task(deferred.answer(job.id, 60.0))
    await asyncio.sleep(0.05)
    await work(store)  # nobody rings a bell here
    began = time.monotonic()
    assert await waiting is not None
    assert time.monotonic() - began < 30


async def test_equal_calls_at_the_same_time_are_two(store: Store, deferred: Deferred) -> None:
    one, other = await asyncio.gather(*(deferred.submit(call(), BODY, wish()) for _ in range(2)))
    assert one.id != other.id


async def test_a_call_that_lost_its_connection_is_joined(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(), BODY, wish())
    deferred.stopped(job)

    async def again() -> bool:
        return (await deferred.submit(call(), BODY, wish())).id == job.id

    await eventually(again)


async def test_nobody_gets_the_answer_of_long_ago(store: Store, deferred: Deferred) -> None:
    short = Wish(time.time_ns() // 1000 - 59_900_000)  # it could be joined a minute longer
    job = await deferred.submit(call(), BODY, short)
    deferred.stopped(job)
    await asyncio.sleep(0.2)
    await written(deferred)
    assert (await deferred.submit(call(), BODY, wish())).id != job.id


async def test_the_lease_of_a_dead_gateway_runs_out(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(), BODY, wish())
    async with deferring(store, "g-2") as other:
        assert (await other.submit(call(), BODY, wish())).id != job.id
        await store.do(lambda connection: connection.execute("UPDATE batch_asked SET held_until_us = 1"))
        joined = await other.submit(call(), BODY, wish())
        assert joined.id == job.id
        await work(store)
        ended = await other.answer(job.id, 5.0)
        assert ended is not None and ended.line.answer == ANSWER


async def test_a_retry_of_the_sdk_joins_at_once(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(), BODY, wish())
    again = call()
    again.headers[TRY] = b"1"
    assert (await deferred.submit(again, BODY, wish())).id == job.id
    assert (await deferred.submit(again, BODY + b" ", wish())).id != job.id


@pytest.mark.parametrize("wait", ["job", "hold"])
async def test_a_name_is_one_job_for_as_long_as_its_answer_is_kept(store: Store, deferred: Deferred, wait: Any) -> None:
    sent = call(idempotency_key="n-1")
    both = await asyncio.gather(*(deferred.submit(sent, BODY, wish(wait=wait)) for _ in range(5)))
    assert len({job.id for job in both}) == 1
    await work(store)
    assert (await deferred.submit(sent, BODY, wish(wait=wait))).id == both[0].id
    deferred.taken(both[0].id)
    await written(deferred)
    assert (await deferred.submit(sent, BODY, wish(wait=wait))).id == both[0].id
    with pytest.raises(BadRequest, match="Idempotency-Key"):
        await deferred.submit(sent, BODY + b" ", wish(wait=wait))


async def test_nobody_joins_across_keys_and_tenants(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(idempotency_key="n-1"), BODY, wish())
    for other in (call("k-2", idempotency_key="n-1"), call("k-1", "acme", idempotency_key="n-1")):
        assert (await deferred.submit(other, BODY, wish())).id != job.id


async def test_an_answer_that_was_given_is_given_again_to_the_same_client_alone(
    store: Store, deferred: Deferred
) -> None:
    job = await deferred.submit(call(), BODY, wish())
    await work(store)
    deferred.taken(job.id)
    await written(deferred)
    again = call()
    again.headers[TRY] = b"1"
    assert (await deferred.submit(again, BODY, wish())).id == job.id
    assert (await deferred.submit(call(), BODY, wish())).id != job.id


async def test_a_job_that_was_asked_for_as_one_is_joined_by_the_same_client_alone(
    store: Store, deferred: Deferred
) -> None:
    job = await deferred.submit(call(), BODY, wish(wait="job"))
    again = call()
    again.headers[TRY] = b"2"
    assert (await deferred.submit(again, BODY, wish(wait="job"))).id == job.id
    assert (await deferred.submit(call(), BODY, wish(wait="job"))).id != job.id
    assert (await deferred.submit(call(), BODY, wish())).id != job.id


async def test_a_client_that_leaves_takes_its_call_along(store: Store, deferred: Deferred) -> None:
    sent = call()
    job = await deferred.submit(sent, BODY, wish())
    deferred.left(sent, job)

    async def cancelled() -> bool:
        return await state(store, job.id) == "cancelled"

    await eventually(cancelled)
    assert (await deferred.submit(call(), BODY, wish())).id != job.id


async def test_what_was_sent_goes_on_when_its_client_leaves(store: Store, deferred: Deferred) -> None:
    sent = call()
    job = await deferred.submit(sent, BODY, wish())
    now_us = time.time_ns() // 1000

    def begin(connection: Any) -> None:
        (line,) = lines.take(connection, now_us=now_us, holder="w", until_us=now_us + HOUR_US, limit=1)
        begun(connection, line, "c-1", now_us=now_us)

    await store.do(begin)
    deferred.left(sent, job)
    await written(deferred)
    assert await state(store, job.id) == "running"
    assert (await deferred.submit(call(), BODY, wish())).id == job.id


@pytest.mark.parametrize("why", ["keep", "name", "webhook", "another"])
async def test_a_call_that_somebody_still_wants_stays(store: Store, why: str) -> None:
    async with deferring(store, left="keep" if why == "keep" else "cancel") as made:
        sent = call(**({"idempotency_key": "n-1"} if why in ("name", "another") else {}))
        job = await made.submit(sent, BODY, wish(webhook="https://a.b/" if why == "webhook" else ""))
        if why == "another":
            await made.submit(sent, BODY, wish())
        made.left(sent, job)
        await written(made)
        assert await state(store, job.id) == "running"


async def test_a_call_waits_for_a_budget_s_next_window(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(), BODY, wish(ready_us=time.time_ns() // 1000 + HOUR_US // 2))
    assert await work(store) == []
    assert await state(store, job.id) == "running"


async def test_what_a_webhook_gets_is_noted_with_the_job(store: Store, deferred: Deferred) -> None:
    await deferred.submit(call(), BODY, wish(webhook="https://a.b/", wait="job"))
    assert await store.do(webhooks.waiting) == 1


async def test_a_store_that_is_away_is_said(tmp_path: Any) -> None:
    store = await open_store(ready(tmp_path, "here.db"))
    async with deferring(store) as made:
        await store.close()
        for place in tmp_path.glob("here.db*"):
            place.unlink()
        (tmp_path / "here.db").mkdir()
        with pytest.raises(Unavailable):
            await made.submit(call(), BODY, wish())


async def test_a_call_is_held_on_while_the_store_is_away(store: Store, deferred: Deferred) -> None:
    job = await deferred.submit(call(), BODY, wish())
    looks = 0

    async def look(job_id: str) -> Any:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise StoreError("the server is away")
        return await Deferred._look(deferred, job_id)

    deferred._look = look  # type: ignore[method-assign]
    await work(store)
    ended = await deferred.answer(job.id, 10)
    assert ended is not None and ended.line.answer == ANSWER and looks == 3
    looks = -(10**6)
    assert await deferred.answer(job.id, 0.3) is None, "it still waits, and is told so"


async def test_an_answer_that_was_sealed_with_another_key_is_not_an_empty_one(store: Store) -> None:
    async with deferring(store, drop="delivery") as made:
        job = await made.submit(call(), BODY, wish())
        await work(store)
        made._wrapping = wrapping("ab" * 32)
        await store.do(lambda connection: connection.execute("UPDATE batch_answers SET mark = 7"))
        with pytest.raises(Unavailable):
            await made.answer(job.id, 5)
    with pytest.raises(Unreadable):
        await store.do(lambda connection: lines.results(connection, job.id))
    (line,) = await store.do(lambda connection: lines.results(connection, job.id, lenient=True))
    assert line.state == "done" and not line.answer
    assert await store.do(lambda connection: connection.query("SELECT count(*) FROM batch_answers")) == [(1,)]


async def test_what_nobody_can_join_is_forgotten(store: Store, deferred: Deferred) -> None:
    await deferred.submit(call(), BODY, wish(wait="job"))
    far_us = time.time_ns() // 1000 + 10 * HOUR_US
    assert await store.do(lambda connection: asked.prune(connection, far_us)) == 1


async def test_texts_are_dropped_soon_after_delivery_where_settings_say_so(store: Store) -> None:
    async with deferring(store, drop="delivery") as made:
        job = await made.submit(call(), BODY, wish())
        await work(store)
        made.taken(job.id)
        await written(made)
        later_us = time.time_ns() // 1000 + 120_000_000
        assert await store.do(lambda connection: jobs.expire(connection, later_us, 10)) == 1
        assert await made.answer(job.id, 0.0) is None
