"""The specification of spend over time; the drawing itself is the studio's."""

from farthing.dashboard.charts.spend_over_time import REST, draw
from farthing.dashboard.charts.theme import OTHERS, dressed

ROWS = [{"at": "2026-03-01", "name": "a", "dollars": 1.5, "rank": 0, "said": "a, 1 Mar: $1.50"}]


def test_days_and_hours_are_utc_and_the_rest_is_grey() -> None:
    for each, unit in (("day", "yearmonthdate"), ("hour", "yearmonthdatehours")):
        spec = dressed(draw(ROWS, {"names": ["a", REST], "each": each}))
        encoding = spec["encoding"]
        assert encoding["x"]["timeUnit"] == {"unit": unit, "utc": True}
        assert encoding["color"]["scale"]["domain"] == ["a", REST]
        assert encoding["color"]["scale"]["range"][1] == OTHERS
        assert encoding["description"]["field"] == "said"


def test_one_name_needs_no_legend() -> None:
    assert draw(ROWS, {"names": ["a"], "each": "day"}).to_dict()["encoding"]["color"]["legend"] is None
