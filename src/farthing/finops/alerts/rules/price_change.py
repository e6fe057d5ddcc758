"""A price of a model in use changed, or is about to: as the price list and the contracts say, before any bill does."""

from collections.abc import Sequence

from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.seen import PriceChange, Seen
from farthing.model.money import show_dollars

NAME = "price_change"


class PriceChanges:
    """See the module. `percent`: smaller changes are not told."""

    name = NAME

    def __init__(self, percent: float = 0.0) -> None:
        self._percent = percent

    def __call__(self, seen: Seen) -> list[Finding]:
        by_model: dict[tuple[str, str], list[PriceChange]] = {}
        for change in seen.price_changes:
            if abs(change.after - change.before) * 100 > self._percent * change.before:
                by_model.setdefault((change.model, change.day), []).append(change)
        return [self._finding(model, day, changes) for (model, day), changes in by_model.items()]

    def _finding(self, model: str, day: str, changes: Sequence[PriceChange]) -> Finding:
        most = max(changes, key=lambda change: abs(change.after / change.before - 1))
        ratio = most.after / most.before
        said = ", ".join(f"{change.unit} {_rate(change.before)} -> {_rate(change.after)}" for change in sorted(changes))
        spent = changes[0].spent_a_day
        return Finding(
            NAME, Scope("model", model), day, "warn",
            f"Prices of model {model} change on {day} (a million tokens): {said}. It costs {show_dollars(spent)} in a usual day.",
            value=int(spent * ratio), usual=spent, at_stake=max(0, int(spent * (ratio - 1))),
        )  # fmt: skip


def _rate(pico: int) -> str:
    """Pico-dollars a unit, as dollars a million."""
    return show_dollars(pico * 1_000)
