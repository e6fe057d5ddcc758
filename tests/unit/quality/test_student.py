"""Student's t against the printed table."""

import pytest

from farthing.quality.student import two_sided


@pytest.mark.parametrize(
    ("error", "freedom", "expected"),
    [
        (0.05, 1, 12.7062), (0.05, 2, 4.30265), (0.05, 3, 3.18245), (0.05, 4, 2.77645), (0.05, 5, 2.57058),
        (0.05, 10, 2.22814), (0.05, 30, 2.04227), (0.05, 200, 1.97190), (0.05, 1e6, 1.95997), (0.01, 10, 3.16927),
        (0.10, 20, 1.72472), (0.01, 3, 5.84091),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_the_table(error: float, freedom: float, expected: float) -> None:
    assert two_sided(error, freedom) == pytest.approx(expected, rel=2e-4)


def test_between_whole_degrees_of_freedom_it_falls() -> None:
    found = [two_sided(0.05, 1 + place / 10) for place in range(300)]
    assert found == sorted(found, reverse=True)
