"""What people are told of a proposal: what crosses a floor, and what that does to the cost."""

from typing import Any

from farthing.model.routes import ANY, Cell, Table, Tier
from farthing.quality.review import review, shown
from farthing.settings import RoutingSettings, TaskRoutingSettings
from farthing.steps.route.policy import Policies
from farthing.store.work import Work

TIERS: dict[Tier, tuple[str, ...]] = {"small": ("luna",), "mid": ("terra",), "flagship": ("sol",)}
RATES = {"luna": 1, "terra": 10, "sol": 20}
PRIOR = Table(cells={(ANY, ANY): {"luna": Cell("luna", 0.8, 0.7), "terra": Cell("terra", 0.97, 0.9)}})


class Costs:
    """Some nano-dollars a token of input, cached ones free."""

    unpriced: frozenset[str] = frozenset()

    def expected(
        self, model: str, in_tokens: int, cached: int, tenant: str, scopes: tuple[str, ...], *, at_us: int
    ) -> int | None:  # fmt: skip
        return None if model in self.unpriced else RATES[model] * (in_tokens - cached)


def floors(scope: str) -> tuple[float, ...]:
    return (0.95,)


def work(**more: Any) -> Work:
    about = {"tenant": "t", "template": "", "task": "qa", "feature": "", "tier": "flagship", "calls": 10, "counted": 10}
    return Work(**{**about, "in_tokens": 1000, **more})


def qa(model: str, lower: float, **more: Any) -> dict[tuple[str, str], dict[str, Cell]]:
    return {(ANY, "task:qa"): {model: Cell(model, 1.0, lower, 400, more.get("state", "measured"))}}


def reviewed(
    held: Table, proposed: Table, *works: Work, settings: RoutingSettings | None = None, costs: Any = None
) -> Any:
    policies = Policies(settings or RoutingSettings(quality_floor=0.95))
    return review(held, proposed, PRIOR, floors, works, TIERS, costs or Costs(), policies, 0)


def test_a_promotion_moves_the_calls_of_its_work_alone() -> None:
    found = reviewed(Table(), Table(cells=qa("luna", 0.97)), work(), work(task="code"), work(tier=""))
    assert [move.after.model for move in found.comes_in] == ["luna"] and found.goes_out == [] and found.other == 0
    effect = found.effect
    assert (effect.routed, effect.unknown, effect.before, effect.after) == (20, 0, 2 * 20_000, 20_000 + 1_000)
    (shift,) = effect.shifts
    assert (shift.task, shift.calls, shift.model, shift.then) == ("qa", 10, "sol", "luna")


def test_a_demotion_costs() -> None:
    found = reviewed(
        Table(cells=qa("luna", 0.97)), Table(cells=qa("luna", 0.0, state="demoted")), work(cached_tokens=500)
    )
    assert [move.after.model for move in found.goes_out] == ["luna"]
    assert (found.effect.before, found.effect.after) == (500, 10_000)


def test_figures_that_cross_no_floor_are_counted() -> None:
    assert reviewed(Table(cells=qa("luna", 0.96)), Table(cells=qa("luna", 0.97))).other == 1


def test_calls_without_tokens_or_prices_are_said_to_be_unknown() -> None:
    proposed = Table(cells=qa("luna", 0.97))
    effect = reviewed(Table(), proposed, work(counted=0, in_tokens=0), work(counted=4)).effect
    assert (effect.routed, effect.unknown) == (20, 16)
    costs = Costs()
    costs.unpriced = frozenset(RATES)
    assert reviewed(Table(), proposed, work(), costs=costs).effect.unknown == 10


def test_policy_counts() -> None:
    proposed = Table(cells=qa("luna", 0.97))
    for rules in (
        TaskRoutingSettings(deny=["luna"]),
        TaskRoutingSettings(lock="sol"),
        TaskRoutingSettings(quality_floor=0.99),
    ):
        settings = RoutingSettings(quality_floor=0.95, tasks={"qa": rules})
        assert reviewed(Table(), proposed, work(), settings=settings).effect.shifts == []


def test_a_lock_moves_calls_too() -> None:
    (shift,) = reviewed(Table(), Table(cells=qa("terra", 0.0, state="locked")), work()).effect.shifts
    assert (shift.model, shift.then) == ("sol", "terra")


def test_rows_say_who_may_serve() -> None:
    table = Table(
        cells={
            ("acme", "template:00"): {"luna": Cell("luna", 1, 0.99, state="demoted"), "terra": Cell("terra", 1, 0.99)},
            (ANY, "task:code"): {"luna": Cell("luna", 0, 0, state="locked"), "terra": Cell("terra", 1, 0.99)},
            (ANY, "task:qa"): {"luna": Cell("luna", 1, 0.94), "old": Cell("old", 1, 0.96)},
        }
    )
    rows = shown(table.over(PRIOR), floors, {"luna": "small", "terra": "mid"}.get)
    assert [(row.tenant, row.scope, row.model, row.tier, row.may_serve) for row in rows] == [
        (ANY, "task:qa", "luna", "small", False), (ANY, "task:qa", "old", "", True),
        (ANY, "task:code", "luna", "small", True), (ANY, "task:code", "terra", "mid", False),
        (ANY, ANY, "luna", "small", False), (ANY, ANY, "terra", "mid", False),
        ("acme", "template:00", "luna", "small", False), ("acme", "template:00", "terra", "mid", True),
    ]  # fmt: skip
