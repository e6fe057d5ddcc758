"""Whom a second answer is asked of: the flagship, or the cheaper model about which it is worth most to know more.

Worth: what it would save on such a call, times how likely it is that it clears the floor, by the comparisons that count;
for each dollar that asking costs, since what may be spent on looking is bounded. Drawn in proportion, and the more rarely
the less likely the best of them is: where no model can be as good little is spent on looking, yet never nothing. More
rarely too where the flagship must be asked for it, and that costs more than a call could save. Models that were demoted,
and those that comparisons speak against, have a way of their own, in `probing`. Knows nothing of how answers compare.
"""

import math
import random
from collections.abc import Callable, Mapping
from typing import Protocol

from farthing.model.asked import Asked
from farthing.model.call import Call
from farthing.model.money import Nano
from farthing.model.principal import may_use
from farthing.model.routes import Table, Tier, scopes_of
from farthing.quality.noninferiority import Counts
from farthing.quality.probing import Probing
from farthing.steps.route.policy import Policies

SPREAD, WORTH = 0.2, 10
"""Before much is known: standard deviation of one comparison, and how many comparisons without a difference that is worth."""
LIKELY = 0.5
"""From which chance on a model is looked at as often as settings say."""
HOPELESS = 0.05
"""From which chance down it is only probed."""
LEAST_PACE = 0.1
"""How often at least, as a share of that."""

Seen = Callable[[str, str, str], Counts]
"""Comparisons that count, by tenant, scope and model."""


class Models(Protocol):
    """What models there are, and what they can do."""

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]: ...
    def missing(self, model: str, asked: Asked, max_output: int | None = None, region: str = "") -> str: ...


class Costs(Protocol):
    """What calls are expected to cost."""

    def of(self, model: str, call: Call, scopes: tuple[str, ...], *, warm: bool = False) -> Nano | None: ...


class Exploring:
    """See the module."""

    def __init__(
        self, models: Models, costs: Costs, policies: Policies, seen: Seen,
        dice: random.Random | None = None, probing: Probing | None = None,
    ) -> None:  # fmt: skip
        self._models = models
        self._costs = costs
        self._policies = policies
        self._seen = seen
        self._dice = dice or random.Random()
        self._probing = probing or Probing(Table)

    def flagship(self, call: Call) -> str:
        """Empty if there is none, or it cannot or may not serve the call."""
        model = next(iter(self._models.tiers().get("flagship", ())), "")
        return model if model and self._may_serve(call, model) else ""

    def promising(self, call: Call, than: str) -> str:
        """A cheaper model than `than`; empty if there is none, and now and then where none is likely to do."""
        scopes = scopes_of(call.template, call.task)
        dear = self._costs.of(than, call, scopes)
        if dear is None:
            return ""
        floor = self._policies.of(call).floor
        scope = next((each for each in scopes if each.startswith("task:")), scopes[0])
        flagship = self.flagship(call)
        beside = self._costs.of(flagship, call, scopes) if flagship and than != flagship else 0
        tenant = call.principal.tenant
        models, weights, probed, pace = [], [], [], LEAST_PACE
        for model in dict.fromkeys(each for found in self._models.tiers().values() for each in found):
            cost = self._costs.of(model, call, scopes) if model != than and self._may_serve(call, model) else None
            if cost is not None and cost < dear:
                chance = _chance(self._seen(tenant, scope, model), floor)
                share = self._probing.share(tenant, scopes, model, floor, hopeless=chance < HOPELESS)
                if share is not None:
                    if self._dice.random() < share:
                        probed.append(model)
                    continue
                gain = (dear - cost) / max(1, cost + (beside or 0))
                models.append(model)
                weights.append(gain * max(0.01, chance))
                pace = max(pace, min(1.0, gain) * min(1.0, chance / LIKELY))
        if probed:
            return self._dice.choice(probed)
        if not models or self._dice.random() >= pace:
            return ""
        return self._dice.choices(models, weights)[0]

    def _may_serve(self, call: Call, model: str) -> bool:
        policy = self._policies.of(call)
        region = policy.region or (call.key.region if call.key is not None else "")
        missing = self._models.missing(model, call.asked or Asked(), call.ask.max_output, region)
        return not missing and not policy.forbids(model) and may_use(call.key, model)


def _chance(seen: Counts, floor: float) -> float:
    """How likely the model is to clear the floor: normal, drawn to no difference."""
    n = seen.n + WORTH
    mean = (seen.better - seen.worse) / n
    variance = max(0.0, (seen.better + seen.worse + WORTH * SPREAD**2) / n - mean**2)
    error = math.sqrt(max(variance, 1e-9) / n)
    return 0.5 * math.erfc((floor - 1 - mean) / (error * math.sqrt(2)))
