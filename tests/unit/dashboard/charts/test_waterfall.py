"""The waterfall and the spend by day, drawn: nothing is lost, marks say what they show, names are words and not markup."""

import html

from farthing.dashboard.charts.studio import svg_of

BARS = [
    {"key": "as sent", "label": "as sent", "kind": "baseline", "from": 0, "to": 10, "text": "$10.00", "said": "as sent: $10"},
    {"key": "a", "label": '<b>"a"</b>', "kind": "saved", "from": 6, "to": 10, "text": "-$4.00", "said": "a saved $4"},
    {"key": "a: own", "label": "its own cost", "kind": "overhead", "from": 6, "to": 7, "text": "+$1.00", "said": "a cost $1"},
    {"key": "paid", "label": "paid", "kind": "paid", "from": 0, "to": 7, "text": "$7.00", "said": "paid: $7"},
]  # fmt: skip
MEASURED = [{"key": "a", "from": 5, "to": 8, "at": 6.5, "text": "measured $2 to $5", "said": "measured: $3.50"}]


def test_each_bar_and_what_was_measured_is_there() -> None:
    svg = svg_of("waterfall", BARS, {"measured": MEASURED})
    for words in (*(each["said"] for each in BARS), "measured: $3.50", "its own cost", "measured $2 to $5", "$7.00"):
        assert str(words) in svg
    assert "<b>" not in svg
    assert '<b>"a"</b>' in html.unescape(svg)


def test_without_a_hold_out_there_is_nothing_measured() -> None:
    assert "measured" not in svg_of("waterfall", BARS, {"measured": []})


def test_days_have_their_line_their_band_and_marks_above() -> None:
    day = 86_400_000
    rows = [{"start": 0, "end": day, "name": "<i>x</i>", "from": 0, "to": 9, "said": "x, 1 Jan: $9"}]
    line = {"start": 0, "end": day, "dollars": 4, "said": "alert line: $4"}
    ahead = [{"start": day, "end": 2 * day, "low": 1, "expected": 2, "high": 3, "said": "forecast: $2"}]
    options = {
        "names": ["<i>x</i>"], "rest": "all others", "since": 0, "until": 2 * day, "step": "day", "ratio": 2.0,
        "threshold": [line], "above": [line | {"total": 9}], "ahead": ahead,
    }  # fmt: skip
    svg = svg_of("spend_by_day", rows, options)
    for words in ("x, 1 Jan: $9", "alert line: $4", "forecast: $2", "4.5x", "1 Jan"):
        assert words in svg
    assert "<i>" not in svg
