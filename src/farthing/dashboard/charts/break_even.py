"""What own GPUs and an API cost a month over the calls of a month: stairs and a line, and where one asks and where they meet."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from farthing.dashboard.charts.theme import ACCENT, INK, MUTED, SERIES

WIDTH, HEIGHT = 1040, 260
FONT = 12
LINE = 15
"""Between two labels, which stand one below the other so that none covers another."""
ROOM = 1.2
"""Above the dearest, for the labels."""
OWN, API = ACCENT, SERIES[1]
NAMES = ("own GPUs", "API")


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{from, to, dollars, said}`, the stairs; `options["api"]` `{calls, dollars, said}`, `options["marks"]`
    `{calls, name, said}`, `options["most"]` calls. Dollars a month."""
    most, api = options["most"], options["api"]
    top = ROOM * max([row["dollars"] for row in rows] + [each["dollars"] for each in api])
    scale = alt.Scale(domain=[0, most], nice=False)
    x = alt.X("from:Q", title="calls a month", scale=scale, axis=alt.Axis(format="~s", labelFontSize=FONT, tickCount=8))
    y = alt.Y("dollars:Q", title=None, scale=alt.Scale(domain=[0, top], nice=False), axis=alt.Axis(format="$,.2~f", labelFontSize=FONT, tickCount=5))  # fmt: skip
    colour = alt.Color("name:N", scale=alt.Scale(domain=list(NAMES), range=[OWN, API]), legend=alt.Legend(orient="top", labelFontSize=FONT))  # fmt: skip
    steps = _data([{**row, "name": NAMES[0]} for row in rows]).mark_rule(size=3)
    layers: list[alt.Chart] = [steps.encode(x=x, x2="to:Q", y=y, color=colour, description="said:N")]
    ups = [{"calls": last["to"], "dollars": last["dollars"], "up": row["dollars"], "name": NAMES[0]} for last, row in pairwise(rows)]  # fmt: skip
    if ups:
        rises = _data(ups).mark_rule(size=1, strokeDash=[2, 2])
        layers.append(rises.encode(x=alt.X("calls:Q", scale=scale), y=y, y2="up:Q", color=colour))
    line = _data([{**each, "name": NAMES[1]} for each in api]).mark_line(strokeWidth=3)
    layers.append(line.encode(x=alt.X("calls:Q", scale=scale), y=y, color=colour))
    bills = alt.layer(*layers)
    chart: alt.TopLevelMixin = alt.layer(bills, *_marks(options["marks"], scale, most)).resolve_scale(y="independent")
    return chart.properties(width=WIDTH, height=HEIGHT)


def _marks(marks: Sequence[Mapping[str, Any]], scale: alt.Scale, most: float) -> Iterator[alt.Chart]:
    """Lines with their names, on the side where there is room."""
    placed = [{**mark, "y": 4 + LINE * no} for no, mark in enumerate(marks)]
    x = alt.X("calls:Q", scale=scale)
    yield _data(placed).mark_rule(color=INK, strokeDash=[4, 3], size=1.2).encode(x=x, description="said:N")
    left = [mark for mark in placed if mark["calls"] <= 0.8 * most]
    right = [mark for mark in placed if mark["calls"] > 0.8 * most]
    y = alt.Y("y:Q", scale=None)
    if left:
        text = _data(left).mark_text(align="left", baseline="top", dx=5, fontSize=FONT, color=MUTED)
        yield text.encode(x=x, y=y, text="name:N")
    if right:
        text = _data(right).mark_text(align="right", baseline="top", dx=-5, fontSize=FONT, color=MUTED)
        yield text.encode(x=x, y=y, text="name:N")


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=[dict(row) for row in rows]))
