"""Who knows the law and no draw: the least that lines can cost on average by any rule that cannot see the future.

It is told how the provider is at this minute: the part of a turn-round that moves slowly, and whether shards of this minute
never start. It does not know what its own shard will take, nor how the provider will be. A line is in one shard at a time; it
may wait for a better minute, or leave its shard for a new one, at once and for nothing; promoted at its last moment it is
paid once. No rule knows as much or pays as little, so none does better. Where a provider is stuck this is not a part of the
law that it knows: it counts as if it were not.

The chance of the cheap price is found from the last moment backwards (optimal stopping), in steps of `STEP_S`: with `left`
steps and the weather as it is, the better of waiting, a new shard, and the shard that the line is in, by its age and the
weather in which it was created.
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from batching.oracle import CHEAP, is_taken_by_flex
from batching.traffic import MOST_S, Arrival
from batching.world import MINUTE, SLOW, SLOW_S, SPELL_S, Regime, World

STEP_S = 600.0
STEPS = int(MOST_S / STEP_S)
LEVELS = (-2.25, -1.5, -0.75, 0.0, 0.75, 1.5, 2.25)
"""Of the slow part, in standard deviations."""
Weather = tuple[float, bool]
"""The slow part, and whether shards of this minute never start."""


def without_foresight(world: World, arrivals: Sequence[Arrival]) -> float:
    """The mean price, as a share of the standard price."""
    paid = 0.0
    for each in arrivals:
        minute = int(each.at_s / MINUTE)
        weather = _nearest(world.slow[minute]) + len(LEVELS) * world.never[minute]
        left = min(STEPS, math.ceil((each.deadline_s - each.at_s) / STEP_S))  # rounded up: in its favour
        chance = 1.0 if world.regime.flex and is_taken_by_flex(world, each) else _chances(world.regime)[left][weather]
        paid += each.price * (1 - (1 - CHEAP) * chance)
    return paid / sum(each.price for each in arrivals)


@cache
def _chances(regime: Regime) -> list[list[float]]:
    """Steps left -> weather -> the chance of the cheap price."""
    weathers = [(level, never) for never in ((False, True) if regime.never else (False,)) for level in LEVELS]
    moves = [_moves(regime, weather, weathers) for weather in weathers]
    back = [_back(regime, weather) for weather in weathers]
    places = range(len(weathers))
    free = [[0.0] * len(weathers)]
    """Without a shard."""
    held: dict[int, list[list[float]]] = {}
    """By the steps that a line had when its shard was created: weather then -> weather now -> the chance."""
    for left in range(1, STEPS + 1):
        last = free[-1]
        for created in range(left, STEPS + 1):
            before = held.get(created)
            held[created] = _kept(back, moves, before, last, created - left)
        now = [max(sum(moves[at][to] * last[to] for to in places), held[left][at][at]) for at in places]
        free.append(now)
    return free


def _kept(
    back: list[list[float]], moves: list[list[float]], before: list[list[float]] | None, free: list[float], age: int
) -> list[list[float]]:
    """One step in a shard: it comes back in it, or the line stays or leaves by what is better then."""
    found = []
    for then, chances in enumerate(back):
        best = free if before is None else [max(one, other) for one, other in zip(before[then], free, strict=True)]
        came = chances[age]
        found.append([came + (1 - came) * sum(map(float.__mul__, row, best)) for row in moves])
    return found


def _back(regime: Regime, weather: Weather) -> list[float]:
    """Of a shard created in that weather: the chance that it comes back in the step after so many, if it has not before."""
    slow, never = weather
    middle = math.log(regime.median_s) + regime.spread * math.sqrt(SLOW) * slow
    width = regime.spread * math.sqrt(1 - SLOW)
    out = [1.0] + [
        0.5 * math.erfc((math.log(step * STEP_S) - middle) / width / math.sqrt(2)) for step in range(1, STEPS + 1)
    ]
    return [0.0 if never or one <= 1e-12 else 1 - other / one for one, other in pairwise(out)]


def _moves(regime: Regime, weather: Weather, weathers: Sequence[Weather]) -> list[float]:
    """The chances of the weather a step later."""
    slow, never = weather
    stays = math.exp(-STEP_S / SLOW_S)
    width = math.sqrt(1 - stays**2)
    edges = [-math.inf, *((one + other) / 2 for one, other in pairwise(LEVELS)), math.inf]
    below = [0.5 * math.erfc(-(edge - stays * slow) / width / math.sqrt(2)) for edge in edges]
    parts = dict(zip(LEVELS, (other - one for one, other in pairwise(below)), strict=True))
    share = regime.never
    gone = math.exp(-STEP_S / SPELL_S / (1 - share)) if share else 1.0
    is_bad = share + (float(never) - share) * gone
    return [parts[level] * (is_bad if bad else 1 - is_bad) for level, bad in weathers]


def _nearest(slow: float) -> int:
    return min(range(len(LEVELS)), key=lambda place: abs(LEVELS[place] - slow))
