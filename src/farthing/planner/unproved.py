"""What cheaper models would save beyond a plan's total, if they turn out good enough: no log tells that, so it is told as scenarios,
with how many comparisons of which kind of work would settle it, and how long those take at the log's traffic.

The calls are asked once more with everything on and no floor of quality: a call that a cheaper model answers only then is one
that nothing is proved of. What it costs less than with the floors is in no total yet.

    days  =  the larger of  comparisons / (calls of the kind a day x share that is answered twice)
             and            comparisons x (second answer + judge) / (dollars a day / kinds)

A judge reads the question and both answers; it is taken to cost what the call itself did.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.model.arms import MODEL_SELECTION
from farthing.model.money import Nano, nano_from_dollars, show_dollars
from farthing.model.past import PastCall
from farthing.model.plan import Scenario
from farthing.planner.replay.run import Came
from farthing.quality.noninferiority import Counts, verdict
from farthing.settings import Settings
from farthing.steps.route.policy import Policies

WORSE = 0.05
"""Share of answers that a slightly worse model spoils."""
DIFFER = 1 / 200
"""Comparisons that come out better, and as many worse, of a model that is as good."""
SOON_DAYS = 14
"""In which a hold-out should have settled it, where traffic allows."""
LATE_DAYS = 365
MOST_COMPARISONS = 1_000_000
MOST_KINDS = 3


class _Moved(NamedTuple):
    """A call that a cheaper model would answer if it were good enough."""

    feature: str
    task: str
    saved: Nano
    cost: Nano


def without_floors(settings: Settings) -> Settings:
    """Any model may do any work that it can do."""
    replace, routing = msgspec.structs.replace, settings.routing
    return replace(
        settings,
        routing=replace(
            routing, quality_floor=0.0,
            tasks={name: replace(each, quality_floor=None) for name, each in routing.tasks.items()},
            features={name: replace(each, quality_floor=None) for name, each in routing.features.items()},
        ),
    )  # fmt: skip


def outlooks(
    asked: Sequence[PastCall], together: Sequence[Came | None], free: Sequence[Came | None], settings: Settings, counted: Nano,
    times: float, days: float,
) -> list[Scenario]:  # fmt: skip
    """`together` with the floors of `settings`, `free` without any. `counted`: what cheaper models save in the total, nano-dollars
    a month. `times`: spans of the log a month, `days`: those of the span. Empty where no call is left to be moved."""
    moved = _moved(asked, together, free)
    more = round(times * sum(each.saved for each in moved))
    if more <= 0:
        return []
    tests = _tests(moved, settings, days)
    settled = "a judge, and calls answered twice, of the dearest work first: " + "; ".join(each.words for each in tests)
    cost = sum(each.cost for each in tests)
    lost = f"; finding out has cost some {show_dollars(cost)} and the judge, once" if cost else ""
    already = f"; {show_dollars(counted)} of it is in the total already" if counted > 0 else ""
    calls = f"{len(moved) * times:,.0f} calls a month more go to cheaper models"
    worse = f"some {WORSE * len(moved) * times:,.0f} of these answers are worse than now"
    return [
        Scenario("cheaper models turn out as good", counted + more, f"{calls}, and answers are as good as now{already}", settled),
        Scenario(
            f"they turn out slightly worse, {100 * WORSE:.0f} answers in 100, and that will do", counted + more,
            f"only at `routing.quality_floor = {1 - WORSE:g}` or less; {calls}, and {worse}{already}", settled,
        ),
        Scenario("they turn out not good enough", counted, f"no further call is moved{lost}", settled),
    ]  # fmt: skip


def _moved(
    asked: Sequence[PastCall], together: Sequence[Came | None], free: Sequence[Came | None]
) -> list[_Moved]:  # fmt: skip
    found = []
    for past, before, after in zip(asked, together, free, strict=True):
        if before is None or after is None or not (before.known and after.known) or after.status >= 400:
            continue
        if MODEL_SELECTION in after.by_lever and after.model != before.model:
            found.append(_Moved(past.feature, after.task, before.cost - after.cost, after.cost))
    return found


class _Test(NamedTuple):
    """What settles it for one kind of work."""

    words: str
    cost: Nano
    """Of the second answers."""


class _Allowed(NamedTuple):
    """What may be spent on one kind of work."""

    setting: str
    a_day: float
    """Nano-dollars."""


def _tests(moved: Sequence[_Moved], settings: Settings, days: float) -> list[_Test]:
    """For the kinds of work that would save most, which share what may be spent on it a day."""
    kinds: dict[tuple[str, str], list[_Moved]] = {}
    for each in moved:
        kinds.setdefault((each.feature, each.task), []).append(each)
    dearest = sorted(kinds.items(), key=lambda kind: -sum(each.saved for each in kind[1]))[:MOST_KINDS]
    policies, dollars = Policies(settings.routing), settings.routing.shadow_dollars_a_day
    allowed = _Allowed(f"`routing.shadow_dollars_a_day = {dollars}`", nano_from_dollars(dollars) / max(1, len(dearest)))
    return [
        _test(_named(*kind), calls, 1 - policies.of_work(kind[1], kind[0]).floor, days, allowed) for kind, calls in dearest
    ]  # fmt: skip


def _named(feature: str, task: str) -> str:
    return f"{feature or 'calls without a feature'} ({task})" if task else feature or "calls without a feature"


def _test(name: str, calls: Sequence[_Moved], margin: float, days: float, allowed: _Allowed) -> _Test:
    needed, a_day = comparisons(margin), len(calls) / days
    if needed is None:
        return _Test(f"{name} cannot be settled: a floor of {1 - margin:g} allows no loss", 0)
    second = needed * sum(each.cost for each in calls) / len(calls)
    judged = needed * sum(each.cost + each.saved for each in calls) / len(calls)
    if (second + judged) > allowed.a_day * LATE_DAYS:
        return _Test(f"{name} is not settled within a year: {allowed.setting} pays for too few comparisons", 0)
    paid = math.ceil((second + judged) / allowed.a_day) if allowed.a_day else 0
    percent = min(100, max(1, math.ceil(100 * needed / (a_day * max(SOON_DAYS, paid)))))
    asked = math.ceil(100 * needed / (a_day * percent))
    if asked > LATE_DAYS:
        return _Test(f"{name} has too few calls, {needed:,} comparisons take more than a year", 0)
    held = f", since {allowed.setting} pays for no more of them" if paid > asked else ""
    words = f"{name}, {needed:,} of them, {max(asked, paid):,} days at `routing.shadow_percent = {percent}`{held}"
    return _Test(words, round(second))


def comparisons(margin: float) -> int | None:
    """How many show that a model loses less than `margin` if it is as good as the flagship: the rule by which the gateway itself
    promotes it (`quality.noninferiority`). None: more than a million."""

    def is_enough(count: int) -> bool:
        differ = count * DIFFER
        return verdict(Counts(differ, count - 2 * differ, differ), margin) == "promote"

    if not is_enough(MOST_COMPARISONS):
        return None
    low, high = 0, MOST_COMPARISONS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
