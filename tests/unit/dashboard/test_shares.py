"""Shares of days as they are drawn: stacked, in weeks where there are many days, and the goal counted in words."""

import pytest

from farthing.dashboard.charts.studio import svg_of
from farthing.dashboard.periods import period_of
from farthing.dashboard.shares import Share, chart, legend
from farthing.store.rollups import DAY_US

pytest.importorskip("altair")
NOW = 20_400 * DAY_US + 1
DAY = 20_400 * DAY_US


def test_days_are_stacked_and_the_goal_is_counted() -> None:
    period = period_of("7d", NOW)
    small = {DAY: 60, DAY - DAY_US: 20}
    mid = {DAY: 20, DAY - DAY_US: 20}
    shares = [Share("small", 3, small), Share("mid", 2, mid)]
    drawn = chart("Tiers", period, shares, {DAY: 100, DAY - DAY_US: 100}, "calls", 0.7, ("small", "mid"))
    assert [(row["name"], row["from"], row["to"]) for row in drawn.rows] == [
        ("small", 0.0, 0.2), ("mid", 0.2, 0.4), ("small", 0.0, 0.6), ("mid", 0.6, 0.8),
    ]  # fmt: skip
    assert drawn.said == "small and mid together reached 70 % on 1 of 2 days with calls."
    assert drawn.rows[-1]["said"].endswith("mid 20.0 %, 20 of 100 calls")
    assert legend(drawn) == [("series-3", "small"), ("series-2", "mid"), ("goal", "target: 70 %")]
    assert drawn.options["most"] == pytest.approx(0.92)
    svg = svg_of(drawn.kind, drawn.rows, drawn.options)
    assert "20 of 100 calls" in svg and "var(--series-3)" in svg and "target: 70 %" in svg


def test_many_days_are_drawn_as_weeks_and_none_as_nothing() -> None:
    period = period_of("364d", NOW)
    each = {DAY - number * DAY_US: 2 for number in range(364)}
    drawn = chart("Hits", period, [Share("hits", 0, each)], dict.fromkeys(each, 4), "calls", 0.3, ("hits",))
    assert len(drawn.rows) == 52 and {row["to"] for row in drawn.rows} == {0.5}
    assert drawn.rows[0]["said"].endswith("hits 50.0 %, 14 of 28 calls") and " to " in drawn.rows[0]["said"]
    assert drawn.said == "hits together reached 30 % on 52 of 52 weeks with calls."
    assert chart("Hits", period, [Share("hits", 0, {})], {}, "calls", 0.3, ("hits",)).rows == []
