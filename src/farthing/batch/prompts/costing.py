"""What the requests of a file will cost, before any of them is sent: as a batch and at once, likely and at most.

    likely    the input by its bytes and the model's ratio, the output as long as such answers have been
    at most   the input at an upper estimate, each answer as long as its bound, or the model's, allows

Priced by the price book at the model's first deployment. Amounts are nano-dollars; None is a price that nobody knows.
"""

from collections.abc import Callable, Sequence

import msgspec

from farthing.batch.prompts.tally import Group
from farthing.catalog.catalog import Catalog
from farthing.catalog.costs import Costs
from farthing.catalog.expect import Expect
from farthing.model.money import Nano
from farthing.model.routes import scopes_of
from farthing.model.usage import Usage
from farthing.prices import PriceBook

MOST_OUTPUT = 16_384
"""Tokens of an answer of which neither the request nor our data know a bound."""
BATCH = "batch"


class Quote(msgspec.Struct):
    """Of all requests together."""

    requests: int = 0
    in_tokens: int = 0
    out_tokens: int = 0
    """As likely."""
    batch: Nano | None = 0
    """As likely, at the price of batches."""
    at_once: Nano | None = 0
    """As likely, at the synchronous price."""
    most: Nano | None = 0
    """At most, at the synchronous price: that of a line whose batch would be late."""
    models: list[str] = []
    unpriced: list[str] = []
    """Models of which no price is known."""


class Coster:
    """See the module. `ratio`: tokens that a model's provider counts for one that was guessed from bytes, by its name
    there."""

    def __init__(
        self, catalog: Catalog, costs: Costs, expect: Expect, book: PriceBook,
        ratio: Callable[[str], float] = lambda model: 1.0,
    ) -> None:  # fmt: skip
        self._catalog, self._costs, self._expect = catalog, costs, expect
        self._book = book
        self._ratio = ratio

    def quote(self, groups: Sequence[Group], tenant: str, at_us: int) -> Quote:
        """The costs of all groups."""
        quote = Quote(models=sorted({group.model for group in groups}))
        for group in groups:
            self._add(quote, group, tenant, at_us)
        return quote

    def _add(self, quote: Quote, group: Group, tenant: str, at_us: int) -> None:
        model, many = group.model, group.requests
        ratio = self._ratio(self._catalog.name_there(model))
        tokens, most = round(ratio * group.in_tokens), max(round(ratio * group.in_tokens), group.most_in_tokens)
        scopes = scopes_of(group.template, "embedding" if group.vectors else "")
        bound = 0 if group.vectors else self._bound(group)
        out = 0.0 if group.vectors else min(self._expect.tokens(tenant, scopes, model), bound)
        quote.requests += many
        quote.in_tokens += tokens
        quote.out_tokens += round(many * out * group.choices)

        def price(in_tokens: int, tier: str, longest: bool) -> Nano | None:
            """The requests of the group as so many like their mean."""
            if group.vectors:
                return self._vectors(model, in_tokens, tier, at_us)
            each = self._costs.expected(
                model, -(-in_tokens // many), 0, tenant, scopes, max_output=bound, choices=group.choices, tier=tier,
                longer=1e9 if longest else 1.0, at_us=at_us,
            )  # fmt: skip
            return None if each is None else each * many

        found = (price(tokens, BATCH, False), price(tokens, "", False), price(most, "", True))
        if None in found and model not in quote.unpriced:
            quote.unpriced.append(model)
        quote.batch, quote.at_once, quote.most = (
            None if before is None or more is None else before + more
            for before, more in zip((quote.batch, quote.at_once, quote.most), found, strict=True)
        )

    def _vectors(self, model: str, in_tokens: int, tier: str, at_us: int) -> Nano | None:
        """At the service tier, or at the standard one where the model does not have it."""
        places = self._catalog.places(model)
        for each in (tier, "") if places else ():
            place = places[0]
            priced = self._book.price(
                place.prices, place.price_as or place.model, Usage(uncached_in=in_tokens), tier=each, at_us=at_us
            )
            if priced.state != "unpriced":
                return priced.nano
        return None

    def _bound(self, group: Group) -> int:
        """The longest answer that a request allows, and its model gives."""
        known = self._catalog.facts(group.model).max_output
        if group.max_output is None:
            return MOST_OUTPUT if known is None else known
        return group.max_output if known is None else min(group.max_output, known)
