"""The report in plain sentences: what was spent, saved, missed and found, for whoever reads nothing else of it."""

from collections.abc import Iterator, Sequence

from farthing.dashboard.alerts.cards import title
from farthing.dashboard.formats import change, count, money, percent, said
from farthing.dashboard.monthly.tables import Told
from farthing.dashboard.overview.reading import Overview
from farthing.dashboard.overview.savings import VERDICTS, in_span
from farthing.dashboard.periods import Period, day_of
from farthing.finops.metrics import Metric
from farthing.finops.units import Unit
from farthing.model.money import Nano
from farthing.quality.holdout import Proof
from farthing.store.rollups import DAY_US, month_of

MOST_NAMED = 3
LONGEST = 60
"""Characters of a name in a sentence."""


def name_of(period: Period) -> str:
    """`October 2026` for a month that is whole or runs; else its days."""
    is_month = period.name == "month" or (
        period.first.day == 1 and period.until_us == month_of(period.since_us + 32 * DAY_US)
    )
    return f"{period.first:%B %Y}" if is_month else period.label


def sentences(
    found: Overview, period: Period, now_us: int, proofs: Sequence[Proof], told: Sequence[Told], units: Sequence[Unit], posted: Nano
) -> list[str]:  # fmt: skip
    parts = (
        _spent(found, period, now_us), _without_cost(found), _features(found), _saved(found, proofs), _metrics(found.metrics.metrics),
        _alerts(told), _units(units), _forecast(found, period, now_us), _posted(found, posted),
    )  # fmt: skip
    return [sentence for part in parts for sentence in part]


def _spent(found: Overview, period: Period, now_us: int) -> Iterator[str]:
    so_far = period.until_us > now_us
    more = change(found.spent, found.cost_before)
    before = f"; {name_of(period.before())} cost {money(found.cost_before)} ({more})" if more else ""
    yield f"{name_of(period)}{' so far' if so_far else ''}: {count(found.calls)} call{'' if found.calls == 1 else 's'} cost {money(found.spent)}{before}."


def _without_cost(found: Overview) -> Iterator[str]:
    unknown = found.calls_of_state("unpriced") + found.calls_of_state("unknown")
    if unknown:
        yield f"{count(unknown)} of {count(found.calls)} calls ({percent(unknown / found.calls)}) {'has' if unknown == 1 else 'have'} no known price or usage and {'is' if unknown == 1 else 'are'} in no amount here."


def _features(found: Overview) -> Iterator[str]:
    features = [each for each in found.metrics.features if each.cost > 0]
    if not features or not found.spent:
        return
    named = ", ".join(f"{_short(each.feature)} {money(each.cost)} ({percent(each.cost / found.spent, 0)})" for each in features[:MOST_NAMED])  # fmt: skip
    yield f"Most of it went to {named}."
    before = found.before or {}
    moved = [(each.cost - before.get(each.feature, 0), each.feature) for each in found.metrics.features]
    if before and moved:
        by, name = max(moved, key=lambda each: abs(each[0]))
        if by:
            yield f"The biggest change is that of {_short(name)}: {money(abs(by))} {'more' if by > 0 else 'less'} than before."


def _saved(found: Overview, proofs: Sequence[Proof]) -> Iterator[str]:
    if not found.baseline or not found.saved:
        yield "Nothing was saved in these days: no lever changed what calls cost."
        return
    levers = sorted(found.levers or (), key=lambda each: -each.saved)
    named = ", ".join(f"{each.lever} {money(each.saved)}" for each in levers[:MOST_NAMED])
    by = f", by {named}" if named else ""
    yield f"As they were sent the calls would have cost {money(found.baseline)}: {money(found.saved)} ({percent(found.saved / found.baseline)}) was saved{by}."
    for each in proofs:
        amount = in_span(each)
        if amount is not None:
            yield f"Sessions that went without {each.lever} on purpose show {money(amount.low)} to {money(amount.high)} saved by it (95 % interval; {VERDICTS[each.verdict][0]})."


def _metrics(metrics: Sequence[Metric]) -> Iterator[str]:
    met = [each.title for each in metrics if each.verdict == "met"]
    missed = [each.title for each in metrics if each.verdict == "missed"]
    close = [each.title for each in metrics if each.verdict == "too close to tell"]
    parts = [f"{words}: {', '.join(names)}" for words, names in (("meet their target", met), ("miss it", missed), ("are too close to tell", close)) if names]  # fmt: skip
    if parts:
        yield f"Of the six metrics these {'; these '.join(parts)}."


def _alerts(told: Sequence[Told]) -> Iterator[str]:
    if not told:
        yield "No alert was told."
        return
    still = sum(not each.is_over for each in told)
    dearest = told[0]
    cost = f" ({money(dearest.alert.at_stake)} at stake)" if dearest.alert.at_stake else ""
    rest = f"; {count(still)} {'is' if still == 1 else 'are'} still open" if still else ""
    yield f"{count(len(told))} alert{'s were' if len(told) > 1 else ' was'} told, the dearest {title(dearest.alert)} on {day_of(dearest.first_us):%-d %b}{cost}{rest}."


def _units(units: Sequence[Unit]) -> Iterator[str]:
    for each in units[:MOST_NAMED]:
        if each.per_success is not None:
            hand = f"; by hand one costs {money(each.human)}" if each.human else ""
            yield f"A successful {each.type} costs {money(each.per_success)}, failures and people's time included{hand}."


def _forecast(found: Overview, period: Period, now_us: int) -> Iterator[str]:
    forecast = found.forecast.total.forecast
    if period.until_us > now_us and forecast.method not in ("none", "over"):
        yield f"{day_of(forecast.month_us):%B} is expected to end at {money(forecast.expected)}; in 8 of 10 cases between {money(forecast.low)} and {money(forecast.high)}."


def _posted(found: Overview, posted: Nano) -> Iterator[str]:
    if posted:
        yield f"Corrections of {money(posted)} were posted for these days; with them the cost is {money(found.spent + posted)}."


def _short(name: str) -> str:
    return said(name) if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
