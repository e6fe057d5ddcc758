"""Evidence comes back as sums, by tenant and day; samples are bounded and never double."""

import math

import pytest

from farthing.model.record import Record
from farthing.store import Evidence, Observation, Sample, Store
from farthing.store.evidence import tenants_costs
from farthing.store.rollups import DAY_US
from unit.store.samples import MORNING_US

DAY = MORNING_US - MORNING_US % DAY_US


def seen(**changes: object) -> Observation:
    fixed = {"tenant": "acme", "scope": "task:qa", "model": "small-1", "source": "shadow", "at_us": MORNING_US}
    return Observation(**(fixed | changes))  # type: ignore[arg-type]


def a_sample(place: int, tenant: str = "acme", task: str = "qa") -> Sample:
    return Sample(tenant, MORNING_US + place, f"call-{place}", "small-1", task, bytes([place % 256]), -0.25)


async def test_what_was_seen_is_summed_and_what_was_not_seen_is_not_counted(store: Store) -> None:
    evidence = Evidence(store)
    await evidence.add([seen(difference=-0.5), seen(difference=0.25, out_tokens=40)])
    await evidence.add([seen(score=0.5), seen(out_tokens=10)])
    (sums,) = await evidence.sums()
    assert (sums.pairs, sums.difference, sums.difference_squares) == (2, -0.25, 0.3125)
    assert (sums.scores, sums.score, sums.score_squares) == (1, 0.5, 0.25)
    assert (sums.answers, sums.out_tokens, sums.day_us) == (2, 50, 0)


async def test_nothing_is_nothing(store: Store) -> None:
    evidence = Evidence(store)
    await evidence.add([])
    assert await evidence.sums() == [] and await evidence.samples() == []


async def test_sums_keep_to_tenant_day_scope_source_and_what_was_compared_with(store: Store) -> None:
    evidence = Evidence(store)
    await evidence.add(
        [
            seen(score=1.0), seen(score=1.0, tenant="other"), seen(score=1.0, scope="*"), seen(score=1.0, source="check"),
            seen(score=1.0, against="flagship-2"), seen(score=1.0, at_us=MORNING_US + DAY_US), seen(score=1.0, model="x"),
        ]
    )  # fmt: skip
    assert len(await evidence.sums(by_day=True)) == 7
    assert len(await evidence.sums()) == 6
    assert {each.tenant for each in await evidence.sums(0, "acme")} == {"acme"}
    late = await evidence.sums(MORNING_US + DAY_US, by_day=True)
    assert [(each.day_us, each.scores) for each in late] == [(DAY + DAY_US, 1)]
    assert sum(each.scores for each in await evidence.sums()) == 7


async def test_samples_come_newest_first_and_once(store: Store) -> None:
    evidence = Evidence(store)
    await evidence.add([], [a_sample(place) for place in range(5)])
    await evidence.add([], [a_sample(4), a_sample(9, task="code"), a_sample(7, tenant="other")])
    assert [each.call_id for each in await evidence.samples(tenant="acme")] == [f"call-{n}" for n in (9, 4, 3, 2, 1, 0)]
    assert await evidence.samples(task="code") == [a_sample(9, task="code")]
    assert len(await evidence.samples(limit=2)) == 2
    assert len(await evidence.samples(since_us=MORNING_US + 4)) == 3


async def test_only_the_newest_samples_of_a_tenant_are_kept(store: Store) -> None:
    evidence = Evidence(store, most_samples=10)
    await evidence.add([], [a_sample(place, tenant="quiet") for place in range(3)])
    for start in range(0, 40, 8):
        await evidence.add([], [a_sample(place) for place in range(start, start + 8)])
    assert [each.call_id for each in await evidence.samples(tenant="acme")] == [f"call-{n}" for n in range(39, 29, -1)]
    assert len(await evidence.samples(tenant="quiet")) == 3


async def test_pruning_forgets_what_is_older(store: Store) -> None:
    evidence = Evidence(store)
    await evidence.add(
        [seen(score=1.0), seen(score=1.0, at_us=MORNING_US + 3 * DAY_US)], [a_sample(0), a_sample(3 * DAY_US)]
    )
    assert await evidence.prune(MORNING_US + DAY_US) == 2
    assert [each.scores for each in await evidence.sums()] == [1]
    assert len(await evidence.samples()) == 1


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000])
async def test_names_that_no_key_can_be_are_mended(store: Store, name: str) -> None:
    evidence = Evidence(store)
    await evidence.add([seen(score=1.0, model=name)], [Sample(name, 1, name, name, name, b"", 0.0)])
    (sums,) = await evidence.sums()
    assert 0 < len(sums.model) <= 256 and "\0" not in sums.model
    assert len(await evidence.samples()) == 1


async def test_variance_follows_from_the_sums(store: Store) -> None:
    evidence = Evidence(store)
    differences = [0.1 * place - 0.3 for place in range(9)]
    await evidence.add([seen(difference=each) for each in differences])
    (sums,) = await evidence.sums()
    mean = sums.difference / sums.pairs
    variance = (sums.difference_squares - sums.pairs * mean**2) / (sums.pairs - 1)
    assert math.isclose(variance, sum((each - mean) ** 2 for each in differences) / 8)


async def test_what_looking_cost_by_tenant(store: Store) -> None:
    rows = [
        Record(f"c-{place}", DAY + at, "openai.chat", tenant=tenant, feature=feature, cost=cost, cost_state="computed")
        for place, (tenant, feature, at, cost) in enumerate(
            [("a", "judge", 5, 10), ("a", "shadow", 6, 5), ("b", "judge", 7, 3), ("b", "chat", 8, 100), ("a", "judge", -1, 50)]
        )
    ]  # fmt: skip
    await store.write(rows)
    assert await tenants_costs(store, ("judge", "shadow"), DAY + 77) == {"a": 15, "b": 3}
    assert await tenants_costs(store, ("judge", "shadow"), DAY + DAY_US) == {}
