"""What a business transaction will cost, before there is any traffic:

    (calls x tokens x price of a token) + (tool calls x tool cost) + (embedding queries x embedding cost)

against what it costs by hand. Every line is exact until it is rounded, half to even, to the nano-dollar; the total is the sum
of the lines as they are shown. Knows nothing of the store.
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from farthing.finops.handling import Handling
from farthing.model.errors import BadRequest
from farthing.model.money import PICO_PER_NANO, Nano, exact_dollars
from farthing.model.usage import Usage
from farthing.prices import PriceBook


class Item(msgspec.Struct, frozen=True):
    """One line of the sum."""

    what: str
    """model, tools, embeddings, other."""
    name: str
    count: Fraction
    """How often in one transaction."""
    each: Nano
    """One of them, rounded for people."""
    cost: Nano
    """All of them."""
    how: str
    """The sum in words."""


class Estimate(msgspec.Struct, frozen=True):
    """One transaction."""

    items: list[Item]
    success_rate: Fraction
    review: Nano
    """People's time that is spent although AI does it."""
    human: Nano | None
    """By hand; None where nobody said."""

    @property
    def cost(self) -> Nano:
        return sum(item.cost for item in self.items)

    @property
    def handling(self) -> Handling | None:
        if self.human is None:
            return None
        failed = 1 - self.success_rate
        return Handling(Fraction(1), failed, self.cost, self.review, round(failed * self.human), self.human)

    @property
    def per_success(self) -> Nano | None:
        """AI and review for each transaction that succeeds; None where none does."""
        return round((self.cost + self.review) / self.success_rate) if self.success_rate else None


def model_item(
    book: PriceBook, provider: str, model: str, usage: Usage, calls: Fraction, retries: Fraction, at_us: int
) -> Item:  # fmt: skip
    """Calls of a model with this usage on average, a share of `retries` of them sent once more. Raises BadRequest for a model
    without a price."""
    priced = book.price(provider, model, usage, at_us=at_us)
    if priced.state == "unpriced":
        raise BadRequest(
            f"No price is known for {model!r} at the list {provider!r}, so its cost is unknown.", param="model"
        )
    pico = sum(line.count * line.rate for line in priced.lines)
    sent = calls * (1 + retries)
    parts = " + ".join(
        f"{line.count:,} {_UNITS.get(line.unit, line.unit)} x ${_per_million(line.rate)}/1M" for line in priced.lines
    )
    again = f" x {shown(1 + retries)} for retries" if retries else ""
    return Item(
        "model", model, sent, priced.nano, round(Fraction(pico, PICO_PER_NANO) * sent), f"{shown(calls)} calls{again} x ({parts})"
    )  # fmt: skip


_UNITS = {"uncached_in": "input", "cache_read": "cached input", "out": "output"}


def embedding_item(
    book: PriceBook, provider: str, model: str, tokens: int, queries: Fraction, at_us: int
) -> Item:  # fmt: skip
    """Queries of an embedding model. Raises BadRequest for a model without a price."""
    one = model_item(book, provider, model, Usage(uncached_in=tokens), queries, Fraction(0), at_us)
    return msgspec.structs.replace(one, what="embeddings", how=one.how.replace(" calls x", " queries x"))


def plain_item(what: str, name: str, count: Fraction, each: Nano) -> Item:
    """So many at a known amount."""
    unit = {"tools": "uses", "embeddings": "queries"}.get(what)
    how = f"{shown(count)} {unit} x ${trimmed(each)}" if unit else "as given"
    return Item(what, name, count, each, round(count * each), how)


def estimate(
    items: Sequence[Item], *, success_rate: Fraction = Fraction(1), review: Nano = 0, human: Nano | None = None
) -> Estimate:  # fmt: skip
    """Raises BadRequest for a success rate that is none."""
    if not 0 <= success_rate <= 1:
        raise BadRequest("A success rate is between 0 and 1, or 0 % and 100 %.", param="success_rate")
    return Estimate(list(items), success_rate, review, human)


def shown(count: Fraction) -> str:
    """A count for people; counts were typed, so they end."""
    return f"{count.numerator:,}" if count.denominator == 1 else f"{float(count):,.6g}"


def trimmed(amount: Nano) -> str:
    """The exact amount, without zeros that say nothing, at least in cents."""
    whole, _, digits = exact_dollars(amount).partition(".")
    return f"{int(whole):,}.{digits.rstrip('0').ljust(2, '0')}"


def _per_million(rate: int) -> str:
    """Pico-dollars a unit as dollars for a million."""
    return trimmed(rate * 1_000_000 // PICO_PER_NANO)
