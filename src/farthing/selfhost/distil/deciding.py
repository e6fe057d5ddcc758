"""Distil or not: what a training costs, what it saves a month, and when it has paid for itself, each as an interval.

Tokens are guessed from bytes (4 a token; 3 to 5 as the interval: English prose in today's tokenizers has 4.2 to 4.8 bytes, code
and other languages fewer). A provider bills them times the epochs. On own GPUs a token takes 6 operations a parameter to
train (2 forward, 4 back: Kaplan et al., Scaling Laws, 2020), 4 with LoRA, whose frozen weights need no gradients, at 30 to
45 % of the GPU's peak. Amounts in dollars are for planning and never reach the ledger. Knows nothing of stores.
"""

import math
from typing import Literal

import msgspec

from farthing.selfhost.gpu_prices import Offer

BYTES_A_TOKEN = (5.0, 4.0, 3.0)
"""The fewest tokens, the likely, the most."""
USED_PEAK = (0.45, 0.375, 0.30)
FLOPS = {"full": 6.0, "lora": 4.0}
"""Operations a parameter and token."""
HORIZON_MONTHS = 12.0
"""What has not paid for itself by then is not worth it: models and prices change."""

Verdict = Literal["distil", "measure first", "do not"]


class Range(msgspec.Struct, frozen=True):
    """An interval, with what is likely."""

    low: float
    likely: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __sub__(self, other: "Range") -> "Range":
        return Range(self.low - other.high, self.likely - other.likely, self.high - other.low)

    def times(self, factor: float) -> "Range":
        return Range(self.low * factor, self.likely * factor, self.high * factor)


NOTHING = Range(0.0, 0.0, 0.0)


def exactly(value: float) -> Range:
    return Range(value, value, value)


def tokens(size: int) -> Range:
    """Of so many bytes of UTF-8."""
    return Range(*(size / each for each in BYTES_A_TOKEN))


def training_at_provider(size: int, epochs: float, dollars_a_million: float) -> Range:
    """Dollars for `epochs` over a file of so many bytes."""
    return tokens(size).times(epochs * dollars_a_million / 1e6)


def gpu_hours(known: Range, epochs: float, parameters: float, tflops: float, way: str = "lora") -> Range:
    """GPU hours for so many tokens an epoch; `tflops` is the GPU's peak in 10^12 operations a second at the format that is
    trained in."""
    work = known.times(epochs * FLOPS[way] * parameters / (tflops * 1e12) / 3600)
    best, likely, worst = USED_PEAK
    return Range(work.low / best, work.likely / likely, work.high / worst)


def gpu_dollars(hours: Range, offer: Offer) -> Range:
    """At what an hour costs at the cheapest, the middle and the dearest seller."""
    return Range(hours.low * offer.low, hours.likely * offer.median, hours.high * offer.high)


class Question(msgspec.Struct, frozen=True):
    """What is to be decided. Dollars."""

    calls_a_month: Range
    teacher_call: float
    """What a call costs today, all attempts and the provider's cache in it."""
    tuned_call: Range
    """What it would cost."""
    share: Range
    """Of the calls that the new model would take over, 0 to 1."""
    training: Range
    evaluation: float = 0.0
    people: float = 0.0
    """What it costs people to look at data and results, once."""
    hosting_a_month: float = 0.0
    """For models that cost while nobody calls them."""
    more_errors: Range = NOTHING
    """Share of the calls with a worse answer than today, less those with a better one; may be below 0."""
    dollars_an_error: float = 0.0


class Decision(msgspec.Struct, frozen=True):
    """Dollars and months."""

    saved_a_month: Range
    """Before errors."""
    errors_a_month: Range
    net_a_month: Range
    once: Range
    pay_back: Range
    """Months; infinite where it never pays."""
    verdict: Verdict
    why: str


def decide(asked: Question) -> Decision:
    """`distil` where it pays within a year even at the unfavourable end; `do not` where not even at the favourable one."""
    gain = Range(
        *(asked.teacher_call - each for each in (asked.tuned_call.high, asked.tuned_call.likely, asked.tuned_call.low))
    )
    saved = _product(gain, _product(asked.calls_a_month, asked.share)) - exactly(asked.hosting_a_month)
    errors = _product(asked.more_errors, _product(asked.calls_a_month, asked.share)).times(asked.dollars_an_error)
    net = saved - errors
    once = asked.training + exactly(asked.evaluation + asked.people)
    pay_back = Range(_months(once.low, net.high), _months(once.likely, net.likely), _months(once.high, net.low))
    verdict, why = _judged(net, pay_back)
    return Decision(saved, errors, net, once, pay_back, verdict, why)


def _judged(net: Range, pay_back: Range) -> tuple[Verdict, str]:
    if net.high <= 0:
        return "do not", "it saves nothing even at the favourable end"
    if pay_back.low > HORIZON_MONTHS:
        return "do not", f"even at the favourable end it takes {pay_back.low:.0f} months to pay for itself"
    if pay_back.high <= HORIZON_MONTHS:
        return "distil", f"even at the unfavourable end it has paid for itself after {pay_back.high:.1f} months"
    return "measure first", "whether it pays hangs on what is not measured yet: volume, share and quality"


def _months(once: float, a_month: float) -> float:
    if a_month <= 0:
        return math.inf
    return once / a_month


def _product(one: Range, other: Range) -> Range:
    ends = [left * right for left in (one.low, one.high) for right in (other.low, other.high)]
    return Range(min(ends), one.likely * other.likely, max(ends))
