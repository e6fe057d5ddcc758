"""Spend by day, stacked by feature, beside the line above which a day is an alert and what the rest of the month may bring."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.formats import money, said
from farthing.dashboard.overview.reading import MINUTE_US, Overview
from farthing.dashboard.periods import Period
from farthing.finops.alerts.history import History
from farthing.finops.forecast import Forecast, weekday
from farthing.model.money import Nano
from farthing.store.days import Day
from farthing.store.rollups import DAY_US, month_of

DRAWN = 7
"""Features with a colour of their own; the others share one."""
REST = "all others"
MOST_DAYS = 100
"""Longer periods are drawn by week, and beyond `MOST_WEEKS` by month."""
MOST_WEEKS = 110
DAYS_OF_WEEK = 7
MONDAY = 4 * DAY_US
"""1970-01-05."""
WEEK_OF_AVERAGE = 7


def chart(found: Overview, period: Period, now_us: int, ratio: float) -> Chart:
    """`ratio`: so many times the trailing seven-day average is an alert."""
    names, cells = _cells(found, period)
    step = _step(period)
    rows = [row for (start, end), by_name in sorted(cells.items()) for row in _stack(start, end, by_name, names, step)]
    lines = _thresholds(found.history, period, now_us, ratio) if step == "day" and ratio else []
    ahead = _ahead(found, now_us) if step == "day" and _looks_ahead(period, now_us) else []
    marks = [line | {"total": total} for line in lines if (total := found.history.get(_us(line["start"]), 0) / 1e9) > line["dollars"]]  # fmt: skip
    parts = ", stacked by feature" if found.facts.by_feature is not None else ""
    options = {
        "names": names, "threshold": lines, "ahead": ahead, "above": marks, "ratio": ratio, "rest": REST,
        "since": _ms(period.since_us), "until": _ms(_end(period, now_us, bool(ahead))), "step": step,
    }  # fmt: skip
    return Chart("spend_by_day", f"Spend by {step}{parts}", _words(found, period, names, cells, marks), rows, options)  # fmt: skip


def _stack(start: int, end: int, by_name: Mapping[str, Nano], names: Sequence[str], step: str) -> list[dict[str, Any]]:
    """One bucket's parts, the dearest name at the bottom."""
    total, level = sum(by_name.values()), 0
    found: list[dict[str, Any]] = []
    for name in sorted(by_name, key=names.index):
        cost = by_name[name]
        words = f"{name}, {_when(start, step)}: {money(cost)} of {money(total)}"
        if cost:
            ends = {"from": level / 1e9, "to": (level + cost) / 1e9}
            found.append({"start": start, "end": end, "name": name, **ends, "said": words})
        level += cost
    return found


def legend(chart: Chart) -> list[tuple[str, str]]:
    """Class of the swatch, and what it stands for; in the chart's order."""
    names = chart.options["names"]
    found = [("others" if name == REST else f"series-{place % 8 + 1}", name) for place, name in enumerate(names)]
    if chart.options["threshold"]:
        found.append(("line", f"alert above {chart.options['ratio']:g} times the seven-day average"))
    if chart.options["ahead"]:
        found.append(("ahead", "forecast: 80 % interval, spread over the days left"))
    return found


def _cells(found: Overview, period: Period) -> tuple[list[str], dict[tuple[int, int], dict[str, Nano]]]:
    """Names, the dearest first, and cost by bucket (begin and end in milliseconds) and name."""
    days: Sequence[Day] = [
        day for day in found.facts.by_feature or found.facts.daily if period.since_us <= day.day_us < period.until_us
    ]
    scope = found.facts.scope.where
    unsaid = (
        "all calls"
        if found.facts.by_feature is None and not scope
        else ", ".join(map(said, scope.values())) or said("")
    )
    sums: dict[str, Nano] = {}
    for day in days:
        sums[day.value] = sums.get(day.value, 0) + day.cost
    dearest = sorted(sums, key=lambda name: (-sums[name], name))
    drawn = dearest if len(dearest) == DRAWN + 1 else dearest[:DRAWN]

    def name_of(value: str) -> str:
        if value not in drawn:
            return REST
        return value or (unsaid if found.facts.by_feature is None else said(""))

    cells: dict[tuple[int, int], dict[str, Nano]] = {}
    for day in days:
        by_name = cells.setdefault(_bucket(day.day_us, _step(period)), {})
        by_name[name_of(day.value)] = by_name.get(name_of(day.value), 0) + day.cost
    names = list(dict.fromkeys([*map(name_of, drawn), *([REST] if len(dearest) > len(drawn) else [])]))
    return names, cells


def _step(period: Period) -> str:
    if period.days <= MOST_DAYS:
        return "day"
    return "week" if period.days <= MOST_WEEKS * DAYS_OF_WEEK else "month"


def _bucket(day_us: int, step: str) -> tuple[int, int]:
    """Begin and end, in milliseconds."""
    if step == "day":
        return _ms(day_us), _ms(day_us + DAY_US)
    if step == "week":
        start = day_us - (day_us - MONDAY) % (DAYS_OF_WEEK * DAY_US)
        return _ms(start), _ms(start + DAYS_OF_WEEK * DAY_US)
    start = month_of(day_us)
    return _ms(start), _ms(month_of(start + 32 * DAY_US))


def _thresholds(history: Mapping[int, Nano], period: Period, now_us: int, ratio: float) -> list[dict[str, Any]]:
    """For each day that has enough days before it: as the rule of alerts has it."""
    first = min((day for day in history if history[day]), default=now_us)
    found = []
    for day in range(period.since_us, min(period.until_us, now_us), DAY_US):
        before = [history.get(each, 0) for each in range(max(first, day - WEEK_OF_AVERAGE * DAY_US), day, DAY_US)]
        past = History(before, weekday(day // DAY_US))
        if not past.too_young and past.mean_of_7 > 0:
            dollars = ratio * past.mean_of_7 / 1e9
            words = f"alert line, {_when(_ms(day), 'day')}: {money(ratio * past.mean_of_7)}"
            found.append({"start": _ms(day), "end": _ms(day + DAY_US), "dollars": dollars, "said": words})
    return found


def _looks_ahead(period: Period, now_us: int) -> bool:
    """Whether the rest of the month belongs on the picture: the period ends today, and is not much shorter."""
    left = month_of(month_of(now_us) + 32 * DAY_US) - now_us
    if period.name == "month":
        return True
    return period.until_us > now_us >= period.since_us and period.days * DAY_US >= left / 2


def _ahead(found: Overview, now_us: int) -> list[dict[str, Any]]:
    """From tomorrow to the end of the month: the forecast's expected rest and its interval, spread by weekdays. The same all
    through a minute, as the forecast is, so that a page that is opened again finds its picture drawn."""
    now_us -= now_us % MINUTE_US
    forecast = found.forecast.total.forecast
    if forecast.method in ("none", "over") or forecast.expected <= forecast.spent:
        return []
    today = now_us - now_us % DAY_US
    end = month_of(forecast.month_us + 32 * DAY_US)
    factors = found.pattern.weekdays if found.pattern is not None else (1.0,) * 7
    weights = {day: factors[weekday(day // DAY_US)] for day in range(today, end, DAY_US)}
    weights[today] *= 1 - (now_us - today) / DAY_US
    total = sum(weights.values())
    return [
        {"start": _ms(day), "end": _ms(day + DAY_US), **_parts(forecast, weight / total), "said": _foreseen(forecast, weight / total, day)}
        for day, weight in weights.items()
        if day > today
    ]  # fmt: skip


def _parts(forecast: Forecast, share: float) -> dict[str, float]:
    return {
        name: max(0, amount - forecast.spent) * share / 1e9
        for name, amount in (("low", forecast.low), ("expected", forecast.expected), ("high", forecast.high))
    }


def _foreseen(forecast: Forecast, share: float, day: int) -> str:
    parts = {name: money(dollars * 1e9) for name, dollars in _parts(forecast, share).items()}
    return f"forecast, {_when(_ms(day), 'day')}: {parts['expected']} ({parts['low']} to {parts['high']})"


def _end(period: Period, now_us: int, looks_ahead: bool) -> int:
    if looks_ahead:
        return month_of(month_of(now_us) + 32 * DAY_US)
    return min(period.until_us, now_us - now_us % DAY_US + DAY_US)


def _words(
    found: Overview, period: Period, names: Sequence[str], cells: Mapping[tuple[int, int], Mapping[str, Nano]],
    above: Sequence[Mapping[str, Any]],
) -> str:  # fmt: skip
    total = sum(sum(each.values()) for each in cells.values())
    first = f" The dearest feature is {names[0]}." if names else ""
    days = f" {len(above)} days are above the alert line." if len(above) != 1 else " One day is above the alert line."
    return f"{money(total)} from {period.first:%-d %b} to {period.last:%-d %b %Y}.{first}{days if above else ''}"


def _when(ms: int, step: str) -> str:
    day = datetime.fromtimestamp(ms / 1e3, UTC)
    return f"{day:%B %Y}" if step == "month" else f"{'week of ' if step == 'week' else ''}{day:%-d %b}"


def _ms(us: int) -> int:
    return us // 1_000


def _us(ms: int) -> int:
    return ms * 1_000
