"""One look for all charts. Colours are the page's own variables, so that one drawing serves light and dark."""

from typing import Any

import altair as alt

INK, MUTED, GRID, PAPER = "var(--ink)", "var(--muted)", "var(--line)", "var(--paper)"
GOOD, BAD, WARN, ACCENT = "var(--good)", "var(--bad)", "var(--warn)", "var(--accent)"
SERIES = [f"var(--series-{number})" for number in range(1, 9)]
"""Colours that stay apart for colour-blind eyes, in light and in dark."""
OTHERS = "var(--series-others)"
FONT = "system-ui, sans-serif"


def dressed(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The chart's specification with the look."""
    spec: dict[str, Any] = chart.to_dict()
    spec["background"] = "transparent"
    spec["config"] = {
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": MUTED, "titleColor": MUTED, "domainColor": GRID, "tickColor": GRID, "gridColor": GRID,
            "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelPadding": 6,
        },
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False},
        "legend": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": 11, "symbolType": "square", "title": None, "columns": 4},
        "text": {"color": INK, "fontSize": 11},
        "rule": {"color": MUTED},
        "range": {"category": SERIES},
        "mark": {"color": ACCENT},
    }  # fmt: skip
    return spec
