"""Two arms compared: intervals cover the truth as often as they say, whatever days and sessions are like."""

import math
from collections.abc import Iterable

import numpy as np
import pytest

from farthing.quality.two_arms import LEAST, Cell, at_any_look, at_one_look, compare
from farthing.store import ArmSums
from unit.quality.experiments import experiment


def cost_cells(sums: Iterable[ArmSums], *, sized: bool = True) -> list[Cell]:
    return [
        Cell(each.day_us, each.held_out, each.group, each.priced, each.cost, each.request_bytes if sized else 0)
        for each in sums
    ]


def score_cells(sums: Iterable[ArmSums]) -> list[Cell]:
    return [Cell(each.day_us, each.held_out, each.group, each.scored, each.score) for each in sums]


@pytest.mark.parametrize(
    ("effect", "setting"),
    [
        (-0.4, {"sessions": 1500, "share": 0.1, "days": 3}),
        (0.0, {"sessions": 1500, "share": 0.1, "days": 3}),
        (-0.4, {"sessions": 1500, "share": 0.04, "days": 3, "spread": 0.5}),
        (-0.4, {"sessions": 400, "share": 0.15, "days": 4}),
    ],
)
def test_intervals_of_the_cost_cover_the_truth_19_times_in_20(effect: float, setting: dict[str, float]) -> None:
    dice = np.random.default_rng(2026)
    hits, runs = 0, 100
    for _ in range(runs):
        compared = compare(cost_cells(experiment(dice, effect=effect, **setting)))  # type: ignore[arg-type]
        assert compared is not None
        low, high = compared.ratio_interval(at_one_look(compared))
        hits += low <= 1 + effect <= high
    assert 0.92 <= hits / runs <= 0.98  # 0.93 to 0.97, give or take what so few runs can tell


def test_intervals_of_the_quality_cover_the_truth() -> None:
    dice = np.random.default_rng(2027)
    hits, runs = 0, 100
    for _ in range(runs):
        sums = experiment(dice, sessions=1500, days=2, quality_effect=-0.1)
        compared = compare(score_cells(sums), is_share=True)
        assert compared is not None
        low, high = compared.difference_interval(at_one_look(compared))
        hits += low <= -0.1 <= high
    assert 0.92 <= hits / runs <= 0.985


def test_the_covariate_takes_most_of_the_variance_and_shifts_nothing() -> None:
    dice = np.random.default_rng(3)
    with_it, without, left = [], [], []
    for _ in range(60):
        sums = experiment(dice, sessions=1500)
        for found, sized in ((with_it, True), (without, False)):
            compared = compare(cost_cells(sums, sized=sized))
            assert compared is not None
            found.append(compared.ratio)
            left.append(compared.variance_left)
    assert np.mean(with_it) == pytest.approx(0.6, abs=0.02)
    assert np.std(with_it) < 0.6 * np.std(without)
    assert np.median(left[::2]) < 0.5 and set(left[1::2]) == {1.0}


def test_a_share_that_shrinks_while_costs_grow_is_no_effect() -> None:
    """All days thrown together would call the lever dear: most of the held-out calls are from the cheap days."""
    dice = np.random.default_rng(4)
    ratios, naive = [], []
    for _ in range(30):
        sums = experiment(dice, sessions=4000, effect=0.0, days=4, shares=(0.4, 0.4, 0.05, 0.05), trend=0.5, spread=0.3)
        compared = compare(cost_cells(sums))
        together = compare([cell._replace(day=0) for cell in cost_cells(sums)])
        assert compared is not None and together is not None
        ratios.append(compared.ratio)
        naive.append(together.ratio)
    assert np.mean(naive) > 1.3
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)


def test_sessions_not_calls_decide_how_wide_an_interval_is() -> None:
    """The same calls, each session's repeated ten times over, tell nothing more."""
    sums = cost_cells(experiment(np.random.default_rng(5), sessions=800))
    one = compare(sums)
    ten = compare([cell._replace(n=cell.n * 10, y=cell.y * 10, x=cell.x * 10) for cell in sums])
    assert one is not None and ten is not None
    assert ten.ratio == pytest.approx(one.ratio)
    assert ten.ratio_variance == pytest.approx(one.ratio_variance)


def test_looking_every_day_finds_nothing_where_nothing_is() -> None:
    dice = np.random.default_rng(6)
    wrong, wrong_at_one_look, runs = 0, 0, 50
    for _ in range(runs):
        cells: list[Cell] = []
        found, found_at_one = False, False
        for day in range(10):
            cells += cost_cells(experiment(dice, sessions=120, days=1, first_day=day, effect=0.0))
            compared = compare(cells)
            if compared is None or compared.few:
                continue
            low, high = compared.ratio_interval(at_any_look(compared, compared.ratio_variance, 0.2))
            found |= low > 1 or high < 1
            low, high = compared.ratio_interval(at_one_look(compared))
            found_at_one |= low > 1 or high < 1
        wrong += found
        wrong_at_one_look += found_at_one
    assert wrong / runs <= 0.05
    assert wrong_at_one_look > wrong


def test_nothing_to_compare_gives_nothing() -> None:
    assert compare([]) is None
    assert compare([Cell(0, False, n, 1, 1) for n in range(9)]) is None
    assert compare([Cell(0, False, 1, 1, 1), Cell(0, False, 2, 1, 1), Cell(0, True, 3, 1, 1)]) is None
    assert compare([Cell(0, arm, n, 0, 0) for n in range(9) for arm in (True, False)]) is None


def test_few_clusters_are_said_to_be_few_and_their_interval_is_wide() -> None:
    few = compare([Cell(0, arm, n, 1, 1 + n % 2) for n in range(4) for arm in (True, False)])
    many = compare([Cell(0, arm, n, 1, 1 + n % 2) for n in range(4 * LEAST) for arm in (True, False)])
    assert few is not None and many is not None
    assert few.few and not many.few
    assert at_one_look(few) > 2.4 and at_one_look(many) < 2.0


def test_one_session_with_most_of_the_calls_is_few() -> None:
    compared = compare(
        [
            Cell(0, arm, n, 10_000 if n == 0 else 1, 5_000 + n if n == 0 else n % 3)
            for n in range(60)
            for arm in (True, False)
        ]
    )
    assert compared is not None and compared.few


def test_arms_without_any_error_still_leave_a_doubt() -> None:
    compared = compare([Cell(0, arm, n, 1, 0) for n in range(100) for arm in (True, False)], is_share=True)
    assert compared is not None
    low, high = compared.difference_interval(at_one_look(compared))
    assert 0.03 < high == -low < 0.08


def test_a_lever_that_makes_all_calls_free_has_an_interval() -> None:
    cells = [Cell(0, arm, n, 1, (5 + n % 3) * arm) for n in range(80) for arm in (True, False)]
    compared = compare(cells)
    assert compared is not None and compared.ratio == 0
    low, high = compared.ratio_interval(at_one_look(compared))
    assert low == pytest.approx(0) and high == pytest.approx(0)


def test_an_untreated_mean_that_may_be_nothing_bounds_no_ratio() -> None:
    cells = [Cell(0, arm, n, 1, 100 if n == 7 else 0) for n in range(40) for arm in (True, False)]
    compared = compare(cells)
    assert compared is not None
    assert compared.ratio_interval(at_one_look(compared)) == (-math.inf, math.inf)
