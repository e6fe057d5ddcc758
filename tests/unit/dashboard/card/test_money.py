"""The waterfall and the lines of one call: drawn to scale, and exact to the last digit."""

import re
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from farthing.dashboard.card.money import WIDE, counted, lines_of, waterfall_of
from farthing.model.money import nano_from_pico
from farthing.model.record import Attempt, PricedLine, Record, Saving
from farthing.model.usage import Usage

AMOUNTS = st.integers(-(10**12), 10**12)


@given(st.integers(0, 10**12), st.lists(st.builds(Saving, st.just("x"), AMOUNTS, AMOUNTS, AMOUNTS), max_size=4))
def test_the_law_can_be_added_up_by_hand(baseline: int, savings: list[Saving]) -> None:
    cost = baseline - sum(each.saved for each in savings)
    found = waterfall_of(Record("c", 1, "openai.chat", baseline=baseline, cost=cost, savings=savings))
    left, right = found.law.split(" = ")
    signed = re.findall(r"(?:^|([+-]) )(-?)\$(-?[\d.]+)", left)
    assert sum(Decimal(f"{sign}1") * Decimal(amount) for sign, _, amount in signed) == Decimal(right[1:])
    assert found.holds
    for step in found.steps:
        assert 0 <= step.x <= WIDE and 2 <= step.width <= WIDE + 2 and step.x + step.width <= WIDE + 2


def test_bars_hang_together() -> None:
    record = Record(
        "c", 1, "openai.chat", baseline=100, cost=30, savings=[Saving("a", 100, 50), Saving("b", 50, 40, -10)]
    )
    steps = waterfall_of(record).steps
    assert [(step.x, step.width, step.kind) for step in steps] == [
        (0, 1000, "baseline"), (500, 500, "saving"), (300, 200, "saving"), (0, 300, "cost"),
    ]  # fmt: skip
    loss = waterfall_of(Record("c", 1, "openai.chat", baseline=10, cost=20, savings=[Saving("a", 10, 10, 10)]))
    assert [step.kind for step in loss.steps] == ["baseline", "loss", "cost"]
    assert loss.steps[1].amount == "+ $0.000000010"


def test_a_call_that_cost_nothing_is_drawn_too() -> None:
    assert waterfall_of(Record("c", 1, "openai.chat")).law == "$0.000000000 = $0.000000000"


@given(
    st.lists(
        st.builds(PricedLine, st.just("out"), st.integers(0, 10**6), st.integers(0, 10**8)), min_size=1, max_size=5
    )
)
def test_lines_and_what_stands_beside_them_are_the_cost(lines: list[PricedLine]) -> None:
    cost = nano_from_pico(sum(line.count * line.rate for line in lines))
    rows = lines_of(Attempt(1, cost=cost, cost_state="computed", lines=lines), "a").rows
    amounts = [Decimal(str(row.values[-1]).replace("$", "")) for row in rows]
    assert sum(amounts[:-1]) == amounts[-1] == Decimal(cost).scaleb(-9)


def test_a_contract_is_told() -> None:
    lines = [
        PricedLine("out", 1, 80, 100),
        PricedLine("out", 1, 80, 0),
        PricedLine("out", 1, 80, 80),
        PricedLine("strange", 2, 5),
    ]
    rows = lines_of(Attempt(1, lines=lines, cost_state="computed"), "a").rows
    assert [row.values[4] for row in rows[:4]] == ["-20 %", "an own rate", "", ""]
    assert rows[3].values[0] == "strange"


def test_without_lines_it_says_why() -> None:
    for state, said in (
        ("unpriced", "no price is known"),
        ("unknown", "reported no usage"),
        ("computed", "no provider bills it"),
    ):
        assert said in lines_of(Attempt(1, cost_state=state), "a").empty  # type: ignore[arg-type]
    assert "$0.000000007" in lines_of(Attempt(1, cost_state="reported", cost=7), "a").empty


def test_units_that_are_none_are_left_out() -> None:
    assert counted(None) == []
    assert counted(Usage(uncached_in=3, out=2, reasoning=1, requests={"web_search": 2})) == [
        ("input", 3), ("output", 2), ("of it reasoning", 1), ("web_search", 2),
    ]  # fmt: skip
