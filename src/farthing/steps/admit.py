"""Innermost step, once an attempt: refuses a model without a price, journals what is about to be sent, and prices it when
it has ended, from the usage that the provider reported.

After a `kill -9` the journal says which calls were under way, so that what they may have cost is not forgotten.
"""

from typing import Protocol

from farthing.model.call import Answer, Call, Deployment, Ending
from farthing.model.errors import Unavailable, UnpricedModel
from farthing.model.record import Attempt, Record
from farthing.pipeline import Proceed
from farthing.prices import PriceBook, Priced


class Journal(Protocol):
    """Where calls under way are written down. The ledger closes an entry when it has committed the call's record."""

    def open(self, record: Record) -> None:
        """Raises Unavailable if there is no room on the disk."""


UNDER_WAY = Ending("interrupted")
UNSENT = frozenset(("error", "unreachable"))
"""Outcomes that no provider bills: it refused the request, or never got it."""
BROKEN = frozenset(("broken", "timeout"))
"""Outcomes of an answer that the provider did not bring to its end."""
TRUSTED = (0.5, 2.0)
"""A provider's own price is taken while its ratio to ours lies between these; else ours counts and the row is marked."""


class Admit:
    """See the module. `journal`: None where nobody reads it after a kill."""

    name = "admit"

    def __init__(
        self, book: PriceBook, journal: Journal | None, *, allow_unpriced: bool = False, serve_without_ledger: bool = False
    ) -> None:  # fmt: skip
        self._book = book
        self._journal = journal
        self._allow_unpriced = allow_unpriced
        self._serve_without_ledger = serve_without_ledger

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        deployment = call.deployment
        assert deployment is not None, "`balance` has chosen"
        model = deployment.price_as or deployment.model
        if not self._allow_unpriced and self._book.card(deployment.prices, model) is None:
            raise UnpricedModel(
                f"No price is known for this model at '{deployment.prices}', so its cost could not be booked. Give it a price "
                "(prices.files or prices.contracts in farthing.toml), or set prices.allow_unpriced = true.",
                param="model",
            )
        if self._journal is not None:
            self._note(self._journal, call)
        first = len(call.trail.attempts)
        try:
            answer = await proceed(call)
        except BaseException:
            self._settle(call, call.trail.attempts[first:], deployment)
            raise
        sent = call.trail.attempts[first:]
        answer.on_end(lambda _: self._settle(call, sent, deployment))
        return answer

    def _note(self, journal: Journal, call: Call) -> None:
        try:
            journal.open(call.record(0, UNDER_WAY, 0))
        except Unavailable:
            if not self._serve_without_ledger:
                raise

    def _settle(self, call: Call, sent: list[Attempt], deployment: Deployment) -> None:
        """Price what was sent, with the parts that the provider bills apart. By then the call may be under way elsewhere."""
        attempts = call.trail.attempts
        if len(attempts) > len(sent):
            numbers = {attempt.no for attempt in sent}
            attempts = [
                each for each in attempts if any(each is one for one in sent) or (each.part and each.no in numbers)
            ]
        for attempt in attempts:
            price(attempt, self._book, deployment)


def price(attempt: Attempt, book: PriceBook, deployment: Deployment) -> None:
    """Put the attempt's cost into it, and how that cost is known."""
    usage = attempt.usage
    if usage is None:
        attempt.cost_state = "computed" if attempt.outcome in UNSENT else "unknown"
        return
    if attempt.outcome in BROKEN and attempt.estimated:
        attempt.cost_state = "unknown"  # what the provider bills for an answer that it broke off, nobody has said
        return
    model = deployment.price_as or attempt.served_model or attempt.model
    priced = book.price(
        deployment.prices, model, usage,
        tier=attempt.tier, geo=attempt.geo, at_us=attempt.started_us, estimated=attempt.estimated,
    )  # fmt: skip
    attempt.cost_state, attempt.cost, attempt.lines = priced.state, priced.nano, priced.lines
    attempt.price_version = priced.version
    attempt.list_cost = priced.list_nano
    if priced.flags:
        attempt.flags = [*attempt.flags, *priced.flags]
    if attempt.reported_cost is not None:
        _compare(attempt, priced, attempt.reported_cost)


def _compare(attempt: Attempt, priced: Priced, reported: int) -> None:
    """A provider's own price counts where ours is unknown or roughly the same list price; one in other units must not trip
    a budget, and one at list price must not undo a contract."""
    agreed = priced.nano != priced.list_nano
    near = TRUSTED[0] * priced.nano <= reported <= TRUSTED[1] * priced.nano
    if priced.state in ("unpriced", "unknown") or (near and not agreed):
        attempt.cost_state, attempt.cost = "reported", reported
    elif not near:
        attempt.flags = [*attempt.flags, "reported_cost_differs"]
