import pytest

from farthing.steps.route.cascade import Seen, worth_trying


@pytest.mark.parametrize(
    ("seen", "cheap", "better", "floor", "worth"),
    [
        (None, 1, 100, 0.9, False),
        (Seen(49, 0.99, 1.0), 1, 100, 0.9, False),  # too few
        (Seen(500, 0.8, 0.995), 5, 100, 0.99, True),
        (Seen(500, 0.8, 0.9), 5, 100, 0.99, False),  # the check is not right often enough
        (Seen(500, 0.3, 1.0), 50, 100, 0.9, False),  # 50 + 70 costs more than 100
        (Seen(500, 0.0, 1.0), 1, 100, 0.5, False),
    ],
)
def test_when_a_cheap_try_is_worth_it(seen: Seen | None, cheap: int, better: int, floor: float, worth: bool) -> None:
    assert worth_trying(seen, cheap, better, floor) is worth
