"""Own GPUs in the ledger: of each paid hour, what calls used and what nobody did.

    paid = GPUs x dollars an hour x paid hours + the month's rest;  used = tokens, weighted, x dollars of a busy token
    idle = paid - used;  utilisation = used / paid of the GPUs

Whole nano-dollars, rounded once a sum. Knows nothing of HTTP and pages.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import msgspec

from farthing.model.money import Nano
from farthing.settings import OwnDeploymentSettings
from farthing.store.rollups import HOUR_US
from farthing.store.served import Served

NANO = 1_000_000_000
WEEK_HOURS = 168
MONTH_HOURS = 730


class Standing(msgspec.Struct, frozen=True):
    """A deployment over a span. Amounts in nano-dollars."""

    deployment: str
    since_us: int
    until_us: int
    paid_hours: float
    """Of one GPU's clock: the span's hours that are paid."""
    gpu_hours: float
    paid: Nano
    """GPUs and the rest together."""
    gpus: Nano
    used: Nano
    """What calls used of the GPUs."""
    idle: Nano
    """Paid for GPUs, and used by nobody. Below nothing: more was served than the stated speed allows."""
    attempts: int
    without_usage: int
    fresh_tokens: int
    cached_tokens: int
    output_tokens: int
    busiest: float
    """Utilisation of the busiest hour."""
    in_ledger: Nano
    """What the ledger's rows say that these attempts cost."""

    @property
    def utilisation(self) -> float:
        return self.used / self.gpus if self.gpus else 0.0

    @property
    def per_call(self) -> Nano | None:
        """What a call used, on average. None where there was none."""
        return round(Fraction(self.used, self.attempts)) if self.attempts else None

    @property
    def per_call_with_idle(self) -> Nano | None:
        """All that was paid, over the calls."""
        return round(Fraction(self.paid, self.attempts)) if self.attempts else None

    @property
    def per_million(self) -> Nano | None:
        """All that was paid, over a million output tokens."""
        return round(Fraction(self.paid * 1_000_000, self.output_tokens)) if self.output_tokens else None


def standing(
    name: str, own: OwnDeploymentSettings, hours: Sequence[Served], since_us: int, until_us: int
) -> Standing:  # fmt: skip
    """How the paid hours of the span were used."""
    since, until = _paid_span(own, since_us, until_us)
    within = [each for each in hours if since <= each.hour_us < until]
    share = Fraction(str(own.hours_a_week)) / WEEK_HOURS
    clock = Fraction(max(0, until - since), HOUR_US) * share
    an_hour = own.gpus * Fraction(own.dollars_per_gpu_hour or "0") * NANO
    gpus = round(an_hour * clock)
    rest = round(
        Fraction(own.other_dollars_a_month or "0") * NANO * Fraction(max(0, until - since), HOUR_US) / MONTH_HOURS
    )
    a_token = an_hour / (Fraction(str(own.tokens_per_second)) * 3600)
    used = round(sum((_weighted(own, each) for each in within), Fraction()) * a_token)
    return Standing(
        deployment=name, since_us=since, until_us=until, paid_hours=float(clock), gpu_hours=float(clock * own.gpus),
        paid=gpus + rest, gpus=gpus, used=used, idle=gpus - used, attempts=sum(each.attempts for each in within),
        without_usage=sum(each.without_usage for each in within), fresh_tokens=sum(each.fresh_tokens for each in within),
        cached_tokens=sum(each.cached_tokens for each in within), output_tokens=sum(each.output_tokens for each in within),
        busiest=max((_utilisation(own, each) for each in within), default=0.0), in_ledger=sum(each.cost for each in within),
    )  # fmt: skip


def _weighted(own: OwnDeploymentSettings, each: Served) -> Fraction:
    """Output tokens that would have taken as much of the GPUs."""
    fresh = each.fresh_tokens * Fraction(str(own.input_weight))
    return each.output_tokens + fresh + each.cached_tokens * Fraction(str(own.cached_weight))


def _utilisation(own: OwnDeploymentSettings, each: Served) -> float:
    return float(_weighted(own, each) / (Fraction(str(own.tokens_per_second)) * 3600))


def _paid_span(own: OwnDeploymentSettings, since_us: int, until_us: int) -> tuple[int, int]:
    """The part of the span in which it was paid for."""
    first = _midnight(own.valid_from) if own.valid_from is not None else since_us
    last = _midnight(own.valid_to + timedelta(days=1)) if own.valid_to is not None else until_us
    return max(since_us, first), min(until_us, last)


def _midnight(day: object) -> int:
    moment = datetime.fromisoformat(str(day)).replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
