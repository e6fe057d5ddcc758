"""How many whole replicas serve a demand: sized for the busy hours, within a goal for delays, with spares.

A replica is a whole group of GPUs, a fleet whole replicas: cost rises in steps. Speed under a latency goal is that of the
largest batch that meets it, not of a full one. Knows nothing of prices.
"""

from collections.abc import Callable
from math import ceil

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.calibrate import Estimate
from farthing.selfhost.tco.demand import HOURS, WEEK, Demand


class Goal(msgspec.Struct, frozen=True):
    """What a caller is promised, in seconds; 0: nothing."""

    ttft_s: float = 0.0
    tpot_s: float = 0.0

    def holds(self, found: Estimate) -> bool:
        return (not self.ttft_s or found.ttft_s <= self.ttft_s) and (not self.tpot_s or found.tpot_s <= self.tpot_s)


class Replica(msgspec.Struct, frozen=True):
    """What one replica does: output tokens a second at the demand's lengths, 80 % of outcomes between low and high."""

    gpus: int
    tokens_s: float
    low: float
    high: float
    batch: float = 0.0
    ttft_s: float = 0.0
    tpot_s: float = 0.0
    how: str = "given"


class Sizing(msgspec.Struct, frozen=True):
    """For what a fleet is sized."""

    share: float = 1.0
    """Of the hours of a week that it must serve without a queue: 1 is the busiest too, 0.95 all but one in twenty."""
    headroom: float = 0.8
    """Of its speed, what the sized hour may use: calls do not come evenly within an hour."""
    spares: int = 1
    """Replicas beyond that, for failures and updates."""
    scale: bool = False
    """Whether replicas are rented by the hour as they are needed, or all month."""
    most_gpus: int = 0
    """0: no limit."""


class Fleet(msgspec.Struct, frozen=True):
    """Whole replicas."""

    replicas: int
    """Spares included."""
    spares: int
    gpus: int
    gpu_hours: float
    """Paid in a month."""
    capacity_month: float
    """Output tokens that it could serve in a month at the demand's profile and the sizing's headroom."""
    utilisation: float
    """Of its full speed over all paid hours."""


def under_goal(speed: Callable[[float], Estimate], goal: Goal, gpus: int) -> Replica:
    """The replica at the largest batch that meets the goal. `speed` gives the estimate at a batch, 0 being full load.
    Raises BadRequest where even one sequence alone does not meet it."""
    full = speed(0)
    if goal.holds(full):
        return _replica(full, gpus, "full load")
    low, high = 1, max(1, int(full.batch))
    best = speed(low)
    if not goal.holds(best):
        raise BadRequest(
            f"one sequence alone has {best.ttft_s:.2f} s to the first token and {best.tpot_s * 1000:.0f} ms from token to "
            "token: the goal needs more or faster GPUs"
        )
    while high - low > 1:
        middle = (low + high) // 2
        found = speed(middle)
        low, high, best = (middle, high, found) if goal.holds(found) else (low, middle, best)
    return _replica(best, gpus, f"batch of {low}, by the goal")


def _replica(found: Estimate, gpus: int, how: str) -> Replica:
    return Replica(
        gpus, found.tokens_s * gpus, found.low * gpus, found.high * gpus, found.batch, found.ttft_s, found.tpot_s,
        f"{found.method}, {how}",
    )  # fmt: skip


def needed(rate: float, tokens_s: float, headroom: float) -> int:
    """Whole replicas for so many output tokens a second; at least one. Rounding noise buys no replica."""
    return max(1, ceil(rate / (tokens_s * headroom) - 1e-9))


def fleet_for(demand: Demand, replica: Replica, sizing: Sizing, tokens_s: float = 0.0) -> Fleet:
    """The smallest fleet that serves the demand. `tokens_s`: of a replica, where it is not its expected speed. Raises
    BadRequest where `most_gpus` do not do."""
    speed = tokens_s or replica.tokens_s
    serving = needed(demand.rate_at(sizing.share), speed, sizing.headroom)
    replicas = serving + sizing.spares
    gpus = replicas * replica.gpus
    if sizing.most_gpus and gpus > sizing.most_gpus:
        raise BadRequest(f"the demand needs {gpus} GPUs; at most {sizing.most_gpus} are allowed")
    hours = _paid_hours(demand, replica, sizing, speed, serving) if sizing.scale else gpus * HOURS
    return Fleet(
        replicas=replicas, spares=sizing.spares, gpus=gpus, gpu_hours=hours,
        capacity_month=capacity_of(serving, demand, speed, sizing),
        utilisation=demand.output_month / (speed / replica.gpus * hours * 3600),
    )  # fmt: skip


def capacity_of(serving: int, demand: Demand, tokens_s: float, sizing: Sizing) -> float:
    """Output tokens of a month that so many replicas, spares not counted, serve at the demand's profile: the sized hour
    is full, the others are as they are beside it."""
    return demand.output_month * serving * tokens_s * sizing.headroom / demand.rate_at(sizing.share)


def _paid_hours(demand: Demand, replica: Replica, sizing: Sizing, speed: float, most: int) -> float:
    """GPU hours of a month when each hour of the week pays for what it needs, and for the spares."""
    serving = sum(min(most, needed(rate, speed, sizing.headroom)) for rate in demand.rates())
    return (serving / WEEK + sizing.spares) * replica.gpus * HOURS
