"""A line of days."""

import re

from farthing.dashboard.charts import spark


def test_it_goes_from_edge_to_edge_and_high_is_up() -> None:
    found = re.findall(r"([\d.]+),([\d.]+)", spark.line([(1, 5.0), (2, 1.0), (5, 9.0)]))
    assert found == [("2.0", "14.0"), ("31.0", "26.0"), ("118.0", "2.0")]


def test_one_day_is_no_line_and_days_alike_are_level() -> None:
    assert spark.line([(1, 5.0)]) == ""
    assert "2.0,14.0 118.0,14.0" in spark.line([(1, 5.0), (2, 5.0)])
