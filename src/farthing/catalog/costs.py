"""What calls are expected to cost at each model: expected output, at the rates that the call would meet.

Priced by the price book like any usage, so that long-context bands, service tiers, contracts and dates hold here as they
do in the ledger. All amounts are integer nano-dollars; None is a price that nobody knows.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from farthing.catalog.cached import NOTHING as UNCACHED
from farthing.catalog.cached import Share
from farthing.catalog.catalog import Catalog
from farthing.catalog.expect import Expect
from farthing.model.asked import Asked
from farthing.model.call import Call, Deployment
from farthing.model.money import Nano, show_dollars
from farthing.model.record import Attempt
from farthing.model.routes import ANY
from farthing.model.usage import Usage
from farthing.prices import PriceBook

SHORTEST_PREFIX = 1_024
"""Tokens of input that the large providers begin to cache at."""
CHARS_PER_TOKEN = 4

CachedShareOf = Callable[[str, tuple[str, ...], str], Share]
"""Of a tenant's calls in these scopes, at a model by its name there."""

TYPICAL_IN = 1_000
"""Tokens of input of the call that tiers are compared by."""

_NOTHING = Asked()
_FOLDED = ("cache_read", "w5m", "w1h", "w30m", "w12h", "image_in", "tool_in")
"""Input that a model without such a rate would read as plain input."""


class Costs:
    """Expected and counterfactual costs."""

    def __init__(
        self, book: PriceBook, catalog: Catalog, expect: Expect, ratio: Callable[[str], float] = lambda model: 1.0,
        cached: CachedShareOf = lambda tenant, scopes, model: UNCACHED,
    ) -> None:  # fmt: skip
        """`ratio`: tokens that a model's provider counts for one that was guessed from bytes, by its name there; `cached`: what
        calls of a kind read from its prompt cache and write to it."""
        self._book = book
        self._catalog = catalog
        self._expect = expect
        self._ratio = ratio
        self._cached = cached

    def of(
        self, model: str, call: Call, scopes: tuple[str, ...], *, warm: bool = False, longer: float = 1.0
    ) -> Nano | None:
        """A call at `model`; `warm`: all but its latest words lie in the provider's cache; `longer`: how many times the usual
        output is expected."""
        asked, ask = call.asked or _NOTHING, call.ask
        there = self._catalog.name_there(model)
        tokens = round(self._ratio(there) * asked.in_tokens)
        share = self._cached(call.principal.tenant, scopes, there)
        read = round(tokens * share.read)
        if warm and asked.in_tokens:
            read = max(read, tokens * _prefix(asked) // asked.in_tokens)
        return self.expected(
            model, tokens, read, call.principal.tenant, scopes, max_output=ask.max_output, choices=ask.choices, tier=ask.tier,
            longer=longer, at_us=call.started_us, written=min(tokens - read, round(tokens * share.written)),
        )  # fmt: skip

    def expected(
        self, model: str, in_tokens: int, cached: int, tenant: str, scopes: tuple[str, ...], *, max_output: int | None = None,
        choices: int = 1, tier: str = "", longer: float = 1.0, at_us: int, written: int = 0,
    ) -> Nano | None:  # fmt: skip
        """A call of `in_tokens`, `cached` of them read from the provider's cache and `written` of them written to it for its
        shorter lifetime, at the model's first deployment."""
        places = self._catalog.places(model)
        if not places:
            return None
        out = longer * self._expect.tokens(tenant, scopes, model)
        if max_output is not None and out > max_output:
            out = max_output
        usage = Usage(uncached_in=in_tokens - cached, cache_read=cached, out=max(1, round(out * choices)))
        if written:
            usage.uncached_in -= written
            if places[0].prices == "anthropic":
                usage.w5m = written
            else:
                usage.w30m = written
        return self._price(places[0], usage, tier, "", at_us)

    def output_ratio(self, model: str, other: str, tenant: str, scopes: tuple[str, ...]) -> float | None:
        """How many tokens `model` writes for one that `other` writes on such work; None where that was not seen."""
        if not all(self._expect.was_seen(tenant, scopes, each) for each in (model, other)):
            return None
        return self._expect.tokens(tenant, scopes, model) / self._expect.tokens(tenant, scopes, other)

    def price_at(self, model: str, attempt: Attempt, usage: Usage) -> Nano | None:
        """What `usage` would have cost at the model's first deployment, at the time and service tier of `attempt`."""
        places = self._catalog.places(model)
        return self._price(places[0], usage, attempt.tier, attempt.geo, attempt.started_us) if places else None

    def as_embedding(self, in_tokens: int, at_us: int, model: str = "") -> Nano | None:
        """What a call would have cost if its input had gone to a model that makes vectors (default: the catalog's first).
        An upper bound: instructions need no vector, and vectors of texts that come again can be kept."""
        places = self._catalog.places(model or next(iter(self._catalog.embeddings), ""))
        return self._price(places[0], Usage(uncached_in=in_tokens), "", "", at_us) if places else None

    def dear_tiers(self, at_us: int) -> Iterator[str]:
        """Warnings of tiers whose cheapest model is expected to cost more than the cheapest of the next tier up."""
        cheapest: list[tuple[Nano, str, str]] = []
        for tier, models in self._catalog.tiers().items():
            costs = [(cost, model) for model in models if (cost := self._typical(model, at_us)) is not None]
            if costs:
                cheapest.append((*min(costs), tier))
        for (below, lower, small), (above, upper, better) in pairwise(cheapest):
            if below > above:
                yield (
                    f"routing.{small}: a typical call is expected to cost {show_dollars(below)} with {lower}, more than "
                    f"{show_dollars(above)} with {upper} of the tier {better}"
                )

    def _typical(self, model: str, at_us: int) -> Nano | None:
        return self.expected(model, TYPICAL_IN, 0, ANY, (ANY,), at_us=at_us)

    def _price(self, place: Deployment, usage: Usage, tier: str, geo: str, at_us: int) -> Nano | None:
        """At the service tier, or at the standard one where the model does not have it."""
        nano = self._at_tier(place, usage, tier, geo, at_us)
        return nano if nano is not None or not tier else self._at_tier(place, usage, "", geo, at_us)

    def _at_tier(self, place: Deployment, usage: Usage, tier: str, geo: str, at_us: int) -> Nano | None:
        name = place.price_as or place.model
        priced = self._book.price(place.prices, name, usage, tier=tier, geo=geo, at_us=at_us)
        if priced.state == "unpriced":
            lacking = {flag.removeprefix("no_rate:") for flag in priced.flags}
            folded = [unit for unit in _FOLDED if unit in lacking]
            if not folded:
                return None
            priced = self._book.price(place.prices, name, _as_plain(usage, folded), tier=tier, geo=geo, at_us=at_us)
        return priced.nano if priced.state != "unpriced" else None


def _prefix(asked: Asked) -> int:
    """Tokens before the latest words, which a warm cache holds; 0 where they are too few to be cached."""
    new = len(asked.text) // CHARS_PER_TOKEN
    before = asked.in_tokens - new
    return before if before >= SHORTEST_PREFIX else 0


def _as_plain(usage: Usage, units: Sequence[str]) -> Usage:
    """The same usage with some kinds of input counted as plain input."""
    values = {name: getattr(usage, name) for name in usage.__struct_fields__}
    values["uncached_in"] += sum(values[unit] for unit in units)
    return Usage(**{**values, **dict.fromkeys(units, 0)})
