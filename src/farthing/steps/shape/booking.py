"""What marks for the provider's cache saved: the saving of the lever "provider caching", from the usage that it reported.

before    the same usage as it would have been without Farthing's marks: all input at the plain rate, or, at providers that
          keep every prompt by themselves at a price, all of it written; of a context, as much read as the provider has
          read of its like by itself
after     what the attempt came to

A write that nobody read makes it negative, and is shown so. Only attempts that carried Farthing's marks count.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from farthing.model.arms import PROVIDER_CACHING
from farthing.model.call import Deployment
from farthing.model.marks import ALIKE, CONTEXT, EXPLICIT, MARKED, usage_without
from farthing.model.record import Attempt, Saving
from farthing.model.usage import Usage
from farthing.prices import Pricing

LEVER = PROVIDER_CACHING
_FLAGS = frozenset((MARKED, EXPLICIT, ALIKE))


class Billed(NamedTuple):
    """Pico-dollars for a token of an attempt's input, by how the provider came by it."""

    plain: int
    """0 where all input was cached: then nobody knows it, and nothing more is claimed."""
    read: int
    anew: int
    """What was written, or the plain rate."""


def billed(attempt: Attempt, read: int = 0) -> Billed:
    """The rates of its lines; `read` where it has read nothing."""
    rates = {line.unit: line.rate for line in attempt.lines}
    plain = rates.get("uncached_in", 0)
    anew = next((rates[unit] for unit in ("w5m", "w1h", "w30m", "w12h") if unit in rates), plain)
    return Billed(plain, rates.get("cache_read", read or plain), anew)


def known(attempts: Iterable[Attempt]) -> Iterator[tuple[Attempt, Usage]]:
    """Those of which it is known what they read and cost; the others say nothing of rates."""
    for attempt in attempts:
        usage = attempt.usage
        if (
            not attempt.part
            and usage is not None
            and usage.total_in
            and attempt.cost_state in ("computed", "estimated")
        ):
            yield attempt, usage


def marked(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The attempts that carried marks of Farthing, and of which it is known what they used and cost."""
    return [
        attempt for attempt in attempts
        if not attempt.part and attempt.usage is not None and attempt.cost_state in ("computed", "estimated")
        and (not _FLAGS.isdisjoint(attempt.flags) or any(flag.startswith(CONTEXT) for flag in attempt.flags))
    ]  # fmt: skip


def saving(attempts: Sequence[Attempt], deployments: Sequence[Deployment], book: Pricing) -> Saving | None:
    """The saving of all attempts of a call; `deployments` are those that it may have gone to. None for nothing."""
    places = {(place.provider, place.model): place for place in deployments}
    before = after = 0
    estimated = False
    for attempt in marked(attempts):
        place = places.get((attempt.provider, attempt.model))
        if place is None or attempt.usage is None:
            continue
        usage = usage_without(attempt.flags, attempt.usage)
        model = place.price_as or attempt.served_model or attempt.model
        priced = book.price(
            place.prices, model, usage, tier=attempt.tier, geo=attempt.geo, at_us=attempt.started_us, estimated=True
        )
        if priced.state == "unpriced":
            continue
        before += priced.nano
        after += attempt.cost
        estimated = estimated or MARKED not in attempt.flags or attempt.estimated
    return Saving(LEVER, before, after, estimated=estimated) if before != after else None
