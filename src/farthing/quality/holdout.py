"""What a lever does to cost, quality and errors, from the sessions that went without it on purpose; and when to stop.

**Which comparison is fair.** A lever's booked saving, baseline less cost, is an estimate: the baseline of a treated call
is what the lever says that it would have cost, that of an untreated call is its own cost. Cost over baseline in both arms
would therefore compare the lever's word with itself. Here each arm's *paid cost a call* is compared, since the draw made
the arms alike in all else: nothing that the lever says of itself is in it. Chance still gives one arm bigger requests; the
covariate that takes this out is the size of the request as the client sent it, which no lever can change. Tokens are not
such a size (a hit has none, each model counts its own), and neither is the baseline.

What a lever does to the *number* of calls (a bad answer is asked again) is not in a cost a call; quality and errors are
looked at for that. Rows that no call caused (judge, shadow calls) belong to no arm and are reported by themselves. A
cache that some sessions do not fill has slightly fewer hits in the others: the effect shown is that at the present share.

**Intervals.** 95 %, clustered by session (`two_arms`). `low` and `high` are for one look. `always_low` and `always_high`
hold at every look together; verdicts and the rule that ends an arm use these, because they are looked at daily. They hold
for looks at data from one first day on.
"""

import math
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from farthing.model.money import Nano
from farthing.quality.two_arms import Cell, Comparison, at_any_look, at_one_look, compare
from farthing.store import ArmSums

DAY_US = 86_400_000_000
DAYS_A_MONTH = 365.25 / 12

MARGIN = 0.01
"""How much worse quality or the share of errors may be: one point."""
PRECISION = 0.05
"""Half width at which the interval of the effect on cost is narrow enough: 5 % of the cost."""
COST_SCALE, SCORE_SCALE = 0.2, 0.02
"""Sizes of effects that the looks are tuned to, see `two_arms.at_any_look`."""
LEAST_SHARE = 0.002
"""An arm is never shrunk below this: drift must be seen."""
WINDOW_DAYS = 28
"""A shrunk arm still shows in so many days what was shown."""
MOST_DAYS = 3650

Verdict = Literal["proven", "not yet", "harms"]


class Effect(msgspec.Struct, frozen=True):
    """The treated against the untreated, with its intervals."""

    value: float
    low: float
    high: float
    always_low: float
    always_high: float

    @property
    def half(self) -> float:
        """Half the width of the interval for one look."""
        return (self.high - self.low) / 2

    @property
    def always_half(self) -> float:
        return (self.always_high - self.always_low) / 2


class ArmSize(msgspec.Struct, frozen=True):
    """How much an arm saw."""

    calls: int = 0
    groups: int = 0
    """Groups of sessions: as many as there are sessions, as long as these are few (see `store.arms`)."""
    scored: int = 0
    errors: int = 0
    cost: Nano = 0


class Amount(msgspec.Struct, frozen=True):
    """Nano-dollars with the interval for one look."""

    value: Nano
    low: Nano
    high: Nano


class Proof(msgspec.Struct, frozen=True):
    """What is shown of one lever."""

    lever: str
    treated: ArmSize
    held_out: ArmSize
    days: int
    """From the first to the last day that has calls."""
    cost: Effect | None
    """On the cost a call, as a share of what it would be without the lever: -0.4 is 40 % cheaper. None: nothing to
    compare yet."""
    saved_a_month: Amount | None
    """At the present traffic of the treated."""
    quality: Effect | None
    """On the mean score (0 to 1), in points / 100. None: no scores in one of the arms."""
    errors: Effect | None
    """On the share of calls that fail."""
    days_needed: int | None
    """Until all intervals are narrow enough at the present rate; 0: they are, None: not in ten years, or not known."""
    verdict: Verdict
    why: str
    variance_left: float = 1.0
    """Of the cost's variance, after the size of requests is taken into account."""


def prove(sums: Iterable[ArmSums], *, margin: float = MARGIN, precision: float = PRECISION) -> list[Proof]:
    """What is shown of each lever that kept a hold-out, in the order of their names."""
    by_lever: dict[str, list[ArmSums]] = {}
    for each in sums:
        by_lever.setdefault(each.lever, []).append(each)
    return [_prove(lever, by_lever[lever], margin, precision) for lever in sorted(by_lever)]


def _prove(lever: str, sums: list[ArmSums], margin: float, precision: float) -> Proof:
    days = (max(each.day_us for each in sums) - min(each.day_us for each in sums)) // DAY_US + 1
    cost = compare(_cells(sums, lambda each: (each.priced, each.cost, each.request_bytes)))
    quality = compare(_cells(sums, lambda each: (each.scored, each.score, 0)), is_share=True)
    errors = compare(_cells(sums, lambda each: (each.calls, each.errors, 0)), is_share=True)
    on_cost = _relative(cost) if cost is not None and cost.untreated > 0 else None
    on_quality, on_errors = _difference(quality), _difference(errors)
    verdict, why = _verdict(on_cost, on_quality, on_errors, cost, margin)
    needed = _days_needed(days, [(on_cost, precision), (on_quality, margin), (on_errors, margin)])
    return Proof(
        lever=lever, treated=_size(sums, False), held_out=_size(sums, True), days=days, cost=on_cost,
        saved_a_month=_a_month(cost, days), quality=on_quality, errors=on_errors,
        days_needed=needed if verdict == "not yet" else 0, verdict=verdict, why=why,
        variance_left=cost.variance_left if cost is not None else 1.0,
    )  # fmt: skip


def _cells(sums: list[ArmSums], of: Callable[[ArmSums], tuple[float, float, float]]) -> list[Cell]:
    return [Cell(each.day_us, each.held_out, (each.tenant, each.group), *of(each)) for each in sums]


def _size(sums: list[ArmSums], held_out: bool) -> ArmSize:
    mine = [each for each in sums if each.held_out is held_out]
    return ArmSize(
        calls=sum(each.calls for each in mine), groups=len({(each.tenant, each.group) for each in mine}),
        scored=sum(each.scored for each in mine), errors=sum(each.errors for each in mine),
        cost=sum(each.cost for each in mine),
    )  # fmt: skip


def _relative(compared: Comparison) -> Effect:
    one = compared.ratio_interval(at_one_look(compared))
    always = compared.ratio_interval(at_any_look(compared, compared.ratio_variance, COST_SCALE))
    return Effect(compared.ratio - 1, one[0] - 1, one[1] - 1, always[0] - 1, always[1] - 1)


def _difference(compared: Comparison | None) -> Effect | None:
    if compared is None:
        return None
    one = compared.difference_interval(at_one_look(compared))
    always = compared.difference_interval(at_any_look(compared, compared.difference_variance, SCORE_SCALE))
    return Effect(compared.difference, *one, *always)


def _a_month(compared: Comparison | None, days: int) -> Amount | None:
    """What the lever saves a month: the difference of a call's cost times the treated calls a month."""
    if compared is None:
        return None
    calls = compared.treated_n / days * DAYS_A_MONTH
    low, high = compared.difference_interval(at_one_look(compared))
    return Amount(round(-compared.difference * calls), round(-high * calls), round(-low * calls))


def _verdict(
    cost: Effect | None, quality: Effect | None, errors: Effect | None, compared: Comparison | None, margin: float
) -> tuple[Verdict, str]:
    if cost is None or compared is None:
        return "not yet", "one of the arms has no sessions to compare"
    if compared.few:
        fewest = min(compared.treated_clusters, compared.untreated_clusters)
        return "not yet", f"too few sessions, or too much in a few of them: {fewest} in the smaller arm"
    if cost.always_low > 0:
        return "harms", "calls cost more with the lever than without"
    if quality is not None and quality.always_high < -margin:
        return "harms", f"answers are worse by more than {margin:.1%}"
    if errors is not None and errors.always_low > margin:
        return "harms", f"more calls fail, by more than {margin:.1%}"
    if cost.always_high >= 0:
        return "not yet", "the effect on cost may still be none"
    if errors is None or errors.always_high > margin:
        return "not yet", "cheaper, but the share of errors is not known closely enough"
    if quality is None:
        return "not yet", "cheaper, but no answers of both arms have scores"
    if quality.always_low < -margin:
        return "not yet", "cheaper, but quality is not known closely enough"
    return "proven", f"cheaper, and quality is not worse by more than {margin:.1%}"


def _days_needed(days: int, wanted: list[tuple[Effect | None, float]]) -> int | None:
    """Until each interval (at any look) is as narrow as wanted, if the variance goes on to fall with time. None where
    there is nothing to go by."""
    known = [(effect, half) for effect, half in wanted if effect is not None]
    if wanted[0][0] is None or not all(math.isfinite(effect.always_half) for effect, _ in known):
        return None
    factor = max((effect.always_half / half) ** 2 for effect, half in known)
    needed = math.ceil(days * factor) - days
    return max(0, needed) if needed <= MOST_DAYS else None


class Advice(msgspec.Struct, frozen=True):
    """What share of the sessions should go without the lever from now on."""

    share: float
    why: str


def advise(proof: Proof, share: float, *, margin: float = MARGIN, precision: float = PRECISION) -> Advice:
    """The rule that ends or shrinks an arm by itself, `share` being its present one.

    A lever that harms is ended: everything goes without it (share 1) until somebody switches it on again. One that is
    proven keeps an arm just big enough to show the same within `WINDOW_DAYS`; it is never grown by itself. As long as
    nothing is shown nothing changes. The rule looks at the intervals that hold at all looks, so that the chance that it
    ever acts on a lever without any effect is at most 5 % for each of cost, quality and errors.
    """
    if proof.verdict == "harms":
        return Advice(1.0, f"ended: {proof.why}")
    if proof.verdict == "not yet":
        return Advice(share, proof.why)
    wanted = [(proof.cost, precision), (proof.quality, margin), (proof.errors, margin)]
    factor = max((effect.half / half) ** 2 for effect, half in wanted if effect is not None)
    least = max(LEAST_SHARE, share * factor * proof.days / WINDOW_DAYS)
    if least >= share:
        return Advice(share, proof.why)
    return Advice(least, f"shrunk: {proof.why}, which so few sessions go on to show")
