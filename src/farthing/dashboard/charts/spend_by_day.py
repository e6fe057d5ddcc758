"""Daily spend stacked by feature, with the line above which a day is an alert."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from farthing.dashboard.charts.theme import OTHERS, SERIES, WARN

WIDTH, HEIGHT = 760, 260
REST = "all others"


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{day, name, dollars}`; `options["threshold"]` in dollars, and `options["names"]`, the dearest first."""
    names = list(options["names"])
    colours = [OTHERS if name == REST else SERIES[place % len(SERIES)] for place, name in enumerate(names)]
    data = alt.Data(values=[dict(row) for row in rows])
    bars = (
        alt.Chart(data)
        .mark_bar(cornerRadiusTopLeft=1, cornerRadiusTopRight=1)
        .encode(
            x=alt.X("day:T", timeUnit="utcyearmonthdate", title=None, axis=alt.Axis(format="%-d %b", tickCount=8)),
            y=alt.Y("dollars:Q", title=None, stack="zero", axis=alt.Axis(format="$,.2~f", tickCount=5)),
            color=alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=alt.Legend(orient="top")),
            order=alt.Order("rank:Q"),
        )
    )
    layers: list[alt.Chart] = [bars]
    if (threshold := options.get("threshold")) is not None:
        line = alt.Chart(alt.Data(values=[{"dollars": threshold}]))
        layers.append(line.mark_rule(strokeDash=[4, 3], color=WARN, size=1.5).encode(y="dollars:Q"))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
