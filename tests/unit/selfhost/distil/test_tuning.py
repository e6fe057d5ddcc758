"""What a training on this machine is worth, in figures; the training itself is tested as it is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.selfhost.distil.card import lasted, points
from farthing.selfhost.distil.tuning import Estimate, paired


def estimate(**changes: object) -> Estimate:
    given = {
        "examples": 100, "left_out": 0, "tokens": 10_000, "steps": 39, "parameters": 1, "learned": 1,
        "token_s": (0.001, 0.002, 0.004), "memory": 0, "gpu_memory": 0,
    }  # fmt: skip
    return Estimate(**{**given, **changes})


def test_the_time_is_foretold_by_tokens_and_epochs_with_room_on_both_sides() -> None:
    found = estimate().seconds(3)
    assert (found.low, found.likely, found.high) == pytest.approx((25.5, 60.0, 138.0))


@pytest.mark.parametrize(
    ("better", "worse", "same", "verdict"),
    [(30, 2, 68, "better"), (2, 30, 68, "worse"), (3, 2, 95, "open"), (0, 0, 50, "open")],
)
def test_what_became_better_is_shown_or_open(better: int, worse: int, same: int, verdict: str) -> None:
    found = paired([(False, True)] * better + [(True, False)] * worse + [(True, True)] * same)
    assert found.verdict == verdict and found.difference == pytest.approx((better - worse) / found.cases)
    assert found.low <= found.difference <= found.high


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_interval_turns_with_the_models(both: list[tuple[bool, bool]]) -> None:
    one, other = paired(both), paired([(after, before) for before, after in both])
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    assert -1 <= one.low <= one.difference <= one.high <= 1


def test_times_are_read_easily() -> None:
    assert [lasted(each) for each in (0.234, 59.6, 240, 9000)] == ["0.23 s", "60 s", "4 min", "2.5 h"]


def test_points_have_a_sign() -> None:
    assert (points(0.0), points(0.123), points(-0.5)) == ("+0.0", "+12.3", "-50.0")
