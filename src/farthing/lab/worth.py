"""What a shorter prompt is worth: tokens and dollars a month at the ledger's volume, with the prefix at the rate that the
provider's cache gives it, and when the run has paid for itself. Reads the ledger; knows nothing of quality.
"""

from fractions import Fraction

import msgspec

from farthing.lab.confirm import Mean
from farthing.model.call import Deployment
from farthing.model.money import Nano
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from farthing.store.work import work

DAYS = 30
"""The last days, which stand for a month."""
_MANY = 1_000_000


class Volume(msgspec.Struct, frozen=True):
    """What the ledger has of the prompt's calls in the last `DAYS`."""

    calls: int
    in_tokens: int
    cached_tokens: int

    def prefix_cached(self, prefix: float) -> float:
        """Share of a prefix of so many tokens that the provider's cache served: what is cached begins with the prefix."""
        if not self.calls or prefix <= 0:
            return 0.0
        return min(1.0, self.cached_tokens / self.calls / prefix)


class Worth(msgspec.Struct, frozen=True):
    """Of a month. Amounts in nano-dollars; None where a price is not known."""

    calls: int
    """0: the ledger has none, or nobody said whose they are; then `saved_a_thousand` is all that is known."""
    in_tokens: float
    """Saved in each call."""
    out_tokens: float
    prefix_cached: float
    saved_a_thousand: Nano | None
    """In a thousand calls."""
    saved: Nano | None
    spent: Nano
    """By the run."""

    @property
    def pays_back_days(self) -> float | None:
        """None where it never does, or nobody knows."""
        if self.saved is None or self.saved <= 0:
            return None
        return DAYS * self.spent / self.saved


def volume(connection: Connection, now_us: int, *, tenant: str = "", feature: str = "", template: str = "") -> Volume:
    """Calls of the template if there is one, else of the feature."""
    rows = work(connection, now_us - DAYS * DAY_US, now_us + 1, tenant=tenant)
    mine = [
        row
        for row in rows
        if (template and row.template == template) or (not template and feature and row.feature == feature)
    ]
    return Volume(
        sum(row.calls for row in mine), sum(row.in_tokens for row in mine), sum(row.cached_tokens for row in mine)
    )  # fmt: skip


def worth(
    book: PriceBook, place: Deployment, seen: Volume, before: Mean, after: Mean, prefix: float, spent: Nano, at_us: int
) -> Worth:  # fmt: skip
    """What `after` saves beside `before`; `prefix`: tokens that the old prompt has before anything that changes."""
    in_tokens, out_tokens = before.in_tokens - after.in_tokens, before.out_tokens - after.out_tokens
    cached = seen.prefix_cached(prefix)
    plain = _rate(book, place, Usage(uncached_in=_MANY), at_us)
    read = _rate(book, place, Usage(cache_read=_MANY), at_us)
    out = _rate(book, place, Usage(out=_MANY), at_us)
    read = plain if read is None else read
    if plain is None or read is None or out is None:
        return Worth(seen.calls, in_tokens, out_tokens, cached, None, None, spent)
    share = Fraction(cached)
    one = Fraction(in_tokens) * ((1 - share) * plain + share * read) + Fraction(out_tokens) * out
    return Worth(
        seen.calls, in_tokens, out_tokens, cached, round(1000 * one), round(seen.calls * one) if seen.calls else None, spent
    )  # fmt: skip


def _rate(book: PriceBook, place: Deployment, usage: Usage, at_us: int) -> Fraction | None:
    """Nano-dollars for one unit."""
    priced = book.price(place.prices, place.price_as or place.model, usage, at_us=at_us)
    return (
        None
        if priced.state == "unpriced"
        else Fraction(sum(line.count * line.rate for line in priced.lines), 1000 * _MANY)
    )
