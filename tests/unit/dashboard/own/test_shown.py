"""A comparison in words and a chart: break-even reached, reached by no fleet that serves it, and stairs up to what matters."""

from datetime import date
from itertools import pairwise

import pytest

from farthing.dashboard.charts.studio import svg_of
from farthing.dashboard.own import models
from farthing.dashboard.own.asked import Asked, asked_of, sliders, typed_of
from farthing.dashboard.own.comparing import Compared
from farthing.dashboard.own.shown import MOST_STEPS, api_at, break_even, chart
from farthing.selfhost.tco.api_side import ApiPrices
from farthing.selfhost.tco.demand import Demand
from farthing.selfhost.tco.fleet import Replica, Sizing
from farthing.selfhost.tco.own_side import Own
from farthing.selfhost.tco.report import Case, report
from farthing.selfhost.tco.sensitivity import simulate, tornado


def compared(calls: float = 1e6, price: float = 10.0, most_gpus: int = 0, tokens_s: float = 1_000.0) -> Compared:
    case = Case(
        demand=Demand(calls, 1_000, 300), prices=ApiPrices(price / 5, price), own=Own(gpu_hour=2.5), replica=Replica(1, tokens_s, tokens_s * 0.8, tokens_s * 1.2),
        sizing=Sizing(most_gpus=most_gpus),
    )  # fmt: skip
    asked = Asked("", "big", models.DEFAULT, "H100", "fp8", 0, 2.5, 1.0, 1.0, tokens_s)
    return Compared(asked, "big", case, report(case), simulate(case, 200), tornado(case), None, date(2026, 11, 25))


def test_a_break_even_that_is_reached_is_where_the_bills_meet() -> None:
    each = compared()
    even = each.found.break_even
    assert even.first is not None
    own = each.case.own
    fixed = even.first_gpus * 730 * own.gpu_hour + 15_000
    assert api_at(each, even.first * each.case.demand.calls) == pytest.approx(fixed)
    assert f"on {even.first_gpus} GPUs" in break_even(each)["note"]


def test_one_beyond_what_the_gpus_serve_is_not_reached() -> None:
    said = break_even(compared(calls=50_000, price=0.05, most_gpus=2))
    assert said["value"] == "not reached" and "which it cannot serve" in said["note"]


@pytest.mark.parametrize("calls", [100.0, 1e6, 1e8, 3e9])
def test_stairs_reach_from_nothing_to_the_end_without_a_gap(calls: float) -> None:
    drawn = chart(compared(calls=calls))
    rows, most = list(drawn.rows), drawn.options["most"]
    assert rows[0]["from"] == 0 and rows[-1]["to"] == pytest.approx(most) and len(rows) <= 2 * MOST_STEPS
    assert all(row["to"] == after["from"] for row, after in pairwise(rows))
    assert [row["dollars"] for row in rows] == sorted(row["dollars"] for row in rows)
    assert max(mark["calls"] for mark in drawn.options["marks"]) < most and "Break-even" in drawn.said


def test_it_is_drawn() -> None:
    drawn = chart(compared())
    svg = svg_of(drawn.kind, drawn.rows, drawn.options)
    assert svg.startswith("<svg") and "break-even" in svg and "own: 2 GPUs" in svg


@pytest.mark.parametrize("name", models.CONFIGS)
def test_models_have_as_many_parameters_as_their_names_say(name: str) -> None:
    billions = float(next(word[:-1] for word in name.split() if word[:-1].isdigit() and word.endswith("B")))
    assert models.shape(name).parameters / 1e9 == pytest.approx(billions, rel=0.1)


def test_sliders_keep_what_stands_in_the_address() -> None:
    typed = typed_of({"of_growth": "4321", "of_hour": "2.5", "of_gpus": "0", "of_engineers": "0.3"})
    found = {each.name: each for each in sliders(typed, 2.59)}
    assert (found["growth"].most, found["growth"].value, found["growth"].said) == ("4321", "4321", "4,321")
    assert (found["hour"].said, found["gpus"].said) == ("$2.50", "as few as hold it")
    assert (found["engineers"].step, found["hour"].step) == ("any", "0.05")
    assert {each.name: each.said for each in sliders(typed_of({}), None)}["hour"] == "not in the table"
    odd = {
        each.name: each.value for each in sliders(typed_of({"of_growth": "nan", "of_gpus": "-3", "of_hour": "x"}), 1.0)
    }
    assert (odd["growth"], odd["gpus"], odd["hour"]) == ("1", "0", "0")


def test_a_format_is_chosen_that_the_gpu_serves() -> None:
    assert asked_of(typed_of({"of_gpu": "h100"})).format == "fp8"
    assert asked_of(typed_of({"of_gpu": "A100"})).format == "w8a8"
