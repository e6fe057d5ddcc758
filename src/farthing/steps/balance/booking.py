"""What choosing a deployment saved, and what it cost: the saving of the lever "request routing".

before    the answer's usage at the first deployment of the model that was asked for (or chosen, where a step before
          chose one)
after     what the attempt that answered cost
overhead  what the attempts that did not answer cost: retries, hedges

So baseline - saved == cost, whatever happened. An amount that is not known is no part of it.
"""

from collections.abc import Sequence

from farthing.model.call import Deployment
from farthing.model.money import Nano
from farthing.model.record import Attempt, Saving
from farthing.model.usage import Usage
from farthing.prices import Pricing
from farthing.wire.tokens import likely_input

LEVER = "request routing"
EXACT = ("computed", "reported")


def saving(attempts: Sequence[Attempt], served: Deployment | None, first: Deployment, book: Pricing) -> Saving | None:
    """The saving of a call's attempts, of which the last one answered at `served`. None for nothing at all."""
    if not attempts:
        return None
    last = next((attempt.no for attempt in reversed(attempts) if not attempt.part), attempts[-1].no)
    answering = [attempt for attempt in attempts if attempt.no == last]
    overhead = sum(attempt.cost for attempt in attempts if attempt.no != last)
    after = sum(attempt.cost for attempt in answering)
    before = _at(first, answering, book) if served is not None and not _same(first, served) else after
    if before is None:
        before = after
    if before == after and not overhead:
        return None
    estimated = any(attempt.cost_state not in EXACT for attempt in attempts) or (
        served is not None and _priced_as(served) != _priced_as(first)
    )
    return Saving(LEVER, before, after, overhead=overhead, estimated=estimated)


def estimate(attempt: Attempt, body: bytes, deployment: Deployment, book: Pricing) -> None:
    """Price an attempt that was called off before it answered: the provider has read the request, so its input counts,
    by its size. What was written until then nobody can know."""
    attempt.usage = Usage(uncached_in=likely_input(body))
    attempt.estimated = True
    model = deployment.price_as or attempt.model
    priced = book.price(deployment.prices, model, attempt.usage, at_us=attempt.started_us, estimated=True)
    attempt.cost_state, attempt.cost, attempt.lines = priced.state, priced.nano, priced.lines
    attempt.price_version, attempt.list_cost = priced.version, priced.list_nano
    attempt.flags = [*attempt.flags, *priced.flags, "called_off"]


def renumber(attempts: list[Attempt], start: int) -> None:
    """Numbers in the order of the list; the parts of an attempt keep its number."""
    current = attempts[start - 1].no if start else 0
    for attempt in attempts[start:]:
        if not attempt.part:
            current += 1
        attempt.no = current


def _at(deployment: Deployment, attempts: Sequence[Attempt], book: Pricing) -> Nano | None:
    """What the attempt's usage costs at another deployment; None where that is not known."""
    total = 0
    for attempt in attempts:
        if attempt.usage is None or attempt.cost_state in ("unpriced", "unknown"):
            return None
        model = attempt.served_model or attempt.model if attempt.part else deployment.price_as or deployment.model
        priced = book.price(
            deployment.prices, model, attempt.usage, tier=attempt.tier, geo=attempt.geo, at_us=attempt.started_us,
            estimated=attempt.estimated,
        )  # fmt: skip
        if priced.state == "unpriced":
            return None
        total += priced.nano
    return total


def _priced_as(deployment: Deployment) -> str:
    return deployment.price_as or deployment.model


def _same(one: Deployment, other: Deployment) -> bool:
    return (one.prices, one.model, one.price_as) == (other.prices, other.model, other.price_as)
