"""What cheaper models would save if they were good enough: nothing that the total has, and a hold-out that would tell."""

from collections.abc import Sequence

import msgspec
import pytest

from farthing.model.arms import MODEL_SELECTION
from farthing.model.past import PastCall
from farthing.model.plan import Scenario
from farthing.planner.replay.run import Came
from farthing.planner.unproved import comparisons, outlooks, without_floors
from farthing.settings import Amount, Settings
from farthing.settings.tree import FeatureRoutingSettings, RoutingSettings, TaskRoutingSettings
from unit.planner.pasts import chat

DAYS = 10.0
BEFORE = Came(1_000, True, 200, model="big")
AFTER = Came(100, True, 200, {MODEL_SELECTION: 900}, model="small", task="qa")


def settings(floor: float = 0.99) -> Settings:
    return Settings(routing=RoutingSettings(quality_floor=floor))


def calls(count: int, feature: str = "support") -> list[PastCall]:
    return [chat(n, feature=feature) for n in range(count)]


def told(
    before: Sequence[Came | None], after: Sequence[Came | None], counted: int = 0, floor: float = 0.99
) -> list[Scenario]:  # fmt: skip
    return outlooks(calls(len(before)), before, after, settings(floor), counted, 3.0, DAYS)


def test_equal_slightly_worse_and_not_good_enough() -> None:
    equal, worse, bad = told([BEFORE] * 1_000, [AFTER] * 1_000)
    assert (equal.a_month, worse.a_month, bad.a_month) == (2_700_000, 2_700_000, 0)
    assert equal.consequence.startswith("3,000 calls a month more") and "as good as now" in equal.consequence
    assert "some 150 of these answers" in worse.consequence and "`routing.quality_floor = 0.95`" in worse.consequence
    assert bad.consequence.startswith("no further call is moved")


def test_what_the_total_has_is_not_counted_again() -> None:
    moved = Came(100, True, 200, {MODEL_SELECTION: 900}, model="small", task="qa")
    equal, _, bad = told([moved] * 500 + [BEFORE] * 500, [AFTER] * 1_000, counted=1_350_000)
    assert equal.a_month == 1_350_000 + 3 * 500 * 900 and equal.consequence.startswith("1,500 calls")
    assert bad.a_month == 1_350_000 and "in the total already" in equal.consequence
    assert told([moved] * 10, [AFTER] * 10, counted=5) == [], "all of it is in the total"


def test_calls_that_failed_or_have_no_price_move_nothing() -> None:
    lost = [None, Came(0, True, 500, {MODEL_SELECTION: 9}, model="small"), Came(0, False, 200, model="small")]
    assert told([BEFORE] * 3, lost) == [] == told([None], [AFTER]) == told([], [])


def test_the_hold_out_is_said_by_kind_of_work_and_as_long_as_its_traffic_needs() -> None:
    said = told([BEFORE] * 10_000, [AFTER] * 10_000)[0].settled_by
    assert "support (qa), 1,220 of them, 14 days at `routing.shadow_percent = 9`" in said
    few = told([BEFORE] * 20, [AFTER] * 20)[0].settled_by
    assert "too few calls" in few
    assert "cannot be settled" in told([BEFORE] * 20, [AFTER] * 20, floor=1.0)[0].settled_by


def test_what_may_be_spent_a_day_decides_how_long_it_takes() -> None:
    dear, cheap = Came(10_000_000, True, 200, model="big"), msgspec.structs.replace(AFTER, cost=5_000_000)

    def settled(dollars: str) -> str:
        own = Settings(routing=RoutingSettings(quality_floor=0.99, shadow_dollars_a_day=Amount(dollars)))
        return outlooks(calls(10_000), [dear] * 10_000, [cheap] * 10_000, own, 0, 3.0, DAYS)[0].settled_by

    assert "14 days at `routing.shadow_percent = 9`" in settled("5") and "pays for" not in settled("5")
    assert (
        "37 days at `routing.shadow_percent = 4`, since `routing.shadow_dollars_a_day = 0.50` pays for no more"
        in settled("0.50")
    )
    assert "not settled within a year: `routing.shadow_dollars_a_day = 0`" in settled("0")


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05, 0.1])
def test_a_wider_margin_takes_fewer_comparisons(margin: float) -> None:
    needed, fewer = comparisons(margin), comparisons(2 * margin)
    assert needed is not None and fewer is not None and 0 < fewer < needed < 2_000


def test_no_margin_is_never_shown() -> None:
    assert comparisons(0.0) is None


def test_no_floor_is_left() -> None:
    routing = RoutingSettings(
        tasks={"qa": TaskRoutingSettings(quality_floor=0.9, lock="big")},
        features={"chat": FeatureRoutingSettings(quality_floor=0.8, task="qa")},
    )
    free = without_floors(Settings(routing=routing)).routing
    assert free.quality_floor == 0 and free.tasks["qa"].quality_floor is free.features["chat"].quality_floor is None
    assert free.tasks["qa"].lock == "big" and free.features["chat"].task == "qa", "what else was said of them holds"
