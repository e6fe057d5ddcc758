"""Comparisons worked out by hand: `tco.toml` has the arithmetic of each."""

import ast
import operator
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest

from farthing.selfhost.tco.api_side import ApiPrices, Extras, api_cost
from farthing.selfhost.tco.demand import FLAT, WEEK, Demand
from farthing.selfhost.tco.fleet import Replica, Sizing, fleet_for
from farthing.selfhost.tco.own_side import Own, own_cost
from farthing.selfhost.tco.report import Case, report

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "tco.toml").read_text("utf-8"))["case"]
OPERATIONS: dict[type, Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def worked_out(text: str) -> float | None:
    """The value of an arithmetic of plain numbers; None for the word none."""
    if text == "none":
        return None

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            found: float = OPERATIONS[type(node.op)](value(node.left), value(node.right))
            return found
        assert isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        return float(node.value)

    return value(ast.parse(text, mode="eval").body)


def demand_of(given: dict[str, Any]) -> Demand:
    busy = given.pop("busy_hours", None)
    hours = FLAT if busy is None else tuple(float(hour < busy) for hour in range(WEEK))
    return Demand(**given, hours=hours)


def result_of(case: dict[str, Any]) -> dict[str, Any]:
    """Whichever sides the case has, under the names of a report."""
    given = msgspec.json.decode(msgspec.json.encode(case))
    demand = demand_of(given["demand"]) if "demand" in given else None
    prices = ApiPrices(**given["prices"]) if "prices" in given else None
    own = msgspec.convert(given["own"], Own) if "own" in given else None
    replica = Replica(**given["replica"]) if "replica" in given else None
    extras, sizing = Extras(**given.get("extras", {})), Sizing(**given.get("sizing", {}))
    if demand and prices and own and replica:
        success = given.get("success", {"api": 1.0, "own": 1.0})
        return {"": report(Case(demand, prices, own, replica, sizing, extras, success["api"], success["own"]))}
    if demand and prices:
        return {"api": api_cost(demand, prices, extras)}
    if demand and replica:
        return {"fleet": fleet_for(demand, replica, sizing)}
    assert own is not None
    return {"own": own_cost(own, given["gpus"])}


def test_there_are_enough() -> None:
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_program_says_what_the_arithmetic_says(case: dict[str, Any]) -> None:
    found = result_of(case)
    for name, text in case["expect"].items():
        first, _, rest = name.partition(".")
        whole, path = (found[first], rest) if first in found else (found[""], name)
        got = reduce(getattr, path.split("."), whole)
        expected = worked_out(text)
        assert got == (None if expected is None else pytest.approx(expected, rel=1e-9)), name
