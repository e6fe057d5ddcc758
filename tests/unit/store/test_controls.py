"""What calls with and without a control did, and how it stands, on both engines."""

from farthing.store import Store
from farthing.store.controls import Controls, ControlState, ControlSums

DAY_US = 86_400_000_000


def cell(day: int = 3, **more: int) -> ControlSums:
    found = ControlSums("t", "feature:f", "effort low", 0, day * DAY_US + 5, True, 7)
    for name, value in {"calls": 1, **more}.items():
        setattr(found, name, value)
    return found


async def test_sums_of_all_gateways_add_up_and_old_days_go(store: Store) -> None:
    kept = Controls(store)
    await kept.add([])
    await kept.add([cell(check_bad=2), cell(day=1)])
    await kept.add([cell(check_bad=1, cost=10**12)])
    (found,) = await kept.sums(2 * DAY_US)
    assert (found.calls, found.check_bad, found.cost, found.day_us, found.treated) == (2, 3, 10**12, 3 * DAY_US, True)
    assert await kept.prune(2 * DAY_US) == 1
    assert len(await kept.sums(0)) == 1


async def test_a_state_changes_on_top_of_the_one_it_was_decided_from(store: Store) -> None:
    kept = Controls(store)
    on = ControlState("t", "feature:f", "effort low", "on", 1, 9, "cheaper")
    assert await kept.change(on)
    assert not await kept.change(ControlState("t", "feature:f", "effort low", "off", 1, 9, "worse"))
    assert await kept.states() == [on]
    off = ControlState("t", "feature:f", "effort low", "off", 2, 10, "worse")
    assert await kept.change(off) and await kept.states() == [off]


async def test_a_trial_can_begin_anew(store: Store) -> None:
    kept = Controls(store)
    for scope in ("feature:f", "feature:g"):
        await kept.change(ControlState("t", scope, "effort low", "off", 1, 9, "worse"))
    await kept.add([cell()])
    assert await kept.forget("effort", scope="feature:f", tenant="t") == 1
    assert not await kept.sums(0) and [each.scope for each in await kept.states()] == ["feature:g"]
    assert await kept.forget("effort low") == 1
