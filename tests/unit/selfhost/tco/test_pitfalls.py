"""One test for each of the ten mistakes that comparisons of own GPUs and APIs are known for."""

import msgspec
import pytest

from farthing.selfhost.calibrate import Estimate
from farthing.selfhost.tco.api_side import ApiPrices, api_cost
from farthing.selfhost.tco.demand import OFFICE, Demand
from farthing.selfhost.tco.fleet import Goal, Replica, Sizing, fleet_for, under_goal
from farthing.selfhost.tco.own_side import Own, own_cost
from farthing.selfhost.tco.report import Case, break_even, report
from farthing.selfhost.tco.sensitivity import simulate

DEMAND = Demand(4e7, 1000, 200)
PRICES = ApiPrices(0.25, 2.0, cached=0.025)
OWN = Own(gpu_hour=2.0, salary=120_000)
REPLICA = Replica(1, 1000, 800, 1250)
CASE = Case(DEMAND, PRICES, OWN, REPLICA, hour_range=(1.5, 4.0))
replace = msgspec.structs.replace


def test_1_a_rented_gpu_bills_all_its_hours_however_little_it_does() -> None:
    busy, idle = report(CASE), report(replace(CASE, demand=DEMAND.times(0.001)))
    assert busy.own.gpus == busy.fleet.gpus * 730 * 2.0
    assert idle.own.gpus == idle.fleet.gpus * 730 * 2.0
    assert idle.fleet.utilisation < 0.01
    assert idle.own_per_million > 100 * busy.own_per_million


def test_2_input_and_output_have_prices_of_their_own() -> None:
    reading, writing = Demand(1e6, 1100, 100), Demand(1e6, 100, 1100)
    assert api_cost(writing, PRICES).total > 4 * api_cost(reading, PRICES).total


def test_3_gpus_come_in_whole_groups_and_replicas() -> None:
    groups = Replica(4, 1000, 800, 1250)
    gpus = [fleet_for(DEMAND.times(step / 20), groups, Sizing(spares=0)).gpus for step in range(1, 60)]
    assert all(each % 4 == 0 for each in gpus)
    assert gpus == sorted(gpus) and 3 <= len(set(gpus)) < 20


def test_4_a_break_even_that_the_fleet_cannot_serve_is_not_claimed() -> None:
    small = replace(CASE, demand=DEMAND.times(1 / 40), sizing=Sizing(most_gpus=2))
    found = break_even(small)
    assert found.first is None and found.unreachable == pytest.approx(12_920 / 650)
    enough = break_even(replace(small, sizing=Sizing()))
    assert enough.first is not None and enough.first_gpus > 2
    assert fleet_for(small.demand.times(enough.first * 0.999), REPLICA, Sizing()).gpus <= enough.first_gpus


def test_5_the_api_gets_its_caches_and_batches_and_the_own_side_its_quantization() -> None:
    plain = api_cost(DEMAND, PRICES).total
    assert api_cost(replace(DEMAND, cached_share=0.8), PRICES).total < 0.8 * plain
    assert api_cost(replace(DEMAND, batch_share=1.0), PRICES).total == plain / 2
    faster = replace(CASE, replica=Replica(1, 1900, 1500, 2300))  # what eight bits make of it
    assert report(faster).own.total < report(CASE).own.total


def test_6_the_busy_hours_decide_the_size() -> None:
    even, office = DEMAND, replace(DEMAND, hours=OFFICE)
    assert office.peak_to_mean > 2.5
    assert fleet_for(office, REPLICA, Sizing()).gpus > 2 * fleet_for(even, REPLICA, Sizing()).gpus
    p95 = fleet_for(replace(DEMAND, hours=(*OFFICE[:-1], 3.0)), REPLICA, Sizing(share=0.95))
    assert p95.gpus == fleet_for(office, REPLICA, Sizing(share=0.95)).gpus
    assert any("not sized for" in each for each in report(replace(CASE, sizing=Sizing(share=0.95))).warnings)


def test_7_engineers_are_never_silently_nothing() -> None:
    assert own_cost(Own(gpu_hour=1.0), 1).engineers == 15_000
    nobody = report(replace(CASE, own=Own(gpu_hour=1.0, engineers=0)))
    assert any("no engineer" in each for each in nobody.warnings)
    assert not any("no engineer" in each for each in report(CASE).warnings)


def test_8_a_model_that_fails_more_costs_more_a_task() -> None:
    worse = report(replace(CASE, own_success=0.5))
    assert worse.own_per_task == 2 * report(CASE).own_per_task
    assert any("quality is taken to be equal" in each for each in report(CASE).warnings)
    assert not any("quality" in each for each in worse.warnings)


def _speed(batch: float) -> Estimate:
    """Twice the batch, 1.6 times the speed, until 256."""
    at = min(batch or 256, 256)
    speed = 100 * at**0.678
    return Estimate(speed, 0.8 * speed, 1.2 * speed, at, 0.1 + at / 500, at / speed, {}, "made up")


def test_9_a_goal_for_delays_caps_the_batch_and_so_the_speed() -> None:
    full, bound = under_goal(_speed, Goal(), 1), under_goal(_speed, Goal(tpot_s=0.03), 1)
    assert full.batch == 256 and bound.batch < 64
    assert bound.tpot_s <= 0.03 < _speed(bound.batch + 1).tpot_s
    assert bound.tokens_s < 0.5 * full.tokens_s
    assert fleet_for(DEMAND, bound, Sizing()).gpus > fleet_for(DEMAND, full, Sizing()).gpus


def test_10_the_answer_is_a_range() -> None:
    sure = simulate(CASE)
    assert sure.own_low < report(CASE).own.total < sure.own_high
    assert sure.saved_low < sure.saved_high
    assert 0 < sure.cheaper <= 1
    assert simulate(CASE) == sure, "the same question has the same answer"
    assert simulate(CASE, seed=1) != sure
