"""The usual ways to hold a budget, by a model of the same load: one counter that all see at once, no kills, no network.

    count after      a call is let in while what was counted is below the limit; it is counted when it ends
    reserve at most  what the request allows is reserved, and the rest given back when the call ends
    reserve 95 %     what 95 % of answers need is reserved; longer ones overrun

Better than these can be in a real system, so what they show is their own.
"""

import heapq
import random
from typing import NamedTuple

WAYS = ("count after", "reserve at most", "reserve 95 %")


class Outcome(NamedTuple):
    """Shares of the limit, in percent."""

    over: float
    used: float
    refused: int


def outcome(way: str, limit: int, streams: int, most: int, median: int, spread: float, seed: int) -> Outcome:
    """Tokens of output; so many streams at once, each sending its next call as the last ends, until nothing fits."""
    dice = random.Random(seed)
    lengths = sorted(min(most, round(median * dice.lognormvariate(0, spread))) for _ in range(4_000))
    reserve = {"count after": 0, "reserve at most": most, "reserve 95 %": lengths[int(0.95 * len(lengths))]}[way]
    spent = reserved = refused = 0
    under_way: list[tuple[float, int]] = []
    now, idle = 0.0, streams
    while idle or under_way:
        fits = spent + reserved + reserve <= limit and spent < limit
        if idle and fits:
            idle -= 1
            reserved += reserve
            length = dice.choice(lengths)
            heapq.heappush(under_way, (now + length + dice.random(), length))
            continue
        if not under_way:
            break
        refused += idle
        now, length = heapq.heappop(under_way)
        reserved -= reserve
        spent += length
        idle += 1
    return Outcome(100 * max(0, spent - limit) / limit, 100 * min(spent, limit) / limit, refused)
