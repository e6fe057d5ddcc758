"""One request's plan: what repeats, the marks that pay, and the guard that keeps a bad guess small.

Writes are a bet on what comes next. What a scope may lose by bets is bounded: a small allowance, a small share of what
its input costs, and what its bets have won. Knows nothing of wires and bodies.
"""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.steps.shape.planning import NOTHING, Plan, Point, Rates, Spot, least_chance, plan, worth_from
from farthing.steps.shape.prefixes import Scope, Seen

ALLOWANCE_TOKENS = 60_000
"""The plain price of so many tokens may be lost in a scope before anything was won."""
LOSS_PERCENT = 1
"""Of the plain price of all input, beyond that."""
SURE = 8.0
"""Outcomes from which on a prompt is believed to be read by no later call."""
STEEP = 0.02
"""A boundary is worth a mark of its own only where its chance is so much above that of the next one."""


class Decision(NamedTuple):
    """What was found out about one request, and what follows."""

    plan: Plan
    seen: Sequence[Seen]
    digests: Sequence[int]
    never: bool = False
    """Its prompt is not worth keeping at all, where a provider would keep it by itself."""


def decide(
    scope: Scope, digests: Sequence[int], parts: Sequence[int], tokens: Sequence[int], rates: Rates, now: float
) -> Decision:
    """Take a request into the scope's memory and plan its marks. `tokens`: of the prompt up to each boundary."""
    seen = scope.see(digests, parts, now)
    if not rates.keeps or tokens[-1] < rates.least:
        return Decision(NOTHING, seen, digests)
    of, hope, even = scope.bounds
    if of is not rates:
        hope, even = least_chance(rates), worth_from(rates.keeps[0].write, rates)
        scope.bounds = (rates, hope, even)
    made = usual_plan(seen, tokens, rates.least, hope)
    if made is None:
        made = plan(_steep([Spot(each.at, tokens[each.at], each.chances, each.live) for each in seen]), rates)
    scope.spent += tokens[-1] * rates.plain
    last = seen[-1]
    never = last.evidence >= SURE and last.chances[0] < even
    if made.risk and not _may_lose(scope, made.risk, rates):
        made, never = _only_reads(made, tokens), True  # what a provider writes by itself would be lost alike
    never = never and not made.points
    return Decision(made, seen, digests, never)


def usual_plan(seen: Sequence[Seen], tokens: Sequence[int], least: int, hope: float) -> Plan | None:
    """The plan where no new mark could pay and one at most is held, as for most calls: the same that `plan` would make, for
    less work. `hope`: the chance from which on a mark may pay. None where there is more to weigh."""
    held: Seen | None = None
    for each in seen:
        if tokens[each.at] < least:
            continue
        if each.live >= 0:
            if held is not None:
                return None
            held = each
        elif each.chances[-1] >= hope:
            return None
    return NOTHING if held is None else Plan((Point(held.at, held.live),), tokens[held.at])


def answered(scope: Scope, made: Decision, rates: Rates, now: float) -> None:
    """The provider has begun to answer: from now on it holds what was marked, unless it reports otherwise."""
    for point in made.plan.points:
        scope.live(made.digests[point.at], point.keep, now + rates.keeps[point.keep].seconds)


def settle(scope: Scope, made: Decision, rates: Rates, read: int, written: int) -> None:
    """The provider has reported what it read and wrote: what the bet came to, and whether it holds anything at all."""
    points = made.plan.points
    scope.credit += read * (rates.plain - rates.read)
    if points and written:
        scope.credit -= written * (rates.keeps[points[-1].keep].write - rates.plain)
    if not read and not written:
        for point in points:
            scope.live(made.digests[point.at], point.keep, 0.0)


def _may_lose(scope: Scope, risk: int, rates: Rates) -> bool:
    bound = ALLOWANCE_TOKENS * rates.plain + scope.spent * LOSS_PERCENT // 100
    return risk <= scope.credit + bound


def _only_reads(made: Plan, tokens: Sequence[int]) -> Plan:
    points: tuple[Point, ...] = tuple(point for point in made.points if tokens[point.at] <= made.read)
    return Plan(points, made.read)


def _steep(spots: list[Spot]) -> list[Spot]:
    """Without those that a deeper boundary stands in for, because it comes again as often."""
    kept: list[Spot] = []
    for spot in reversed(spots):
        if spot.live < 0 and kept and kept[-1].live < 0:
            pairs = zip(spot.chances, kept[-1].chances, strict=True)
            if all(own < deeper + STEEP for own, deeper in pairs):
                continue
        kept.append(spot)
    return kept[::-1]
