"""How many cost how much: steps on a scale of factors, with lines below which half, nine of ten and 99 of 100 lie."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from farthing.dashboard.charts.theme import ACCENT, INK, MUTED

WIDTH, HEIGHT = 860, 170
FONT = 12
LINE = 15
"""Between two labels, which stand one below the other so that none covers another."""

ROOM = 1.35
"""Above the highest step, for the labels."""


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{low, high, n, said}`, in dollars; `options["marks"]` `{at, name}`."""
    marks = options["marks"]
    ends = [end for row in rows for end in (row["low"], row["high"])]
    ends += [mark["at"] for mark in marks]
    scale = alt.Scale(type="log", domain=[min(ends), max(ends) * 1.6], nice=False)
    axis = alt.Axis(format="$.3~r", labelFontSize=FONT, tickCount=6, labelOverlap=True)
    x = alt.X("low:Q", title=None, scale=scale, axis=axis)
    most = max(row["n"] for row in rows)
    y = alt.Y(
        "n:Q",
        title="transactions",
        scale=alt.Scale(domain=[0, most * ROOM]),
        axis=alt.Axis(tickCount=4, labelFontSize=FONT, format=",.4~r"),
    )
    bars = _data([{**row, "base": 0} for row in rows]).mark_rect(color=ACCENT, stroke="var(--paper)", strokeWidth=1)
    layers: list[alt.Chart] = [bars.encode(x=x, x2="high:Q", y=y, y2="base:Q", description="said:N")]
    placed = [{**mark, "y": 2 + LINE * no} for no, mark in enumerate(marks)]
    line = _data(placed).mark_rule(color=INK, strokeDash=[4, 3], size=1.2)
    layers.append(line.encode(x=alt.X("at:Q", scale=scale), description="name:N"))
    text = _data(placed).mark_text(align="left", baseline="top", dx=5, fontSize=FONT, color=MUTED)
    layers.append(text.encode(x=alt.X("at:Q", scale=scale), y=alt.Y("y:Q", scale=None), text="name:N"))
    chart: alt.TopLevelMixin = alt.layer(*layers).resolve_scale(y="independent").properties(width=WIDTH, height=HEIGHT)
    return chart


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=[dict(row) for row in rows]))
