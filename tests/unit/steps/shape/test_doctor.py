"""The doctor as a step: it changes nothing, counts what caches could have read, and forgets no count when the store is away."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farthing.catalog.caching import Caching
from farthing.model.arms import PROVIDER_CACHING
from farthing.model.call import Answer, Ask, Call, Deployment
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.steps.shape.doctor import MOST_COUNTS, Doctor, Reporter, family_of
from farthing.steps.shape.mending import Mend
from farthing.store import Store, StoreError, open_store
from farthing.store.busters import LOOKED, Broken, Busters, broken
from stores import ready

RULES = "Answer in two sentences, name the carrier, and promise no date. " * 120
RATES = Caching("automatic", 1_024, 5_000_000, 500_000)
NOW_US = 1_795_600_000_000_000


class Known:
    def __init__(self, rates: Caching | None = RATES) -> None:
        self.rates = rates

    def of(self, deployment: Deployment, format: str) -> Caching | None:
        return self.rates


class Busy:
    """A store's table that can be away."""

    def __init__(self) -> None:
        self.away = True
        self.kept: list[Broken] = []

    async def add(self, seen: list[Broken]) -> None:
        if self.away:
            raise StoreError("away")
        self.kept += seen


class Scene:
    def __init__(self, rates: Caching | None = RATES) -> None:
        self.now = 0.0
        self.doctor = Doctor(Known(rates), lambda wire, provider: wire, lambda: self.now)

    async def call(self, system: str, read: int = 0, usage: Usage | None = None, **more: object) -> Answer:
        text = json.dumps({"messages": [{"role": "system", "content": system}, {"role": "user", "content": "Hello."}]})
        call = Call(
            id="call-1", wire="openai.chat", headers={}, peer="", body=text.encode(), ask=Ask("gpt-5.5"),
            started_us=NOW_US + int(self.now * 1e6), started=0.0,
        )  # fmt: skip
        call.principal = call.principal.__class__(tenant="acme", feature=str(more.get("feature", "chat")))
        if more.get("held"):
            call.arms[PROVIDER_CACHING] = True
        total = len(text) // 4

        async def proceed(call: Call) -> Answer:
            call.deployment = Deployment("d", "openai", "gpt-5.5", "openai")
            attempt = Attempt(no=1, provider="openai", model="gpt-5.5", deployment=str(more.get("deployment", "d")))
            attempt.usage = usage or Usage(uncached_in=total - read, cache_read=read)
            attempt.estimated = bool(more.get("estimated"))
            call.trail.attempts.append(attempt)
            return Answer(int(str(more.get("status", 200))), [], b"{}")

        self.now += 10
        return await self.doctor(call, proceed)

    def found(self) -> dict[str, tuple[int, int, int]]:
        return {key.kind: (count.calls, count.tokens, count.nano) for key, count in self.doctor.counts.items()}


async def test_a_host_that_lies_about_its_input_makes_no_fortune_of_a_loss() -> None:
    scene = Scene()
    for minute in range(3):
        await scene.call(f"It is 10:0{minute}. {RULES}", usage=Usage(uncached_in=10**12))
    calls, tokens, _ = scene.found()["date"]
    assert 0 < tokens <= calls * 1.5 * (len(RULES) + 200)


async def test_a_time_before_the_rules_is_counted_in_tokens_and_money() -> None:
    scene = Scene()
    for minute in range(5):
        await scene.call(f"It is 10:0{minute}. {RULES}")
    calls, tokens, nano = scene.found()["date"]
    assert calls == 4 and scene.found()[LOOKED][0] == 5
    assert 4 * 0.97 * len(RULES) / 4 < tokens <= 4 * (len(RULES) + 120) / 4
    assert abs(nano - tokens * 4_500) <= calls
    (key,) = [key for key in scene.doctor.counts if key.kind == "date"]
    assert (key.tenant, key.feature, key.model, key.place) == ("acme", "chat", "gpt-5.5", "system 1")
    assert scene.doctor.counts[key].shape == "00:00"


async def test_what_is_read_is_no_loss() -> None:
    scene = Scene()
    for _ in range(5):
        await scene.call(RULES, read=len(RULES) // 4)
    assert list(scene.found()) == [LOOKED]


async def test_hosts_that_take_turns_are_found() -> None:
    scene = Scene()
    for turn in range(4):
        await scene.call(RULES, deployment=f"d{turn % 2}")
    assert scene.found()["host"][0] == 3


async def test_what_cannot_be_told_is_not_counted() -> None:
    scene = Scene()
    await scene.call(RULES, estimated=True)
    await scene.call(RULES, status=500)
    await scene.call("short")
    await scene.call("\ud800" * 300)
    assert not scene.found()
    unknown = Scene(None)
    await unknown.call(RULES)
    assert not unknown.found()
    held = Scene()
    await held.call(RULES)
    await held.call(RULES, held=True)
    assert list(held.found()) == [LOOKED]


async def test_names_that_callers_choose_have_an_end() -> None:
    scene = Scene()
    await scene.call(RULES)
    (key,) = scene.doctor.counts
    for number in range(MOST_COUNTS):
        scene.doctor.counts[key._replace(feature=f"{number}")] = scene.doctor.counts[key]
    await scene.call(RULES, feature="one more")
    assert len(scene.doctor.counts) == MOST_COUNTS + 1


async def test_counts_wait_for_a_store_that_is_away() -> None:
    scene, busy = Scene(), Busy()
    reporter = Reporter(scene.doctor, busy)  # type: ignore[arg-type]
    await scene.call(f"It is 10:00. {RULES}")
    await scene.call(f"It is 10:01. {RULES}")
    with pytest.raises(StoreError):
        await reporter.write()
    await scene.call(f"It is 10:02. {RULES}")
    busy.away = False
    await reporter.write()
    assert {each.kind: each.calls for each in busy.kept} == {LOOKED: 3, "date": 2}
    assert not scene.doctor.counts


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await open_store(ready(tmp_path, "ledger.db"))
    yield made
    await made.close()


async def test_what_was_found_is_in_the_store_when_it_ends(store: Store) -> None:
    scene = Scene()
    reporter = Reporter(scene.doctor, Busters(store), every_s=0.01)
    reporter.start()
    for minute in range(3):
        await scene.call(f"It is 10:0{minute}. {RULES}")
    await reporter.close()
    found = await store.do(lambda connection: broken(connection, 0, 2 * NOW_US))
    assert [(each.kind, each.calls) for each in found] == [("date", 2), (LOOKED, 3)]


async def test_what_is_over_a_year_old_is_forgotten(store: Store) -> None:
    old = Broken("acme", "chat", "m", "date", "system 1", 1, 1, 1, 1, "", time.time_ns() // 1000 - 500 * 86_400_000_000)
    await Busters(store).add([old])
    reporter = Reporter(Scene().doctor, Busters(store), every_s=30)
    reporter.start()
    await asyncio.sleep(0)
    await reporter.close()
    assert await store.do(lambda connection: broken(connection, 0, 2 * NOW_US)) == []


def test_families_are_models_without_their_date() -> None:
    assert family_of("gpt-5.5-2026-03-01") == family_of("gpt-5.5") == family_of("gpt-5.5-latest") == "gpt-5.5"
    assert family_of("claude-opus-4-8-20260301") == family_of("claude-opus-4-8@20260301") == "claude-opus-4-8"


async def test_repair_is_done_on_the_way_and_by_feature() -> None:
    body = b'{"messages":[],"tools":[{"name":"b"},{"name":"a"}]}'
    seen: list[bytes] = []

    async def proceed(call: Call) -> Answer:
        seen.append(call.body)
        return Answer(200, [])

    for everywhere, features in ((True, {}), (False, {}), (True, {"": False}), (False, {"": True})):
        call = Call(id="c", wire="openai.chat", headers={}, peer="", body=body, ask=Ask("m"), started_us=0, started=0.0)
        await Mend(everywhere, features)(call, proceed)
        assert call.body is body
    mended = b'{"messages":[],"tools":[{"name":"a"},{"name":"b"}]}'
    assert seen == [mended, body, body, mended]


async def test_looking_costs_little_where_nothing_breaks() -> None:
    scene = Scene()
    begun = time.process_time()
    for _ in range(300):
        await scene.call(RULES, read=len(RULES) // 4)
    assert (time.process_time() - begun) / 300 < 1e-3  # the call around it is most of it
