"""What all metrics share."""

from farthing.finops.metrics.metric import ratios


def test_days_without_a_denominator_have_no_figure() -> None:
    assert ratios([(1, 3, 4), (2, 5, 0), (3, 1, 2)]) == ((1, 0.75), (3, 0.5))
