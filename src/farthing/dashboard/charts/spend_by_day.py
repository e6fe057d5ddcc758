"""Spend of days (weeks, months) stacked by feature, with the line above which a day is an alert and a band of what is
foreseen. The legend is the page's: there it can wrap."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from farthing.dashboard.charts.theme import BAD, INK, MUTED, OTHERS, SERIES, WARN

WIDTH, HEIGHT = 900, 230
TICKS = 12
FONT = 12
GAP = 0.12
"""Of a bucket that stays empty."""


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{start, end, name, from, to, said}`, times in milliseconds. Options: `names` (the dearest first), `rest`,
    `since`, `until`, `step`; `threshold` and `above` `{start, end, dollars, said}`, the latter with the day's `total`;
    `ahead` `{start, end, low, expected, high, said}`."""
    names = list(options["names"])
    colours = [OTHERS if name == options["rest"] else SERIES[place % len(SERIES)] for place, name in enumerate(names)]
    axis = alt.Axis(format="%b %Y" if options["step"] == "month" else "%-d %b", values=_ticks(rows, options), labelFontSize=FONT)  # fmt: skip
    x = alt.X("start:T", title=None, scale=alt.Scale(type="utc", domain=[options["since"], options["until"]]), axis=axis)  # fmt: skip
    y = alt.Y("from:Q", title=None, axis=alt.Axis(format="$,.4~r", tickCount=4, labelFontSize=FONT))
    layers: list[alt.Chart] = []
    if options["ahead"]:
        layers += _ahead(options["ahead"], x)
    layers.append(
        _data(_narrower(rows))
        .mark_rect()
        .encode(
            x=x, x2="end:T", y=y, y2="to:Q", description="said:N",
            color=alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=None),
        )
    )  # fmt: skip
    if options["threshold"]:
        line = _data(options["threshold"]).mark_rule(color=WARN, size=2, strokeDash=[5, 2])
        layers.append(line.encode(x=x, x2="end:T", y="dollars:Q", description="said:N"))
    if options["above"]:
        above = [{**row, "middle": (row["start"] + row["end"]) / 2, "times": f"{row['total'] / row['dollars'] * options['ratio']:.1f}x"} for row in options["above"]]  # fmt: skip
        text = _data(above).mark_text(dy=-8, fontSize=FONT, fontWeight="bold", color=BAD)
        layers.append(text.encode(x="middle:T", y="total:Q", text="times:N"))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def _ahead(days: Sequence[Mapping[str, Any]], x: alt.X) -> list[alt.Chart]:
    data = _data(_narrower(days))
    band = data.mark_rect(color=MUTED, opacity=0.16)
    middle = data.mark_rule(color=INK, size=1.5, opacity=0.55)
    return [
        band.encode(x=x, x2="end:T", y="low:Q", y2="high:Q", description="said:N"),
        middle.encode(x=x, x2="end:T", y="expected:Q", description="said:N"),
    ]


def _narrower(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**row, "start": row["start"] + gap, "end": row["end"] - gap}
        for row in rows
        for gap in [(row["end"] - row["start"]) * GAP / 2]
    ]


def _ticks(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[float]:
    """The middles of some of the buckets, so that a label stands below its bar."""
    middles = sorted({(row["start"] + row["end"]) / 2 for row in (*rows, *options["ahead"])})
    every = -(-len(middles) // TICKS) or 1
    return middles[::every]


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=[dict(row) for row in rows]))
