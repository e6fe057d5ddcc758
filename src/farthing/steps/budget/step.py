"""Reserves an attempt's upper estimate in each budget that holds for it, at the deployment and model that really run; in
all of them or in none. Settles once, when the attempt has been priced.

The provider enforces the edge: where less can be reserved than the request allows, its limit of output is lowered to what
is paid for. Innermost but for `admit`, once an attempt, so that fallbacks, retries, hedges and errands pass it too. Its
refusals say nothing of a deployment's health; one that carries `downgrade` may be answered further out by a cheaper
model. Knows nothing of where money is kept.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from farthing.catalog import Expect
from farthing.model.budget import Budget as Rule
from farthing.model.call import Answer, Ask, Call, Deployment
from farthing.model.errors import Unavailable, UnpricedModel
from farthing.model.money import Nano, nano_from_dollars
from farthing.model.record import Attempt
from farthing.model.routes import scopes_of
from farthing.pipeline import Proceed
from farthing.prices import PriceBook
from farthing.steps.budget.extending import extended
from farthing.steps.budget.index import NOTHING, Held, Holding
from farthing.steps.budget.purses import Purses
from farthing.steps.budget.quote import Quote, Quotes
from farthing.steps.budget.refusals import CONFIRM_HEADER, too_dear
from farthing.steps.budget.reserving import Reservation, Reserving
from farthing.steps.budget.usage import used
from farthing.wire import FORMATS
from farthing.wire.cut import WIRES
from farthing.wire.output_limit import with_output_limit

LENGTHS_S = 2.0
"""How long what was learned of lengths is remembered."""
MEMORY = 10_000
UNLEARNED = 5
"""Where too few answers were seen to know how long they may be: so many times what is expected."""

ENOUGH = 2
"""The last call of a budget must be able to have so many times what is expected: less would cut a third of such answers."""
SHORT = 256
"""Tokens that an answer is let have at the edge of a budget while nothing is known of its kind."""

Lengths = tuple[int, int]
"""Tokens of an answer: what 99 % stay within, and what is expected."""


class Worst(NamedTuple):
    """What a call must have set aside that will be answered later."""

    quote: Quote
    held: Holding
    out: int
    """Tokens of output that it is set aside for."""


class Budget:
    """See the module. `drains`: whether a provider bills a stream to its end although its client left."""

    name = "budget"

    def __init__(
        self, purses: Purses, book: PriceBook, expect: Expect, *, patience_s: float = 2.0,
        drains: Callable[[str], bool] = lambda provider: False, note: Callable[[Call], None] = lambda call: None,
        clock: Callable[[], float] = time.monotonic, now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        """`drains`: whether a provider bills a stream to its end although its client left. `note` writes down what is
        reserved for a call under way, when that grows; it may raise Unavailable."""
        self._purses = purses
        self._reserving = Reserving(purses)
        self._quotes = Quotes(book)
        self._expect = expect
        self._patience_s = patience_s
        self._drains = drains
        self._note = note
        self._clock = clock
        self._now_us = now_us
        self._lengths: dict[tuple[str, str, str, str], Lengths] = {}
        self._lengths_until = 0.0

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        deployment = call.deployment
        assert deployment is not None, "`balance` has chosen"
        held = self._purses.index.of(call.principal, deployment.model)
        if held is NOTHING or not FORMATS[call.wire].billed:
            return await proceed(call)
        now_us = self._now_us()
        quote = self._quotes.of(call, deployment, now_us)
        most_likely, expected = self._lengths_of(call, deployment)
        likely = max(quote.least, min(quote.most, most_likely * quote.choices))
        if held.capped:
            _stop_if_too_dear(call, held.capped, quote.nano(likely))
        hard, charges = held.hard, call.trail.charges
        if hard and not quote.priced:
            _refuse_unpriced(hard)
        extends = call.ask.stream and _can_extend(call, hard, quote)
        most = likely if extends else max(likely, quote.most)
        reservation = self._reserving.reserve_now(charges, hard, quote, likely, most, now_us)
        if reservation is None:
            floor = max(quote.least, min(likely, ENOUGH * expected * quote.choices))
            reservation = await self._reserving.reserve(charges, hard, quote, floor, likely, most, self._patience_s)
        if held.soft:
            self._reserving.only_charge(reservation, charges, held.soft)
        ask, body, first = call.ask, call.body, len(call.trail.attempts)
        try:
            if reservation.parts and not extends:
                self._limit(call, deployment, reservation)
            answer = await proceed(call)
        except BaseException:
            self._settle(reservation, call.trail.attempts[first:], deployment, likely)
            raise
        finally:
            call.ask, call.body = ask, body
        sent = call.trail.attempts[first:]
        if answer.stream is None:
            self._settle(reservation, sent, deployment, likely)
        else:
            if extends:
                extended(answer, call.wire, reservation.out, partial(self._more, call, reservation), self._clock)
            self._settle_at_end(answer, reservation, sent, call.trail.attempts, deployment, likely)
        return answer

    def worst(self, call: Call, deployment: Deployment, tier: str) -> Worst:
        """What the call can come to at most at a service tier that is sure to serve it, and the budgets that it must fit into.
        Its output limit is lowered to what its model can write, where neither says one. Raises CallTooDear, UnpricedModel."""
        now_us = self._now_us()
        quote = self._quotes.of(call, deployment, now_us, tier)
        if not quote.priced:  # that tier has no price of its own
            quote = self._quotes.of(call, deployment, now_us)
        held = self._purses.index.of(call.principal, deployment.model) if FORMATS[call.wire].billed else NOTHING
        if held.capped:
            likely = max(quote.least, min(quote.most, self._lengths_of(call, deployment)[0] * quote.choices))
            _stop_if_too_dear(call, held.capped, quote.nano(likely))
        if held.hard and not quote.priced:
            _refuse_unpriced(held.hard)
        if held.hard and quote.limitable and not quote.bounded:
            each = quote.most // quote.choices
            call.body = with_output_limit(call.wire, call.body, each, deployment.model)
            call.ask = _with_limit(call.ask, each)
        return Worst(quote, held, quote.most)

    def _settle_at_end(
        self, answer: Answer, reservation: Reservation, sent: list[Attempt], attempts: list[Attempt], deployment: Deployment,
        likely: int,
    ) -> None:  # fmt: skip
        answer.on_end(lambda _: self._settle(reservation, _with_parts(sent, attempts), deployment, likely))

    def _settle(
        self, reservation: Reservation, sent: Sequence[Attempt], deployment: Deployment, likely: int
    ) -> None:  # fmt: skip
        drains = self._drains(deployment.provider)
        reservation.settle(used(sent, reservation.quote, reservation.out, likely, drains=drains))

    async def _more(self, call: Call, reservation: Reservation, wanted: int) -> bool:
        """Reserve until an answer of so many tokens is paid for, and write it down; False where that cannot be."""
        if wanted > reservation.out and not await self._reserving.more(reservation, wanted - reservation.out):
            return False
        try:
            self._note(call)
        except Unavailable:
            return False
        return True

    def _limit(self, call: Call, deployment: Deployment, reservation: Reservation) -> None:
        """Lower the request's limit of output to what is paid for, where that is less than it allows."""
        quote, out = reservation.quote, reservation.out
        if not quote.limitable or (out >= quote.most and quote.bounded):
            return
        each = out // quote.choices
        call.body = with_output_limit(call.wire, call.body, each, deployment.model)
        call.ask = _with_limit(call.ask, each)
        names = ", ".join(part.purse.budget.id for part in reservation.parts)
        call.trail.note(self.name, f"at most {each} tokens of output", f"what is left of {names} pays for no more")

    def _lengths_of(self, call: Call, deployment: Deployment) -> Lengths:
        now = self._clock()
        if now >= self._lengths_until or len(self._lengths) >= MEMORY:
            self._lengths = {}
            self._lengths_until = now + LENGTHS_S
        key = (call.principal.tenant, call.template, call.task, deployment.model)
        found = self._lengths.get(key)
        if found is None:
            scopes = scopes_of(call.template, call.task)
            expected = math.ceil(self._expect.tokens(call.principal.tenant, scopes, deployment.model))
            most = self._expect.likely_most(call.principal.tenant, scopes, deployment.model)
            if most is None:
                most = UNLEARNED * expected
                if not self._expect.was_seen(call.principal.tenant, scopes, deployment.model):
                    expected = min(expected, SHORT // ENOUGH)
            found = self._lengths[key] = (most, expected)
        return found


def _can_extend(call: Call, hard: Sequence[Held], quote: Quote) -> bool:
    """Whether a stream may have more reserved as it goes: all its budgets say so, and what it writes can be seen."""
    return quote.limitable and call.wire in WIRES and bool(hard) and all(budget.cover == "likely" for budget, _ in hard)


def _with_parts(sent: Sequence[Attempt], attempts: Sequence[Attempt]) -> list[Attempt]:
    """What was sent, and its parts that the provider bills apart, which are known at the end."""
    if len(attempts) == len(sent):
        return list(sent)
    numbers = {attempt.no for attempt in sent}
    return [each for each in attempts if any(each is one for one in sent) or (each.part and each.no in numbers)]


def _with_limit(ask: Ask, most: int) -> Ask:
    return Ask(
        ask.model, ask.stream, ask.wants_usage, most, ask.user, ask.metadata, ask.tier, ask.wants_reasoning, ask.cache_ttl,
        ask.choices,
    )  # fmt: skip


def _stop_if_too_dear(call: Call, capped: Sequence[Rule], cost: Nano) -> None:
    for budget in capped:
        if cost > budget.max_call and not (budget.confirm and _is_confirmed(call, cost)):
            raise too_dear(budget.id, cost, budget.max_call, confirm=budget.confirm)


def _is_confirmed(call: Call, cost: Nano) -> bool:
    """`yes`, or dollars that are enough."""
    said = call.headers.get(CONFIRM_HEADER, b"")[:32].decode("latin-1").strip().lower()
    if said in ("yes", "true"):
        return True
    try:
        return nano_from_dollars(said or "0") >= cost
    except (ArithmeticError, ValueError):
        return False


def _refuse_unpriced(hard: Sequence[Held]) -> None:
    for budget, _ in hard:
        if budget.unit == "money":
            raise UnpricedModel(
                f"No price is known for this model, so the budget '{budget.id}' could not hold for it. Give it a price "
                "(prices.files or prices.contracts in farthing.toml).",
                param="model",
            )
