"""Spend by hour or day, stacked by the values of one name."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from farthing.dashboard.charts.chart import REST
from farthing.dashboard.charts.theme import OTHERS, SERIES

WIDTH, HEIGHT = 1040, 240
AXES = {
    "day": (alt.TimeUnitParams(unit="yearmonthdate", utc=True), alt.Axis(format="%-d %b", tickCount=8)),
    "hour": (alt.TimeUnitParams(unit="yearmonthdatehours", utc=True), alt.Axis(format="%H:00", tickCount=8)),
}


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{at, name, dollars, rank, said}`; `options["names"]`, the dearest first, and `options["each"]`: day or hour."""
    names = list(options["names"])
    colours = [OTHERS if name == REST else SERIES[place % len(SERIES)] for place, name in enumerate(names)]
    unit, axis = AXES[options["each"]]
    legend = None if len(names) == 1 else alt.Legend(orient="top", labelLimit=220, columnPadding=18)
    chart: alt.Chart = (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
        .mark_bar(cornerRadiusTopLeft=1, cornerRadiusTopRight=1)
        .encode(
            x=alt.X("at:T", timeUnit=unit, title=None, axis=axis),
            y=alt.Y("dollars:Q", title=None, stack="zero", axis=alt.Axis(format="$,.2~f", tickCount=5)),
            color=alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
            order=alt.Order("rank:Q"),
            description="said:N",
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return chart
