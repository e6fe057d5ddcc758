"""Shares of days (or weeks) stacked from below, with the line that their sum is to reach."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from farthing.dashboard.charts.theme import INK, OTHERS, SERIES

WIDTH, HEIGHT = 1040, 210
FONT = 12


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{start, end, name, from, to, said}`, times in milliseconds, shares of 1. Options: `names`; `looks`, the number of
    the colour of each (0: none of its own); `since`, `until`; `target` and `target_said`; `most`, the top of the scale."""
    colours = [SERIES[look - 1] if look else OTHERS for look in options["looks"]]
    x = alt.X(
        "start:T", title=None, scale=alt.Scale(type="utc", domain=[options["since"], options["until"]]),
        axis=alt.Axis(format="%-d %b", tickCount=10, labelFontSize=FONT),
    )  # fmt: skip
    y = alt.Y(
        "from:Q", title=None, scale=alt.Scale(domain=[0, options["most"]]),
        axis=alt.Axis(format=".0%", tickCount=4, labelFontSize=FONT),
    )  # fmt: skip
    bars = (
        alt.Chart(alt.Data(values=[_narrower(row) for row in rows]))
        .mark_rect()
        .encode(
            x=x, x2="end:T", y=y, y2="to:Q", description="said:N",
            color=alt.Color("name:N", scale=alt.Scale(domain=list(options["names"]), range=colours), legend=None),
        )
    )  # fmt: skip
    line = (
        alt.Chart(alt.Data(values=[{"at": options["target"], "said": options["target_said"]}]))
        .mark_rule(color=INK, size=1.5, strokeDash=[5, 3])
        .encode(y="at:Q", description="said:N")
    )
    return alt.layer(bars, line).properties(width=WIDTH, height=HEIGHT)


def _narrower(row: Mapping[str, Any]) -> dict[str, Any]:
    gap = (row["end"] - row["start"]) * 0.06
    return {**row, "start": row["start"] + gap, "end": row["end"] - gap}
