"""What batches take is learned from those that are back and from those that are not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.turnround import PRIOR_90_S, PRIOR_MEDIAN_S, Seen, turn_rounds

NOW = 1_795_000_000_000_000
seens = st.lists(
    st.builds(
        Seen,
        began_us=st.integers(NOW - 2 * 10**11, NOW),
        took_s=st.floats(0, 200_000),
        back=st.booleans(),
        lines=st.integers(0, 50_000),
    ),
    max_size=40,
)


def every(minutes: float, took_s: float, count: int, *, ago_s: float = 0.0, back: bool = True) -> list[Seen]:
    return [Seen(NOW - round((ago_s + n * minutes * 60) * 1e6), took_s, back) for n in range(count)]


def test_before_anything_is_seen_it_is_as_published() -> None:
    fresh = turn_rounds([], NOW).fresh
    assert fresh.quantile(0.5) == pytest.approx(PRIOR_MEDIAN_S, rel=0.1)
    assert fresh.quantile(0.9) == pytest.approx(PRIOR_90_S, rel=0.1)


@given(seens, st.lists(st.floats(0, 1e6), min_size=3, max_size=3))
def test_chances_are_chances_and_fall_with_time(seen: list[Seen], times: list[float]) -> None:
    known = turn_rounds(seen, NOW)
    waited, sooner, later = sorted(times)
    for turn in (known.fresh, known.running(NOW - 10**10, 10), known.new(1_000)):
        assert 0 <= turn.late(later, waited) <= turn.late(sooner, waited) <= 1
        assert turn.late(waited, waited) == 1


def test_it_follows_what_was_seen() -> None:
    quick, slow = (turn_rounds(every(10, took_s, 30, ago_s=took_s), NOW).fresh for took_s in (120.0, 7_200.0))
    assert quick.quantile(0.5) < 250 and slow.quantile(0.5) > 3_600


def test_shards_that_are_not_back_tell_of_a_stuck_provider() -> None:
    """None has failed and none is finished: what they have waited so far is all that is known of the last two hours."""
    before = every(10, 400.0, 40, ago_s=3 * 3600)
    stuck = [Seen(NOW - round(ago * 1e6), float(ago), False) for ago in range(600, 7_800, 600)]
    assert turn_rounds(before, NOW).fresh.late(3_600) < 0.05
    known = turn_rounds(before + stuck, NOW)
    assert known.fresh.late(3_600) > 0.7
    assert known.running(stuck[-1].began_us).late(7_200 + 3_600, 7_200) > 0.5


def test_what_was_created_later_and_is_back_is_good_news_for_who_still_waits() -> None:
    before = every(10, 400.0, 40, ago_s=3 * 3600)
    waits = Seen(NOW - 900 * 10**6, 900.0, False)
    later = [Seen(NOW - 800 * 10**6 + n * 60 * 10**6, 300.0, True) for n in range(5)]
    others = [Seen(NOW - (3600 - n * 600) * 10**6, 3600.0 - n * 600, False) for n in range(4)]
    alone = turn_rounds([*before, *others, waits], NOW).running(waits.began_us)
    cheered = turn_rounds([*before, *others, waits, *later], NOW).running(waits.began_us)
    assert cheered.late(2_700, 900) < alone.late(2_700, 900)


def test_a_provider_that_is_well_again_is_believed_soon() -> None:
    stuck = [Seen(NOW - round((ago + 1_800) * 1e6), float(ago), True) for ago in range(600, 20_000, 600)]
    well = every(5, 300.0, 6, ago_s=300)
    assert turn_rounds(stuck + well, NOW).fresh.quantile(0.5) < 900


def test_size_counts_only_where_it_matters() -> None:
    dice = random.Random(8)
    grows, same = [], []
    for n in range(60):
        lines = round(10 ** dice.uniform(1, 4.5))
        noise = dice.lognormvariate(0, 0.4)
        grows.append(Seen(NOW - n * 6 * 10**8, 2.0 * lines**0.7 * noise, True, lines))
        same.append(Seen(NOW - n * 6 * 10**8, 300 * noise, True, lines))
    known = turn_rounds(grows, NOW)
    assert 0.5 < known.slope < 0.9
    assert known.new(30_000).quantile(0.5) > 10 * known.new(100).quantile(0.5)
    assert turn_rounds(same, NOW).slope == 0


def test_a_quantile_is_where_that_share_is_back() -> None:
    turn = turn_rounds(every(10, 900.0, 20, ago_s=900), NOW).fresh
    for share in (0.05, 0.5, 0.99):
        assert 1 - turn.late(turn.quantile(share, 300), 300) == pytest.approx(share, abs=0.01)


def test_a_shard_that_is_created_later_meets_the_provider_as_it_usually_is() -> None:
    stuck = turn_rounds([Seen(NOW - n * 600 * 10**6, n * 600.0, False) for n in range(1, 40)], NOW)
    soon, later = stuck.later(0.0), stuck.later(6 * 3600.0)
    assert soon.weights == stuck.fresh.weights
    assert later.late(3600.0) < soon.late(3600.0)
