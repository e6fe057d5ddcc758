"""Innermost step, once an attempt: refuses a model without a price, and journals what is about to be sent.

After a `kill -9` the journal says which calls were under way, so that what they may have cost is not forgotten.
"""

from typing import Protocol

from farthing.model.call import Answer, Call, Ending
from farthing.model.errors import Unavailable, UnpricedModel
from farthing.model.record import Record
from farthing.pipeline import Proceed
from farthing.prices import PriceBook


class Journal(Protocol):
    """Where calls under way are written down. The ledger closes an entry when it has committed the call's record."""

    def open(self, record: Record) -> None:
        """Raises Unavailable if there is no room on the disk."""


UNDER_WAY = Ending("interrupted")


class Admit:
    """See the module."""

    name = "admit"

    def __init__(
        self, book: PriceBook, journal: Journal, *, allow_unpriced: bool = False, serve_without_ledger: bool = False
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
        try:
            self._journal.open(call.record(0, UNDER_WAY, 0))
        except Unavailable:
            if not self._serve_without_ledger:
                raise
        return await proceed(call)
