"""Where a request's marks go, and for how long each is kept: by what repeats, how soon, and what a write costs. Pure.

A write pays while the chance p that the same prefix comes again within the lifetime exceeds (w - 1) / (w - r); with w and
r as multiples of the plain input price, and a life that each read begins anew, a prefix then costs r p + w (1 - p) of its
plain price. The lifetime with the least of these is taken. Knows nothing of wires and of how chances are learned.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

GAINS = {"marks": 0.15, "breakpoints": 0.03}
"""A write must be expected to save at least this share of what its tokens cost, or it is not worth the risk, by the way of
caching: chances are estimates, and of those near break-even the best-looking are the overrated ones. Where a provider writes
by itself what is not marked, leaving a mark out is no way to play it safe."""
SPACING = 15
"""Blocks between marks in what is written anyway, where a provider looks back only so far."""


class Keep(Protocol):
    """See `catalog.Keep`."""

    @property
    def ttl(self) -> str: ...
    @property
    def seconds(self) -> int: ...
    @property
    def write(self) -> int: ...


class Rates(Protocol):
    """See `catalog.Caching`."""

    @property
    def way(self) -> str: ...
    @property
    def least(self) -> int: ...
    @property
    def plain(self) -> int: ...
    @property
    def read(self) -> int: ...
    @property
    def keeps(self) -> Sequence[Keep]: ...
    @property
    def most(self) -> int: ...
    @property
    def look_back(self) -> int: ...


class Spot(NamedTuple):
    """A boundary that may be marked."""

    at: int
    """Which boundary of the request."""
    tokens: int
    """Of all that comes before it."""
    chances: tuple[float, ...] = ()
    """For each lifetime, that a call with the same prefix comes within it."""
    live: int = -1
    """The lifetime under which the provider is thought to hold it now; -1 where it does not."""


class Point(NamedTuple):
    """A mark, and the lifetime that it asks for."""

    at: int
    keep: int


class Plan(NamedTuple):
    """What is to be marked, and what that is expected to come to."""

    points: tuple[Point, ...] = ()
    read: int = 0
    """Tokens that the provider is thought to hold already."""
    written: int = 0
    """Tokens beyond these up to the last mark."""
    risk: int = 0
    """Pico-dollars lost if no call ever reads what is written."""


NOTHING = Plan()


def cost(chance: float, write: int, rates: Rates) -> float:
    """Of a prefix that is always marked, as a multiple of its plain price."""
    return (rates.read * chance + write * (1 - chance)) / rates.plain


def break_even(write: int, rates: Rates, gain: float = 0.0) -> float:
    """The chance of another call from which on a write saves more than this share of the plain price."""
    return (write - rates.plain * (1 - gain)) / (write - rates.read) if write > rates.read else 0.0


def worth_from(write: int, rates: Rates) -> float:
    """The same for what a write must save to be worth its risk."""
    return break_even(write, rates, GAINS.get(rates.way, 0.0))


def least_chance(rates: Rates) -> float:
    """The chance of another call within the longest lifetime below which no write is worth its risk."""
    return min([worth_from(keep.write, rates) for keep in rates.keeps])


def best_keep(spot: Spot, rates: Rates) -> tuple[int, float]:
    """The lifetime that costs least, and what it saves of the plain price."""
    costs = [cost(chance, keep.write, rates) for chance, keep in zip(spot.chances, rates.keeps, strict=True)]
    best = min(range(len(costs)), key=costs.__getitem__)
    return best, 1 - costs[best]


def plan(spots: Sequence[Spot], rates: Rates) -> Plan:
    """The marks of one request. `spots` in the order of the cache; the last boundary of a run of equal chances stands for
    all of them."""
    if not rates.keeps:
        return NOTHING
    least_gain = GAINS.get(rates.way, 0.0)
    fit = [spot for spot in spots if spot.tokens >= rates.least]
    live = max((index for index, spot in enumerate(fit) if spot.live >= 0), default=-1)
    wanted: list[tuple[Spot, int, float]] = []
    for index, spot in enumerate(fit):
        if index <= live:
            if spot.live >= 0:
                wanted.append((spot, spot.live, 0.0))
        else:
            keep, gain = best_keep(spot, rates)
            if gain >= least_gain:
                wanted.append((spot, keep, gain))
    if not wanted:
        return NOTHING
    held = fit[live].tokens if live >= 0 else 0
    if len(wanted) == 1 and live >= 0:  # a shared prompt that is held, the usual case
        return Plan((Point(fit[live].at, fit[live].live),), held)
    chosen = _longest_first(_few(wanted, held, rates), rates)
    last = chosen[-1][0]
    risk, before = 0, held
    for spot, keep in chosen:
        if spot.tokens > before:
            risk += (spot.tokens - before) * max(0, rates.keeps[keep].write - rates.plain)
            before = spot.tokens
    points = _spaced([Point(spot.at, keep) for spot, keep in chosen], fit[live].at if live >= 0 else -1, rates)
    return Plan(tuple(points), held, max(0, last.tokens - held), risk)


def _few(wanted: list[tuple[Spot, int, float]], held: int, rates: Rates) -> list[tuple[Spot, int]]:
    """As many as a request may have: the last, the one that is read, then those whose loss would cost most."""
    if len(wanted) <= rates.most:
        return [(spot, keep) for spot, keep, _ in wanted]
    last = len(wanted) - 1
    reads = max((index for index, (spot, _, _) in enumerate(wanted) if spot.tokens <= held), default=last)

    def worth(index: int) -> float:
        """A mark that is left out leaves its tokens to the chances of the next one."""
        spot, keep, gain = wanted[index]
        if spot.tokens <= held:
            return spot.tokens * rates.keeps[keep].write * 1e-6
        return spot.tokens * gain

    others = sorted((index for index in range(last) if index != reads), key=worth, reverse=True)
    kept = {last, reads, *others[: rates.most - len({last, reads})]}
    return [(wanted[index][0], wanted[index][1]) for index in sorted(kept)]


def _longest_first(chosen: list[tuple[Spot, int]], rates: Rates) -> list[tuple[Spot, int]]:
    """Longer lifetimes come before shorter ones: what comes earlier is read at least as often."""
    longest = 0
    result: list[tuple[Spot, int]] = []
    for spot, keep in reversed(chosen):
        longest = max(longest, keep)
        result.append((spot, longest))
    return result[::-1]


def _spaced(points: list[Point], held_at: int, rates: Rates) -> list[Point]:
    """Marks that are left over stand inside what is written anyway, where they cost nothing, so that the next call finds
    one within the blocks that its provider looks back."""
    if not rates.look_back or len(points) >= rates.most:
        return points
    last = points[-1]
    before = max((point.at for point in points[:-1]), default=held_at)
    at = last.at - SPACING
    extra: list[Point] = []
    while at > max(before, held_at) and len(points) + len(extra) < rates.most:
        extra.append(Point(at, last.keep))
        at -= SPACING
    return sorted((*points, *extra))
