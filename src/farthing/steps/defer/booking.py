"""What it saved that a call could wait: the saving of the lever "batching".

before    the answer's usage at the service tier that the request would have had as it was sent
after     what it cost at the tier that it had

The tier as it was sent, in one place: who used a batch API, at a provider that has one, had asked for batch prices by
himself; who named a service tier that providers know had asked for that. There nothing is saved, and where such a line had
to be promoted, something lost. All else is what Farthing added: ordinary calls that could wait, files, schedules, lines of
batches at providers that know no batches.

    joined    before: what the answer cost that another one got; after: nothing
    late      an answer that came when its line had been answered otherwise: overhead

So baseline - saved == cost, whatever happened. Knows nothing of jobs and how lines are worked.
"""

from collections.abc import Sequence

from farthing.model.arms import BATCHING
from farthing.model.call import Call, Deployment
from farthing.model.money import Nano
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.prices import Priced, Pricing

LEVER = BATCHING
BATCH = "batch"
"""The service tier of providers' batches, as the price book has it."""
EXACT = ("computed", "reported")
UNSENT = frozenset(("error", "unreachable"))
BATCH_APIS = frozenset(("openai", "anthropic"))
"""Origins of jobs that say that their client asked for batch prices."""
ORIGIN, ASKED = "defer.origin", "defer.asked"
"""What is kept with a line: who handed it in, and the service tier that it asked for."""


def tier_as_sent(origin: str, asked: str, *, has_batches: bool) -> str:
    """The service tier of the request as its client sent it; `asked`: what it said itself, `has_batches`: whether the
    model's provider knows batches."""
    if origin in BATCH_APIS and has_batches:
        return BATCH
    return "" if asked == BATCH else asked  # no provider serves an ordinary call at that one


def saving(attempts: Sequence[Attempt], served: Deployment, tier: str, book: Pricing) -> Saving | None:
    """The saving of the attempt that answered at `served`, against the tier as sent. None for nothing, or where a price is
    not known."""
    parts = _answering(attempts)
    before: Nano = 0
    after: Nano = 0
    estimated = False
    for part in parts:
        if part.usage is None or part.cost_state in ("unpriced", "unknown"):
            return None
        model = served.price_as if served.price_as and not part.part else part.served_model or part.model
        there, here = (
            _at(book, served, model, part, part.usage, tier),
            _at(book, served, model, part, part.usage, part.tier),
        )
        if there.state == "unpriced":  # a tier that the model does not have: then the standard one served
            there = _at(book, served, model, part, part.usage, "")
        if there.state == "unpriced" or here.state == "unpriced":
            return None
        after += part.cost
        before += part.cost + there.nano - here.nano  # a provider's own price moves by what ours does
        estimated |= part.cost_state not in EXACT
    return Saving(LEVER, before, after, estimated=estimated) if before != after else None


def of_line(call: Call, book: Pricing, *, has_batches: bool) -> Saving | None:
    """The saving of a line of a job whose answer has come."""
    kept = call.kept
    if kept is None or call.deployment is None:
        return None
    asked = str(kept.get(ASKED, ""))
    tier = tier_as_sent(str(kept.get(ORIGIN, "")), asked, has_batches=has_batches)
    if call.walk == "alone" and tier == (call.sent_tier or call.ask.tier):
        return None  # it went just as it was asked for, whichever tier served it
    return saving(call.trail.attempts, call.deployment, tier, book)


def joined(leader: Record) -> Saving | None:
    """The saving of a line that got the answer of another one."""
    if not leader.cost or leader.status >= 400:
        return None
    return Saving(LEVER, leader.cost, 0, estimated=True)


def late(cost: Nano) -> Saving:
    """An answer that was paid for and not needed: its line had been promoted."""
    return Saving(LEVER, 0, 0, overhead=cost)


def _at(book: Pricing, served: Deployment, model: str, part: Attempt, usage: Usage, tier: str) -> Priced:
    return book.price(
        served.prices, model, usage, tier=tier, geo=part.geo, at_us=part.started_us, estimated=part.estimated
    )


def _answering(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The attempt that answered, with its parts that are billed apart; empty where none did."""
    last = next((attempt for attempt in reversed(attempts) if not attempt.part), None)
    if last is None or last.outcome in UNSENT:
        return []
    return [attempt for attempt in attempts if attempt.no == last.no]
