"""What budgets had spent some minutes and hours ago: for the speed at which they go. Kept small, and written down so that a
new start or another gateway goes on with it."""

from collections.abc import Iterable

import msgspec

from farthing.finops.alerts.seen import BudgetSeen
from farthing.model.money import Nano

HOUR_US = 3_600_000_000
GRID = ((1.2, 5), (8.0, 30), (80.0, 360))
"""Up to so many hours back, a level every so many minutes."""
BUDGETS = 500
"""Those nearest to their limit; thousands of small ones have no rate worth a message."""


class Level(msgspec.Struct, frozen=True, array_like=True):
    at_us: int
    spent: Nano


class _Kept(msgspec.Struct, array_like=True):
    window: str
    levels: list[Level]


_json = msgspec.json.Decoder(dict[str, _Kept])


class Levels:
    """See the module."""

    def __init__(self, written: str = "") -> None:
        """`written`: what `text` gave once."""
        self._kept: dict[str, _Kept] = {}
        if written:
            try:
                self._kept = _json.decode(written)
            except msgspec.MsgspecError:  # of another version: it begins anew
                self._kept = {}

    def add(self, budgets: Iterable[BudgetSeen], now_us: int) -> list[BudgetSeen]:
        """Note where the budgets are; they come back with what was known before."""
        found = []
        nearest = sorted(budgets, key=lambda budget: -budget.spent / budget.limit if budget.limit > 0 else 0.0)
        for place, budget in enumerate(nearest):
            before: tuple[tuple[float, Nano], ...] = ()
            if place < BUDGETS:
                kept = self._kept.get(budget.id)
                if kept is None or kept.window != budget.window:
                    kept = self._kept[budget.id] = _Kept(budget.window, [])
                before = tuple(((now_us - each.at_us) / HOUR_US, each.spent) for each in kept.levels)
                kept.levels = _thinned([*kept.levels, Level(now_us, budget.spent)], now_us)
            found.append(msgspec.structs.replace(budget, spent_before=before))
        known = {budget.id for budget in nearest[:BUDGETS]}
        self._kept = {id_: kept for id_, kept in self._kept.items() if id_ in known}
        return found

    def text(self) -> str:
        return msgspec.json.encode(self._kept).decode()


def _thinned(levels: list[Level], now_us: int) -> list[Level]:
    """One level for each step of the grid, the oldest of it."""
    found: dict[tuple[int, int], Level] = {}
    for level in levels:
        age_h = (now_us - level.at_us) / HOUR_US
        for upto_h, minutes in GRID:
            if 0 <= age_h <= upto_h:
                found.setdefault((minutes, level.at_us // (minutes * 60_000_000)), level)
                break
    return sorted(found.values(), key=lambda level: level.at_us)
