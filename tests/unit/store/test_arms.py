"""Hold-outs in the store: sums by arm and group that agree with the rows, and scores that find their arms."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.arms import LEVERS
from farthing.model.record import Record
from farthing.store import Scored, Store
from farthing.store.arms import HELD_OUT_GROUPS, TREATED_GROUPS, cells
from farthing.store.rollups import DAY_US
from laws import examples
from unit.store.samples import MORNING_US, a_record, records

HELD, TREATED = {"model selection": True}, {"model selection": False}


async def test_calls_are_summed_by_arm_day_and_group(store: Store) -> None:
    await store.write([
        a_record("a", session="s", arms=HELD, cost=700, baseline=1000),
        a_record("b", session="s", arms=HELD, cost=700, baseline=1000, outcome="error"),
        a_record("c", session="s", arms=HELD, cost=0, baseline=0, savings=[], cost_state="unknown"),
        a_record("d", session="s", arms=TREATED),
        a_record("e", session="s", arms=HELD, started_us=MORNING_US + DAY_US),
        a_record("f", session="s", arms={}),
    ])  # fmt: skip
    sums = await store.arm_sums()
    assert [(each.held_out, each.day_us % DAY_US, each.calls) for each in sums] == [
        (False, 0, 1), (True, 0, 3), (True, 0, 1)
    ]  # fmt: skip
    held = sums[1]
    assert (held.errors, held.priced, held.cost, held.baseline, held.request_bytes) == (1, 2, 1400, 2000, 1280)
    assert (held.lever, held.tenant, held.scored) == ("model selection", "default", 0)
    assert await store.check() == []


async def test_sums_can_be_asked_for_one_lever_tenant_and_span(store: Store) -> None:
    both = dict.fromkeys(LEVERS, False)
    await store.write([
        a_record("a", arms=both), a_record("b", arms=both, tenant="acme"),
        a_record("c", arms=both, started_us=MORNING_US + DAY_US),
    ])  # fmt: skip
    assert len(await store.arm_sums()) == 3 * len(LEVERS)
    assert len(await store.arm_sums(lever=LEVERS[0])) == 3
    assert len(await store.arm_sums(tenant="acme")) == len(LEVERS)
    assert len(await store.arm_sums(MORNING_US + DAY_US)) == len(LEVERS)


async def test_a_session_stays_in_its_group_and_calls_without_one_are_their_own(store: Store) -> None:
    calls = [a_record(f"call-{n}", session=f"s-{n % 3}", arms=HELD) for n in range(30)]
    alone = [a_record(f"alone-{n}", session="", user="", arms=HELD) for n in range(30)]
    of_users = [a_record(f"user-{n}", session="", user=f"u-{n % 3}", arms=HELD) for n in range(30)]
    assert len(cells(of_users)) <= 3
    assert len(cells(calls)) <= 3
    assert len(cells(alone)) > 20
    assert sorted(sums[4] for sums in cells(calls)) == [10, 10, 10]


def test_groups_are_few_however_many_sessions_there_are() -> None:
    calls = [
        a_record(f"call-{n}", session=f"s-{n}", arms={"semantic cache": n % 2 == 0, "model selection": False})
        for n in range(6000)
    ]
    groups = Counter(row[0] for row in cells(calls))
    assert groups['{"model selection":false,"semantic cache":false}'] == TREATED_GROUPS
    assert 0.9 * HELD_OUT_GROUPS < groups['{"model selection":false,"semantic cache":true}'] <= HELD_OUT_GROUPS
    sizes = [row[4] for row in cells(calls) if "true" not in row[0]]
    assert max(sizes) < 3 * 3000 / TREATED_GROUPS


async def test_a_call_is_in_one_arm_of_each_lever(store: Store) -> None:
    await store.write([
        a_record("a", arms={"semantic cache": True, "model selection": False}),
        a_record("b", arms={"model selection": False, "semantic cache": True}),
        a_record("c", arms={"model selection": False, "semantic cache": False}),
    ])  # fmt: skip
    sums = await store.arm_sums()
    assert sorted((each.lever, each.held_out, each.calls) for each in sums) == [
        ("model selection", False, 1), ("model selection", False, 2), ("semantic cache", False, 1),
        ("semantic cache", True, 2),
    ]  # fmt: skip
    assert await store.check() == []


@examples(40)
@given(st.lists(records(), max_size=8))
def test_cells_add_up_to_the_calls(calls: list[Record]) -> None:
    found = cells(calls)
    assert found == sorted(found)
    for lever in LEVERS:
        for held in (True, False):
            mine = [call for call in calls if call.arms.get(lever) is held]
            rows = [row for row in found if json.loads(row[0]).get(lever) is held]
            assert sum(row[4] for row in rows) == len(mine)
            known = [call for call in mine if call.cost_state not in ("unpriced", "unknown")]
            assert sum(row[7] for row in rows) == sum(call.cost for call in known)


async def test_scores_join_the_arms_of_their_calls(store: Store) -> None:
    await store.write([a_record("a", arms=HELD), a_record("b", arms=TREATED), a_record("c", arms={})])
    missing = await store.add_scores([Scored("a", 0.5), Scored("b", 1.0), Scored("c", 1.0), Scored("later", 1.0)])
    assert missing == ["later"]
    await store.add_scores([Scored("a", 0.25)])
    treated, held = await store.arm_sums()
    assert (treated.scored, treated.score) == (1, 1.0)
    assert (held.scored, held.score) == (2, 0.75)


@pytest.mark.parametrize("count", [0, 1203])
async def test_any_number_of_scores_at_once(store: Store, count: int) -> None:
    await store.write([a_record(f"c-{n}", arms=TREATED, attempts=[]) for n in range(count)])
    assert await store.add_scores([Scored(f"c-{n}", 1.0) for n in range(count)]) == []
    assert sum(each.scored for each in await store.arm_sums()) == count


async def test_scores_outlive_a_rebuild(store: Store) -> None:
    await store.write([a_record("a", arms=HELD)])
    await store.add_scores([Scored("a", 0.5)])
    before = await store.arm_sums()
    await store.rebuild()
    assert await store.arm_sums() == before
