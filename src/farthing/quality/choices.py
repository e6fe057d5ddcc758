"""Whom a second answer is asked of: the flagship, or the cheaper model about which it is worth most to know more.

Worth: what it would save on such a call, times how likely it is that it clears the floor, by what is known so far. Drawn
in proportion, so that a model which began badly is looked at again, more rarely. Knows nothing of how answers compare.
"""

import math
import random
from collections.abc import Callable, Mapping
from typing import Protocol

from farthing.model.asked import Asked
from farthing.model.call import Call
from farthing.model.money import Nano
from farthing.model.principal import may_use
from farthing.model.routes import Cell, Table, Tier, scopes_of
from farthing.steps.route.policy import Policies

SPREAD = 0.2
"""Standard deviation of one comparison, before much is known."""
UNKNOWN = 0.5
"""How likely a model is to clear the floor of which nothing is known."""
DEMOTED = 0.05


class Models(Protocol):
    """What models there are, and what they can do."""

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]: ...
    def missing(self, model: str, asked: Asked, max_output: int | None = None, region: str = "") -> str: ...


class Costs(Protocol):
    """What calls are expected to cost."""

    def of(self, model: str, call: Call, scopes: tuple[str, ...], *, warm: bool = False) -> Nano | None: ...


class Exploring:
    """See the module. `table` gives the one that holds."""

    def __init__(
        self, models: Models, costs: Costs, policies: Policies, table: Callable[[], Table],
        dice: random.Random | None = None,
    ) -> None:  # fmt: skip
        self._models = models
        self._costs = costs
        self._policies = policies
        self._table = table
        self._dice = dice or random.Random()

    def flagship(self, call: Call) -> str:
        """Empty if there is none, or it cannot or may not serve the call."""
        model = next(iter(self._models.tiers().get("flagship", ())), "")
        return model if model and self._may_serve(call, model) else ""

    def promising(self, call: Call, than: str) -> str:
        """A cheaper model than `than`; empty if there is none."""
        scopes = scopes_of(call.template, call.task)
        dear = self._costs.of(than, call, scopes)
        if dear is None:
            return ""
        floor = self._policies.of(call).floor
        models, weights = [], []
        for model in dict.fromkeys(each for found in self._models.tiers().values() for each in found):
            cost = self._costs.of(model, call, scopes) if model != than and self._may_serve(call, model) else None
            if cost is not None and cost < dear:
                cell = self._table().cell(call.principal.tenant, scopes, model)
                models.append(model)
                weights.append((dear - cost) * _chance(cell, floor))
        return self._dice.choices(models, weights)[0] if models and sum(weights) > 0 else ""

    def _may_serve(self, call: Call, model: str) -> bool:
        policy = self._policies.of(call)
        region = policy.region or (call.key.region if call.key is not None else "")
        missing = self._models.missing(model, call.asked or Asked(), call.ask.max_output, region)
        return not missing and not policy.forbids(model) and may_use(call.key, model)


def _chance(cell: Cell | None, floor: float) -> float:
    """How likely the model is to clear the floor one day."""
    if cell is None:
        return UNKNOWN
    error = SPREAD / math.sqrt(10 + cell.observations)
    likely = 0.5 * math.erfc((floor - cell.quality) / (error * math.sqrt(2)))
    return max(0.01, likely * (DEMOTED if cell.state == "demoted" else 1.0))
