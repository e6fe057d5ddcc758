"""A training against the simulator, broken off at each place, on both engines."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from farthing.model.clock import Clock
from farthing.model.errors import BadRequest, UpstreamError
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.book import Priced
from farthing.selfhost.distil.jobs import Event, FineTuningApi, Job, Unsure, Wish
from farthing.selfhost.distil.training import Order, Trainer, wrong_with
from farthing.settings import ProviderSettings, Secret
from farthing.store import Store
from farthing.store.trainings import Training, Trainings
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Provider
from farthing.upstream.simulator import SimulatorSettings, running, tasks

pytest.importorskip("rs_bpe", reason="the extra `tokens` is not installed")

BASE = "gpt-4o-mini-2024-07-18"
BOOK = PriceBook.load()
START_US = 1_790_000_000_000_000


class Time:
    """Passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = START_US / 1e6
        self.clock = Clock(monotonic=self, now_us=lambda: round(self.now * 1e6), sleep=self.sleep)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def lines(count: int = 40) -> tuple[bytes, ...]:
    return tuple(
        json.dumps({"messages": [{"role": "user", "content": each.prompt}, {"role": "assistant", "content": each.gold}]}).encode() + b"\n"
        for each in tasks.bank(count, 3, ["classification"])
    )  # fmt: skip


def order(**changes: Any) -> Order:
    return Order(
        **{"tenant": "acme", "provider": "openai", "wish": Wish(BASE, "triage", 2), "train": lines(), **changes}
    )


def price(base: str, tokens: int) -> Priced:
    return BOOK.price("openai", base, Usage(requests={"training": tokens}), at_us=START_US)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(params=["openai", "azure"])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def api(time: Time, host: str) -> AsyncIterator[FineTuningApi]:
    client = Http1Client()
    async with running(SimulatorSettings(seed=2, tuning_seconds=300), clock=time) as url:
        base = f"{url}/v1" if host == "openai" else url
        yield FineTuningApi(
            Provider(host, ProviderSettings(base_url=base, api_key=Secret("sk-any-key")), client), time.clock
        )
        await client.close()


class Killed(Exception):
    """The process ends here."""


class Seen:
    """What was told, and who breaks it off when."""

    def __init__(self, at: str = "") -> None:
        self.states: list[str] = []
        self.events: list[Event] = []
        self._at = at

    def __call__(self, training: Training, event: Event | None) -> None:
        if event is not None:
            self.events.append(event)
        elif training.state not in self.states:
            self.states.append(training.state)
            if training.state == self._at:
                raise Killed


def trainer(api: Any, store: Store, time: Time, seen: Seen | None = None, **more: Any) -> Trainer:
    return Trainer(api, Trainings(store), price, store.write, clock=time.clock, told=seen or Seen(), **more)


async def test_from_files_to_a_row_of_the_ledger(api: FineTuningApi, store: Store, time: Time) -> None:
    seen = Seen()
    done = await trainer(api, store, time, seen).run(order(test=lines(12)))
    assert seen.states == ["new", "uploaded", "running", "trained", "booked"]
    assert done.model.startswith(f"ft:{BASE}:org-simulator:triage:") and done.tokens % 2 == 0
    assert done.cost == done.tokens * 3_000  # $3 a million
    assert seen.events[-1].message == "The job has successfully completed"
    assert [each.share for each in seen.events if each.share][-1] == 1.0
    record = await store.call(done.id)
    assert record is not None and record.cost == done.cost and record.baseline == 0
    assert (record.feature, record.task, record.tenant) == ("farthing training", "farthing overhead", "acme")
    assert record.baseline - sum(each.saved for each in record.savings) == record.cost
    assert [(each.unit, each.count) for each in record.attempts[0].lines] == [("training", done.tokens)]
    assert await store.check() == []


@pytest.mark.parametrize("at", ["new", "uploaded", "running", "trained", "booked"])
@pytest.mark.parametrize("host", ["openai"])
async def test_broken_off_anywhere_it_goes_on_and_is_paid_once(
    api: FineTuningApi, store: Store, time: Time, at: str
) -> None:  # fmt: skip
    with pytest.raises(Killed):
        await trainer(api, store, time, Seen(at)).run(order())
    done = await trainer(api, store, time).run(order())
    assert done.state == "booked" and len(await store.report("feature")) == 1
    assert len(await _jobs(api)) == 1 and len(await _files(api)) == 1
    again = await trainer(api, store, time).run(order())
    assert again == done and [row.cost for row in await store.report("feature")] == [done.cost]


class Breaking:
    """The API, with one call that breaks before or after it had its effect."""

    def __init__(self, inner: FineTuningApi, *, after: bool, lag: int = 0) -> None:
        self._inner = inner
        self._after = after
        self._lag = lag
        self.made = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def create(self, training_id: str, wish: Wish, train_file: str, test_file: str) -> Job:
        self.made += 1
        if self.made > 1:
            return await self._inner.create(training_id, wish, train_file, test_file)
        if self._after:
            await self._inner.create(training_id, wish, train_file, test_file)
        raise Unsure("the connection closed", train_file)

    async def find(self, training_id: str, train_file: str) -> Job | None:
        self._lag -= 1
        return None if self._lag >= 0 else await self._inner.find(training_id, train_file)


@pytest.mark.parametrize(("after", "lag", "made"), [(True, 0, 1), (True, 3, 1), (False, 0, 2)])
@pytest.mark.parametrize("host", ["openai"])
async def test_a_creation_that_nobody_knows_of_is_looked_for_first(
    api: FineTuningApi, store: Store, time: Time, after: bool, lag: int, made: int
) -> None:  # fmt: skip
    breaking = Breaking(api, after=after, lag=lag)
    done = await trainer(breaking, store, time, lag_s=60, look_s=10).run(order())
    assert done.state == "booked" and breaking.made == made and len(await _jobs(api)) == 1


@pytest.mark.parametrize("host", ["openai"])
async def test_what_the_provider_does_not_want_fails_and_costs_nothing(
    api: FineTuningApi, store: Store, time: Time
) -> None:  # fmt: skip
    refused = await trainer(api, store, time).run(order(wish=Wish("gpt-5")))
    assert refused.state == "failed" and "not available for fine-tuning" in refused.error
    late = await trainer(api, store, time).run(order(train=(*lines(), b'{"messages": [{"role": "odd", "content": "x"}, {"role": "assistant", "content": "y"}]}\n')))  # fmt: skip
    assert late.state == "failed" and "Line 41" in late.error
    assert await store.report("feature") == []


@pytest.mark.parametrize("host", ["openai"])
async def test_a_cancelled_job_and_one_that_is_not_waited_for(api: FineTuningApi, store: Store, time: Time) -> None:
    begun = await trainer(api, store, time).run(order(), waits=False)
    assert begun.state == "running" and begun.remote_id
    assert [each.id for each in await Trainings(store).every("acme")] == [begun.id]
    await api.cancel(begun.remote_id)
    assert (await trainer(api, store, time).run(order())).state == "cancelled"
    assert await Trainings(store).forget(begun.id) and not await Trainings(store).forget(begun.id)


@pytest.mark.parametrize("host", ["openai"])
async def test_a_provider_that_is_away_for_a_while(api: FineTuningApi, store: Store, time: Time) -> None:
    class Away(Breaking):
        looks = 0

        async def look(self, job_id: str) -> Job:
            self.looks += 1
            if self.looks <= self.away:
                raise UpstreamError("away")
            return await self._inner.look(job_id)

    away = Away(api, after=False)
    away.made, away.away = 1, 5
    assert (await trainer(away, store, time).run(order())).state == "booked"
    away.looks, away.away = 0, 1000
    with pytest.raises(UpstreamError):
        await trainer(away, store, time).run(order(tenant="other"))


def test_the_same_order_has_the_same_id() -> None:
    assert order().id == order().id
    others = [
        order(tenant="b"),
        order(train=lines(41)),
        order(wish=Wish(BASE, "triage", 3)),
        order(test=lines(10)),
        order(provider="b"),
    ]
    assert len({each.id for each in others} | {order().id}) == 6


def test_orders_that_no_provider_takes() -> None:
    with pytest.raises(BadRequest, match="at least 10 examples"):
        order(train=lines(9)).check()
    with pytest.raises(BadRequest, match="line 41: it has no `messages`"):
        order(train=(*lines(), b"{}\n")).check()
    assert wrong_with(b"{") == "it is no JSON"
    assert "assistant" in wrong_with(b'{"messages": [{"role": "user", "content": "x"}]}')


async def test_only_one_of_two_goes_on(store: Store) -> None:
    kept = Trainings(store)
    one = await kept.begin(Training("t", "acme", "openai", BASE, created_us=1, updated_us=1))
    later = msgspec.structs.replace(one, state="uploaded", updated_us=2, cost=5, error="x" * 5000)
    assert await kept.begin(later) == one
    assert await kept.move(one, later) and not await kept.move(one, later)
    found = await kept.get("t")
    assert found is not None and (found.state, found.cost, len(found.error)) == ("uploaded", 5, 2000)
    assert await kept.get("none") is None


async def _jobs(api: FineTuningApi) -> Sequence[Any]:
    return (await _listed(api, "/fine_tuning/jobs?limit=100"))["data"]


async def _files(api: FineTuningApi) -> Sequence[Any]:
    return (await _listed(api, "/files?limit=100"))["data"]


async def _listed(api: FineTuningApi, path: str) -> Any:
    return msgspec.json.decode(await api._asking.get(path))
