"""Amounts with their intervals, one bar each, the biggest first: what it likely is, and a line for how sure that is."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from farthing.dashboard.charts.theme import ACCENT, INK, MUTED

WIDTH, BAR, FONT = 760, 30, 12
LABELS = 190
"""Room for names: the font of a page may be wider than the one that the drawing was measured with."""


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{name, likely, low, high, bound, said}` in dollars; `bound` says that it is at most so much."""
    names = [row["name"] for row in rows]
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows]))
    y = alt.Y(
        "name:N",
        sort=names,
        title=None,
        axis=alt.Axis(labelFontSize=FONT, labelLimit=220, minExtent=LABELS, domain=False, ticks=False),
    )
    axis = alt.Axis(format="$,.2~f", labelFontSize=FONT, tickCount=5)
    pale = alt.condition("datum.bound", alt.value(0.35), alt.value(1))
    bars = base.mark_bar(size=14, color=ACCENT).encode(
        x=alt.X("likely:Q", title=options["title"], axis=axis), y=y, opacity=pale, description="said:N"
    )
    spans = base.mark_rule(strokeWidth=2, color=INK).encode(x="low:Q", x2="high:Q", y=y, description="said:N")
    ends = [
        base.mark_tick(size=10, thickness=2, color=INK).encode(x=f"{end}:Q", y=y, description="said:N") for end in ("low", "high")
    ]  # fmt: skip
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=MUTED).encode(x="zero:Q")
    chart: alt.TopLevelMixin = alt.layer(bars, spans, *ends, zero).properties(
        width=WIDTH, height=BAR * max(1, len(rows))
    )
    return chart
