"""What a month of calls costs at a provider's API: every kind of token at its own price, cached input and batches included.

    month = input not cached x p_in + cached x p_cached + output x p_out, the batch share at its own prices
          + training tokens x epochs x p_training, spread over the months of use, + embedded tokens x p_embedding

Dollars for planning; what calls did cost is the ledger's to say. Knows nothing of GPUs.
"""

import msgspec

from farthing.model.errors import BadRequest
from farthing.model.money import Pico
from farthing.prices.book import PriceBook
from farthing.prices.card import TOKEN_UNITS
from farthing.selfhost.tco.demand import Demand

MILLION = 1_000_000
BATCH = 0.5
"""What a batch costs of the standard price, where the list does not say."""
PICO = 1e12


class ApiPrices(msgspec.Struct, frozen=True):
    """Dollars a million tokens."""

    input: float
    output: float
    cached: float | None = None
    """None: the list has none, and cached input costs as other input."""
    batch_input: float | None = None
    batch_output: float | None = None
    """None: half."""
    training: float = 0.0
    embedding: float = 0.0
    source: str = "given"


class Extras(msgspec.Struct, frozen=True):
    """What an API bills beside the calls, where it is used."""

    training_tokens: float = 0.0
    epochs: float = 1.0
    months: float = 12.0
    """For how long a fine-tuned model is used."""
    embedded_tokens: float = 0.0
    """A month."""


NO_EXTRAS = Extras()


class ApiCost(msgspec.Struct, frozen=True):
    """Dollars a month, by what they are for."""

    input: float
    cached: float
    output: float
    training: float
    embedding: float

    @property
    def total(self) -> float:
        return self.input + self.cached + self.output + self.training + self.embedding

    @property
    def of_calls(self) -> float:
        """What grows with the calls."""
        return self.input + self.cached + self.output


def api_cost(demand: Demand, prices: ApiPrices, extras: Extras = NO_EXTRAS) -> ApiCost:
    """The month's bill. Batches have no prices for cached input in most lists, so their cached part gets the batch's
    share of it."""
    cached_price = prices.input if prices.cached is None else prices.cached
    batch_in = prices.input * BATCH if prices.batch_input is None else prices.batch_input
    batch_out = prices.output * BATCH if prices.batch_output is None else prices.batch_output
    batch, now = demand.batch_share, 1 - demand.batch_share
    cheaper = batch_in / prices.input if prices.input else BATCH
    taken = demand.calls * demand.input_tokens / MILLION
    fresh, cached = taken * (1 - demand.cached_share), taken * demand.cached_share
    return ApiCost(
        input=fresh * (now * prices.input + batch * batch_in),
        cached=cached * cached_price * (now + batch * cheaper),
        output=demand.output_month / MILLION * (now * prices.output + batch * batch_out),
        training=extras.training_tokens * extras.epochs * prices.training / MILLION / extras.months,
        embedding=extras.embedded_tokens * prices.embedding / MILLION,
    )


def prices_of(book: PriceBook, provider: str, model: str, at_us: int, input_tokens: float = 0) -> ApiPrices:
    """The list's rates for calls of this length, contracts included. Raises BadRequest where no price is known: that is
    not the same as free."""
    standard = _rates(book, provider, model, "", at_us, input_tokens)
    if standard is None or standard["uncached_in"] is None or standard["out"] is None:
        raise BadRequest(f"no price is known for {model} at {provider}")
    batch = _rates(book, provider, model, "batch", at_us, input_tokens) or {}
    return ApiPrices(
        input=standard["uncached_in"], output=standard["out"], cached=standard["cache_read"],
        batch_input=batch.get("uncached_in"), batch_output=batch.get("out"), source=f"{provider} {model}",
    )  # fmt: skip


def _rates(
    book: PriceBook, provider: str, model: str, tier: str, at_us: int, input_tokens: float
) -> dict[str, float | None] | None:  # fmt: skip
    rates = book.rates(provider, model, tier=tier, at_us=at_us)
    band = next((each for each in rates.bands if input_tokens > each.above), rates.bands[-1] if rates.bands else None)
    if band is None:
        return None
    return {unit: _dollars(rate) for unit, rate in zip(TOKEN_UNITS, band.tokens, strict=True)}


def _dollars(rate: Pico | None) -> float | None:
    """Of a million."""
    return None if rate is None else rate * MILLION / PICO
