"""A waterfall that lies on its side, so that names have room: each bar begins where the one above it ended. Below a bar may
stand what was measured by itself, with its interval."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import altair as alt

from farthing.dashboard.charts.theme import ACCENT, BAD, GOOD, GRID, INK, MUTED, WARN

WIDTH, STEP, BAR = 340, 40, 17
FONT, SMALL = 13, 12
"""Read on a phone too, where the drawing is smaller than it was drawn."""
EDGE = 28
"""For names in a font that is wider than the one the drawing was measured with."""
ROOM = 1.34
"""The scale goes on beyond the longest bar, for the words beside it."""
COLOURS = {"baseline": MUTED, "saved": GOOD, "lost": BAD, "overhead": WARN, "paid": ACCENT}


def draw(rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Rows `{label, kind, from, to, text, said}` in dollars, from the top; `options["measured"]` the like with `at`."""
    ends = [end for row in (*rows, *options["measured"]) for end in (row["from"], row["to"])]
    scale = alt.Scale(domain=[min(0, *ends), max(ends) * ROOM], nice=False)
    x = alt.X("from:Q", title=None, scale=scale, axis=alt.Axis(format="$,.4~r", tickCount=3, labelFontSize=FONT))
    keys = [row["key"] for row in rows]
    names = " : ".join(f"datum.value === {json.dumps(row['key'])} ? {json.dumps(row['label'])}" for row in rows)
    y = alt.Y("key:N", title=None, sort=keys, axis=alt.Axis(labelExpr=f"{names} : ''", labelLimit=0, labelOffset=-6, labelFontSize=FONT, labelColor=INK, domain=False, ticks=False))  # fmt: skip
    marked = [{**row, "right": max(row["from"], row["to"])} for row in rows]
    bars = _data(marked).mark_bar(size=BAR, yOffset=-6, cornerRadius=2)
    colour = alt.Color("kind:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())), legend=None)
    text = _data(marked).mark_text(align="left", dx=6, yOffset=-6, fontSize=FONT, fontWeight=600)
    layers: list[alt.Chart] = [
        _joints(rows, y),
        bars.encode(x=x, x2="to:Q", y=y, color=colour, description="said:N"),
        text.encode(x=alt.X("right:Q", scale=scale), y=y, text="text:N"),
    ]
    if options["measured"]:
        layers += _measured(options["measured"], x, y)
    return alt.layer(*layers).properties(
        width=WIDTH, height=alt.Step(STEP), padding={"left": EDGE, "right": EDGE, "top": 0, "bottom": 4}
    )


def _joints(rows: Sequence[Mapping[str, Any]], y: alt.Y) -> alt.Chart:
    """Where a bar ended, down to the next."""
    found = []
    for above, below in pairwise(rows):
        level = above["from"] if above["kind"] in ("saved", "lost") else above["to"]
        found.append({"level": level, "key": above["key"], "next": below["key"]})
    line: alt.Chart = _data(found).mark_rule(color=GRID, yOffset=-6, y2Offset=-6)
    joints: alt.Chart = line.encode(x="level:Q", y=y, y2="next:N")
    return joints


def _measured(rows: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    data = _data(rows)
    return [
        data.mark_rule(yOffset=10, size=2, color=INK).encode(x=x, x2="to:Q", y=y, description="said:N"),
        data.mark_point(yOffset=10, size=30, color=INK, filled=True, opacity=1).encode(
            x="at:Q", y=y, description="said:N"
        ),
        _beside(rows, y, "left", "to", 8),
        _beside(rows, y, "right", "from", -8),
    ]


def _beside(
    rows: Sequence[Mapping[str, Any]], y: alt.Y, align: Literal["left", "right"], end: str, away: int
) -> alt.Chart:
    """Words on the side of the interval where there is room."""
    widest = max(row["to"] for row in rows)
    mine = [row for row in rows if (row["from"] < widest / 2) == (align == "left")]
    text = _data(mine).mark_text(yOffset=10, align=align, dx=away, fontSize=SMALL, color=MUTED)
    words: alt.Chart = text.encode(x=f"{end}:Q", y=y, text="text:N")
    return words


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=[dict(row) for row in rows]))
