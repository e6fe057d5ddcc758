"""Forecasts of the running month by scope, from daily sums. What a forecast is, `forecast` knows; this reads its history."""

from collections.abc import Mapping
from typing import Any

import msgspec

from farthing.finops.forecast import DAYS, SHARE, Backtest, Forecast, backtest, forecast, pattern_of
from farthing.model.money import Nano
from farthing.store.days import Day, days
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US, month_of

MOST = 20
"""Values that are forecast one by one, the dearest of the history first."""
BACKTEST_DAYS = 400


class Row(msgspec.Struct, frozen=True):
    """The forecast of one value; of all calls of the scope where `by` was empty."""

    value: str
    forecast: Forecast
    without_cost: int = 0
    """Calls of the month whose cost nobody knows: no forecast has it."""


class Forecasts(msgspec.Struct, frozen=True):
    """Of one scope, and of its values if asked for."""

    now_us: int
    by: str
    total: Row
    rows: tuple[Row, ...]
    """Dearest expected first. They are forecast one by one, so their sum need not be the total's."""
    left_out: int = 0
    """Values beyond the dearest, which are in the total alone."""


def read(
    connection: Connection, now_us: int, *, by: str = "", tenant: str = "", where: Mapping[str, str] | None = None
) -> Forecasts:  # fmt: skip
    """Raises BadRequest for a combination that no rollup holds."""
    since = min(month_of(now_us), now_us - now_us % DAY_US - DAYS * DAY_US)
    everything = days(connection, since, now_us + 1, tenant=tenant, where=where)
    series, _ = _history(everything, now_us)
    lent = pattern_of(series, now_us // DAY_US)
    total = Row("", forecast(series, now_us, _spent(everything, now_us)), _unknown(everything, now_us))
    if not by:
        return Forecasts(now_us, by, total, ())
    grouped: dict[str, list[Day]] = {}
    for day in days(connection, since, now_us + 1, by=by, tenant=tenant, where=where):
        grouped.setdefault(day.value, []).append(day)
    dearest = sorted(grouped, key=lambda value: (-sum(day.cost for day in grouped[value]), value))
    rows = [
        Row(
            value,
            forecast(_history(grouped[value], now_us)[0], now_us, _spent(grouped[value], now_us), lent),
            _unknown(grouped[value], now_us),
        )
        for value in dearest[:MOST]
    ]
    rows.sort(key=lambda row: (-row.forecast.expected, row.value))
    return Forecasts(now_us, by, total, tuple(rows), max(0, len(dearest) - MOST))


def read_backtest(
    connection: Connection, now_us: int, *, tenant: str = "", where: Mapping[str, str] | None = None
) -> Backtest:  # fmt: skip
    """How forecasts of the scope would have done in the months that are over."""
    since = max(0, now_us - now_us % DAY_US - BACKTEST_DAYS * DAY_US)
    series, first_us = _history(days(connection, since, now_us, tenant=tenant, where=where), now_us)
    return backtest(series, first_us)[0]


def _history(found: list[Day], now_us: int) -> tuple[list[Nano], int]:
    """The cost of each whole day from the first with a call to yesterday, and that first day."""
    today = now_us - now_us % DAY_US
    whole = {day.day_us: day.cost for day in found if day.day_us < today}
    if not whole:
        return [], today
    return [whole.get(day, 0) for day in range(min(whole), today, DAY_US)], min(whole)


def _spent(found: list[Day], now_us: int) -> Nano:
    return sum(day.cost for day in found if day.day_us >= month_of(now_us))


def _unknown(found: list[Day], now_us: int) -> int:
    return sum(day.without_cost for day in found if day.day_us >= month_of(now_us))


def plain(found: Forecasts) -> dict[str, Any]:
    """As plain values, for JSON; amounts are integer nano-dollars."""
    return {
        "now_us": found.now_us,
        "by": found.by,
        "interval": SHARE,
        "total": _plain(found.total),
        "rows": [_plain(row) for row in found.rows],
        "left_out": found.left_out,
    }


def _plain(row: Row) -> dict[str, Any]:
    known = msgspec.structs.asdict(row.forecast)
    del known["spread"]
    return {"value": row.value, **known, "calls_without_cost": row.without_cost}
