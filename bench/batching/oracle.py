"""Who knows all that is to come: the least that each line can cost and be in time, whenever and however it is sent.

It waits for the one minute in which a batch is back soon enough, or the cheap tier refuses nothing, if there is any before
the deadline; it needs no slots, no linger and no polls. Nobody can do better, and nobody can do as well.
"""

from collections.abc import Sequence

from batching.traffic import Arrival
from batching.world import MINUTE, NEVER, World

QUICK_S = 40.0
"""What a call on the cheap tier takes at least, for the oracle."""
CHEAP = 0.5


def oracle(world: World, arrivals: Sequence[Arrival]) -> float:
    """The mean price, as a share of the standard price."""
    soonest = _running_least(world.ready)
    free = _running_least(
        [minute * MINUTE if refuses < 1 else NEVER for minute, refuses in enumerate(world.refuses)]
    )  # fmt: skip
    paid = 0.0
    for each in arrivals:
        minute = int(each.at_s / MINUTE)
        cheap = soonest[minute] <= each.deadline_s
        if world.regime.flex:
            cheap = cheap or max(free[minute], each.at_s) + QUICK_S <= each.deadline_s
        paid += each.price * (CHEAP if cheap else 1.0)
    return paid / sum(each.price for each in arrivals)


def at_once(world: World, arrivals: Sequence[Arrival]) -> float:
    """The same for one who knows the shard that a line could be in when it comes, and waits for no better one."""
    soonest = world.ready
    paid = 0.0
    for each in arrivals:
        cheap = soonest[int(each.at_s / MINUTE)] <= each.deadline_s
        if world.regime.flex:
            cheap = cheap or is_taken_by_flex(world, each)
        paid += each.price * (CHEAP if cheap else 1.0)
    return paid / sum(each.price for each in arrivals)


def is_taken_by_flex(world: World, each: Arrival) -> bool:
    """Whether the cheap tier takes calls in some minute before the deadline."""
    first, last = int(each.at_s / MINUTE), int((each.deadline_s - QUICK_S) / MINUTE)
    return any(refuses < 1 for refuses in world.refuses[first : last + 1])


def _running_least(values: Sequence[float]) -> list[float]:
    """Of each place and all that follow."""
    least, found = NEVER, []
    for value in reversed(values):
        least = min(least, value)
        found.append(least)
    return found[::-1]
