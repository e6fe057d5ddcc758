"""What a day comes to: cautious early, exact at its end, calm about jobs that move by an hour."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.alerts.today import Passing, Today

NIGHTLY = Passing([0, 0, 100, *[0] * 21])


def test_a_usual_day_is_on_its_way_to_a_usual_day() -> None:
    for hour in range(1, 25):
        assert Today(round(1000 * hour / 24), hour, Passing(())).projected(1000) <= 1001


def test_at_its_end_it_is_what_was_spent() -> None:
    assert Today(5000, 24.0, Passing(())).projected(1000) == 5000


def test_four_times_the_usual_shows_after_a_few_hours() -> None:
    assert Today(round(4000 * 4 / 24), 4.0, Passing(())).projected(1000) > 2000


def test_a_nightly_job_an_hour_early_is_no_accident() -> None:
    """As on the day on which daylight saving time begins."""
    assert Today(1000, 1.1, NIGHTLY).projected(1000) < 1100
    assert Today(0, 3.1, NIGHTLY).projected(1000) < 1000  # and an hour late


def test_without_usual_spending_there_is_no_projection() -> None:
    assert Today(7, 3.0, Passing(())).projected(0) == 7


@given(st.integers(0, 10**14), st.floats(0, 24), st.lists(st.integers(0, 10**12), min_size=24, max_size=24))
def test_it_comes_to_at_least_what_was_spent(spent: int, hour: float, hours: list[int]) -> None:
    today = Today(spent, hour, Passing(hours))
    assert 0 <= today.share <= 1 + 1e-9
    assert today.projected(10**10) >= spent * (1 - 1e-9)
