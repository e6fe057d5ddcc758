"""API beside own GPUs, month against month: both bills at the demand, and the volumes from which own ones are cheaper.

A break-even counts only where the fleet that costs so much can serve it. Quality enters as the cost of a task that
succeeds. Intervals are `sensitivity`'s.
"""

from collections.abc import Iterator
from math import ceil

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.tco.api_side import ApiCost, ApiPrices, Extras, api_cost
from farthing.selfhost.tco.demand import Demand
from farthing.selfhost.tco.fleet import Fleet, Replica, Sizing, capacity_of, fleet_for
from farthing.selfhost.tco.own_side import Own, OwnCost, own_cost

MOST_FLEET = 1_000_000
"""Replicas beyond which nothing is compared: all clouds together have fewer."""
MOST_REPLICAS = 2_000
"""Beyond which no break-even is looked for."""


class Case(msgspec.Struct, frozen=True):
    """All that a comparison needs."""

    demand: Demand
    prices: ApiPrices
    own: Own
    replica: Replica
    sizing: Sizing = Sizing()
    extras: Extras = Extras()
    api_success: float = 1.0
    """Share of tasks that succeed."""
    own_success: float = 1.0
    hour_range: tuple[float, float] | None = None
    """Dollars of a GPU hour, lowest and highest, where the price is one of several."""


class Step(msgspec.Struct, frozen=True):
    """One size of the fleet: what it costs and serves. Tokens are output tokens a month."""

    replicas: int
    gpus: int
    dollars: float
    serves: float


class BreakEven(msgspec.Struct, frozen=True):
    """Volumes, in times the demand given. None: none that the fleet serves."""

    first: float | None
    """From which own GPUs cost less, on that step."""
    lasting: float | None
    """From which on they do at every larger volume that was looked at."""
    first_gpus: int
    unreachable: float | None
    """Where the bill of the smallest fleet would meet the API's although that fleet cannot serve so much; None where it
    can."""


class Report(msgspec.Struct, frozen=True):
    """Both sides of one month. Dollars."""

    api: ApiCost
    own: OwnCost
    fleet: Fleet
    replica: Replica
    api_per_task: float
    """A call that succeeds."""
    own_per_task: float
    own_per_million: float
    """A million output tokens really served; prompts are in it."""
    required_utilisation: float
    """Mean over the month of what the fleet's speed is asked for."""
    break_even: BreakEven
    staircase: list[Step]
    warnings: list[str]

    @property
    def saved(self) -> float:
        """By own GPUs; below nothing where the API is cheaper."""
        return self.api.total - self.own.total


def report(case: Case) -> Report:
    """The comparison at the expected speed and price. Raises BadRequest where the fleet may not be large enough."""
    fleet = fleet_for(case.demand, case.replica, case.sizing)
    if fleet.replicas > MOST_FLEET:
        raise BadRequest(
            f"So many calls would need more than {MOST_FLEET:,} replicas; nobody has these.", param="calls"
        )
    api = api_cost(case.demand, case.prices, case.extras)
    own = own_cost(case.own, fleet.gpus, 1.0, fleet.gpu_hours)
    return Report(
        api=api, own=own, fleet=fleet, replica=case.replica,
        api_per_task=api.total / (case.demand.calls * case.api_success),
        own_per_task=own.total / (case.demand.calls * case.own_success),
        own_per_million=own.total / case.demand.output_month * 1e6, required_utilisation=fleet.utilisation,
        break_even=break_even(case), staircase=list(staircase(case, fleet.replicas + 4)), warnings=warnings(case, fleet),
    )  # fmt: skip


def staircase(case: Case, most: int) -> Iterator[Step]:
    """What each size of a fleet that runs all month costs, from the smallest, with what it serves of the demand's kind."""
    for serving in range(1, most - case.sizing.spares + 1):
        replicas = serving + case.sizing.spares
        gpus = replicas * case.replica.gpus
        if case.sizing.most_gpus and gpus > case.sizing.most_gpus:
            return
        serves = capacity_of(serving, case.demand, case.replica.tokens_s, case.sizing)
        volume = serves / case.demand.output_month
        yield Step(replicas, gpus, own_cost(case.own, gpus, volume).total, serves)


def break_even(case: Case) -> BreakEven:
    """On each step the own bill is a straight line over the volume, as the API's is: they meet at one volume, which counts
    if the step serves it and the step before does not. Fleets that follow the hours are taken as if they ran all month."""
    first, lasting, first_gpus, unreachable = None, None, 0, None
    api = api_cost(case.demand, case.prices, case.extras)
    beside = api.total - api.of_calls
    before = 0.0
    for serving in range(1, MOST_REPLICAS + 1):
        gpus = (serving + case.sizing.spares) * case.replica.gpus
        if case.sizing.most_gpus and gpus > case.sizing.most_gpus:
            break
        own = own_cost(case.own, gpus)
        serves = capacity_of(serving, case.demand, case.replica.tokens_s, case.sizing) / case.demand.output_month
        gain = api.of_calls - own.egress
        meets = (own.fixed - beside) / gain if gain > 0 else float("inf")
        if serving == 1 and serves < meets < float("inf"):
            unreachable = meets
        if meets <= serves and first is None:
            first, first_gpus = max(meets, before), gpus
        if meets > serves:
            lasting = None
        elif meets > before or lasting is None:
            lasting = max(meets, before)
        before = serves
    return BreakEven(first, lasting, first_gpus, unreachable)


def warnings(case: Case, fleet: Fleet) -> list[str]:
    """What a reader must know before believing the figures."""
    found = []
    if case.own.engineers * case.own.share == 0:
        found.append("no engineer is counted: someone must run it; say --engineers 0 only if their cost is elsewhere")
    if not case.sizing.spares:
        found.append("no spare replica: a failure or an update stops the service")
    if fleet.utilisation < 0.2:
        found.append(f"the fleet would be used to {100 * fleet.utilisation:.0f} %: most of what is paid is idle")
    if case.sizing.share < 1:
        missed = 1 - case.sizing.share
        found.append(f"the busiest {100 * missed:.0f} % of the hours are not sized for: calls wait or flow over then")
    if case.own.kind == "spot" and not case.own.lost:
        found.append("spot GPUs are taken to be never lost; say how often with --lost")
    if case.own_success == case.api_success == 1.0:
        found.append("quality is taken to be equal; measure both and say --api-success and --own-success")
    return found


def calls_of_volume(case: Case, volume: float) -> int:
    """Calls a month."""
    return ceil(volume * case.demand.calls)
