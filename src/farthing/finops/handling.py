"""Work done by AI against the same work done by people: what is saved, what comes back for each dollar, and how often AI must
succeed to pay. Arithmetic alone, exact: amounts are integer nano-dollars, shares are fractions.

    a person does all of it          n x human
    AI does it                       ai + review + fallback
    saved                            n x human - (ai + review + fallback)
    return (ROI)                     saved / (ai + review)
    break-even success rate          1 - (human - a - r) / f, with a, r for one transaction and f for one that failed

`review` is what people spend although AI did it, `fallback` what it costs that people do what AI failed at. Where each
failure costs a whole handling by hand the break-even rate is (a + r) / human.
"""

from fractions import Fraction

import msgspec

from farthing.model.money import Nano


class Handling(msgspec.Struct, frozen=True):
    """Sums over `transactions`, of which `failed` were done by hand in the end."""

    transactions: Fraction
    failed: Fraction
    ai: Nano
    """Of calls and tools."""
    review: Nano
    fallback: Nano
    human: Nano
    """One transaction, by hand."""

    @property
    def spent(self) -> Nano:
        """What it costs with AI, people included."""
        return self.ai + self.review + self.fallback

    @property
    def by_hand(self) -> Nano:
        return round(self.human * self.transactions)

    @property
    def saved(self) -> Nano:
        """Below zero where people would have been cheaper."""
        return self.by_hand - self.spent

    @property
    def saved_share(self) -> Fraction | None:
        return Fraction(self.saved, self.by_hand) if self.by_hand else None

    @property
    def roi(self) -> Fraction | None:
        """Dollars saved for each dollar that AI and its review cost; None where these cost nothing."""
        cost = self.ai + self.review
        return Fraction(self.saved, cost) if cost else None

    @property
    def break_even(self) -> Fraction | None:
        """The success rate above which AI pays; above 1: it never does. None where handling by hand costs nothing."""
        if not self.human or not self.transactions:
            return None
        each = self.fallback / self.failed if self.failed else Fraction(self.human)
        left = self.human - (self.ai + self.review) / self.transactions
        if not each:
            return Fraction(0) if left >= 0 else None
        return max(Fraction(0), 1 - left / each)


def people(seconds: int, hourly_rate: Nano) -> Nano:
    """What so much of a person's time costs."""
    return round(Fraction(seconds * hourly_rate, 3600))


def each_of(amount: Nano, count: int | Fraction) -> Nano | None:
    """The mean, to the nano-dollar, half to even; None of nothing."""
    return round(Fraction(amount) / count) if count else None
