"""Which budgets hold for a call. Budgets for single values are found by that value, so that thousands of them cost a call
nothing; what was found is remembered. Knows nothing of what is spent."""

from collections.abc import Iterable
from typing import NamedTuple

from farthing.model.budget import FIELDS, Budget, is_exact, value_of
from farthing.model.principal import Principal

MEMORY = 20_000
"""Callers whose budgets are remembered; callers choose their tags, so there is a bound."""


class Held(NamedTuple):
    """A budget that holds for a call, and which member of it the call belongs to."""

    budget: Budget
    member: str


class Holding(NamedTuple):
    """All budgets that hold for a call, each group in the order of names, which is the order in which they are reserved."""

    hard: tuple[Held, ...] = ()
    soft: tuple[Held, ...] = ()
    capped: tuple[Budget, ...] = ()
    """Those with a most for a single call."""


NOTHING = Holding()


class Index:
    """All budgets, ready to be looked up."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self.budgets = {budget.id: budget for budget in sorted(budgets, key=lambda each: each.id)}
        self._by_value: dict[tuple[str, str], list[Budget]] = {}
        self._others: list[Budget] = []
        dimensions: dict[str, None] = {}
        self._by_tags = False
        for budget in self.budgets.values():
            self._by_tags |= any(dimension not in FIELDS for dimension in budget.scope)
            single = next((each for each in budget.scope.items() if is_exact(*each)), None)
            if single is None:
                self._others.append(budget)
            else:
                dimensions[single[0]] = None
                self._by_value.setdefault(single, []).append(budget)
        self._dimensions = tuple(dimensions)
        self._known: dict[tuple[object, ...], Holding] = {}

    def of(self, caller: Principal, model: str) -> Holding:
        key: tuple[object, ...] = (
            caller.tenant, caller.key_id, caller.team, caller.project, caller.user, caller.feature, model,
        )  # fmt: skip
        if self._by_tags and caller.tags:
            key += tuple(sorted(caller.tags.items()))
        found = self._known.get(key)
        if found is None:
            found = self._find(caller, model)
            if len(self._known) >= MEMORY:
                self._known.clear()
            self._known[key] = found
        return found

    def _find(self, caller: Principal, model: str) -> Holding:
        near = list(self._others)
        for dimension in self._dimensions:
            value = value_of(dimension, caller, model)
            if value is not None:
                near += self._by_value.get((dimension, value), ())
        members = ((budget, budget.member(caller, model)) for budget in near)
        held = sorted((Held(budget, member) for budget, member in members if member is not None), key=_name)
        if not held:
            return NOTHING
        return Holding(
            tuple(each for each in held if each.budget.hard), tuple(each for each in held if not each.budget.hard),
            tuple(each.budget for each in held if each.budget.max_call),
        )  # fmt: skip


def _name(held: Held) -> tuple[str, str]:
    return held.budget.id, held.member
