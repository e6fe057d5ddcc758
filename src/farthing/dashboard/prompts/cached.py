"""What providers' caches served, by feature: over time, and what reading saved."""

from collections.abc import Mapping, Sequence
from typing import Any

from farthing.dashboard.charts.chart import REST, Chart
from farthing.dashboard.formats import count, money, percent
from farthing.dashboard.periods import Period, day_of
from farthing.dashboard.prompts.reading import Read
from farthing.dashboard.shares import MOST_DAYS
from farthing.dashboard.table import UNKNOWN, Column, Row, Table
from farthing.dashboard.view import View
from farthing.lab.doctor import Report
from farthing.store import LeverRow
from farthing.store.days import Day
from farthing.store.rollups import DAY_US

DRAWN = 5
"""Features with a colour of their own."""
COLUMNS = (
    Column("feature", "Feature"), Column("calls", "Calls", "count"), Column("in_tokens", "Input", "count", "Tokens."),
    Column("cached_tokens", "From providers' caches", "count", "Tokens."), Column("share", "Share", "percent"),
    Column("saved", "Reading saved", "money", "Against the plain rate. Writes, where they cost extra, are not taken off."),
    Column("lost", "Lost a month", "money", "What the doctor found."),
)  # fmt: skip


def over_time(period: Period, days: Sequence[Day]) -> Chart:
    """Shares of all input, stacked: their sum is the share of the day."""
    step = DAY_US if period.days <= MOST_DAYS else 7 * DAY_US
    read: dict[str, int] = {}
    for day in days:
        read[day.value] = read.get(day.value, 0) + day.cached_tokens
    ranked = sorted((name for name in read if read[name]), key=lambda name: (-read[name], name))
    own, rest = ranked[:DRAWN], ranked[DRAWN:]
    names = {name: name or "(none)" for name in own} | dict.fromkeys(rest, REST)
    rows, top = _rows(period, days, names, step)
    whole, cached = sum(day.in_tokens for day in days), sum(read.values())
    mean = cached / whole if whole else 0.0
    labels = list(dict.fromkeys(names.values()))
    options = {
        "names": labels, "looks": [*range(1, len(own) + 1), *([0] if rest else [])], "target": mean, "most": min(1.0, 1.15 * max(top, mean, 0.01)),
        "since": period.since_us // 1000, "until": period.until_us // 1000, "target_said": f"the period: {percent(mean)}",
    }  # fmt: skip
    said = f"Providers' caches served {percent(mean)} of {count(whole)} tokens of input."
    if own:
        said += f" Most of it was read by {names[own[0]]}: {count(read[own[0]])} tokens."
    return Chart("shares", "Input that providers' caches served, of all input", said, rows, options)


def _rows(
    period: Period, days: Sequence[Day], names: Mapping[str, str], step: int
) -> tuple[list[dict[str, Any]], float]:  # fmt: skip
    rows: list[dict[str, Any]] = []
    top = 0.0
    for start in range(period.since_us, period.until_us, step):
        end = min(start + step, period.until_us)
        within = [day for day in days if start <= day.day_us < end]
        whole, level = sum(day.in_tokens for day in within), 0.0
        parts: dict[str, int] = dict.fromkeys(names.values(), 0)
        for day in within:
            if day.cached_tokens:
                parts[names[day.value]] += day.cached_tokens
        for name, part in parts.items():
            if part:
                said = f"{_when(start, end)}: {name} {percent(part / whole)}, {count(part)} of {count(whole)} tokens"
                rows.append({"start": start // 1000, "end": end // 1000, "name": name, "from": level, "to": level + part / whole, "said": said})  # fmt: skip
                level += part / whole
        top = max(top, level)
    return rows, top


def _when(start: int, end: int) -> str:
    first = f"{day_of(start):%-d %b}"
    return first if end - start <= DAY_US else f"{first} to {day_of(end - DAY_US):%-d %b}"


def table(view: View, features: Mapping[str, Read] | None, report: Report | None) -> Table:
    lost: dict[str, int] = {}
    for each in report.findings if report is not None else ():
        lost[each.feature] = lost.get(each.feature, 0) + each.month
    rows = [
        Row(
            (
                name, each.calls, each.in_tokens, each.cached_tokens, each.cached_tokens / each.in_tokens if each.in_tokens else None,
                UNKNOWN if each.without_rate and not each.saved else each.saved, lost.get(name),
            ),
            href=view.href(feature=name), calls=view.calls(feature=name),
        )
        for name, each in (features or {}).items()
    ]  # fmt: skip
    unknown = sum(each.without_rate for each in (features or {}).values())
    note = "Reads are priced at the rates of the period's end, at each model's first provider."
    note += f" {count(unknown)} cached tokens are of models without a known rate, and in no amount." if unknown else ""
    empty = (
        "No call in this period and scope."
        if features is not None
        else "Input by feature is not kept for this scope. Take a filter away."
    )
    return Table("features", "By feature", COLUMNS, rows, empty=empty, note=note if rows else "")


def tiles(
    view: View, features: Mapping[str, Read] | None, report: Report | None, levers: Mapping[str, LeverRow] | None
) -> list[dict[str, str]]:  # fmt: skip
    found: list[dict[str, str]] = []
    if report is not None and report.looked:
        note = f"{money(report.lost)} in the time looked at, {len(report.findings):,} reason{'s' if len(report.findings) != 1 else ''}"
        state = "bad" if report.lost else "good"
        found.append(
            {"title": "Lost by unread caches", "value": f"{money(report.month)} a month", "note": note, "state": state}
        )
    if features:
        whole, read = (
            sum(getattr(each, name) for each in features.values()) for name in ("in_tokens", "cached_tokens")
        )
        saved, unknown = (
            sum(each.saved for each in features.values()),
            any(each.without_rate for each in features.values()),
        )
        share = percent(read / whole) if whole else percent(None)
        found.append(
            {
                "title": "From providers' caches",
                "value": share,
                "note": f"{count(read)} of {count(whole)} tokens of input",
            }
        )
        more = "; more, where rates are not known" if unknown else ""
        found.append(
            {
                "title": "Reading saved",
                "value": money(saved),
                "note": f"against the plain rate{more}; much of it without Farthing",
            }
        )
    for name, row in (levers or {}).items():
        state = "good" if row.saved > 0 else "bad" if row.saved < 0 else ""
        note = f"booked for {count(row.calls)} calls"
        found.append(
            {"title": f"Saved by {name}", "value": money(row.saved), "note": note, "state": state, "href": "/#savings"}
        )
    return found
