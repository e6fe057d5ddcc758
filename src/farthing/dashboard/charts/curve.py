"""A figure at several values of a setting: a line with a point for each value, one line a name."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from farthing.dashboard.charts.theme import ACCENT, SERIES

WIDTH, HEIGHT = 760, 200
FONT = 12
FORMATS = {"$": "$,.2~f", "%": ".1~%"}


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{x, y, name, said}` in the order of x; `options["unit"]` is `$` or `%`, `options["setting"]` the name of x."""
    values, names = list(dict.fromkeys(row["x"] for row in rows)), list(dict.fromkeys(row["name"] for row in rows))
    x = alt.X(
        "x:O",
        sort=values,
        title=options["setting"],
        axis=alt.Axis(labelAngle=0, labelFontSize=FONT, titleFontSize=FONT),
    )
    y = alt.Y(
        "y:Q", title=None, scale=alt.Scale(zero=options["unit"] == "%", nice=True),
        axis=alt.Axis(format=FORMATS[options["unit"]], labelFontSize=FONT, tickCount=4),
    )  # fmt: skip
    legend = alt.Legend(orient="top", labelFontSize=FONT, columnPadding=48) if len(names) > 1 else None
    colour = alt.Color("name:N", scale=alt.Scale(domain=names, range=[ACCENT, *SERIES[1 : len(names)]]), legend=legend)
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(x=x, y=y, color=colour)
    line = base.mark_line(strokeWidth=2)
    points = base.mark_circle(size=50, opacity=1).encode(description="said:N")
    chart: alt.TopLevelMixin = (line + points).properties(width=WIDTH, height=HEIGHT)
    return chart
