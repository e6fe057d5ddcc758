"""The cheapest way that meets the deadline, and nothing that waits too long for a batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.choosing import (
    Batch,
    Due,
    Offer,
    Pace,
    again,
    ahead_s,
    choose,
    latest_starts,
    paid_twice,
    promotions,
)
from farthing.batch.turnround import Seen, turn_rounds

NOW = 1_795_000_000_000_000
USUAL = turn_rounds([], NOW).fresh
STUCK = turn_rounds([Seen(NOW - n * 600 * 10**6, n * 600.0, False) for n in range(1, 40)], NOW).fresh
BATCH, FULL = Offer("batch", 500), Offer("now", 1_000, takes_s=30)
PACE = Pace(a_second=2.0, takes_s=30, again_s=10)


def after(seconds: float) -> int:
    return NOW + round(seconds * 1e6)


def pick(offers: list[Offer], seconds: float, batch: Batch | None = None, ahead: float = 0.0):  # type: ignore[no-untyped-def]
    return choose(
        offers, now_us=NOW, deadline_us=after(seconds), late=0.005, batch=batch or Batch(USUAL), ahead_s=ahead
    )


def test_who_can_wait_goes_into_a_batch_and_who_cannot_goes_now() -> None:
    assert pick([BATCH, FULL], 6 * 3600).way == "batch"
    assert pick([BATCH, FULL], 120).way == "now"
    assert pick([BATCH, FULL], 6 * 3600).last_us == after(6 * 3600 - 30)


def test_a_stuck_provider_gets_no_lines_that_cannot_wait_for_it() -> None:
    assert pick([BATCH, FULL], 2 * 3600, Batch(STUCK)).way == "now"


def test_who_has_hours_left_is_not_called_because_a_provider_is_slow_at_this_moment() -> None:
    rounds = turn_rounds([Seen(NOW - n * 600 * 10**6, n * 600.0, False) for n in range(1, 40)], NOW)
    hours = 4.5 * 3600
    gone = Batch(rounds.fresh, twice=0.5)
    assert pick([BATCH, FULL], hours, gone).way == "now"
    hopes = Batch(rounds.fresh, twice=0.5, again=again(rounds, 600))
    assert pick([BATCH, FULL], hours, hopes).way == "batch"
    assert pick([BATCH, FULL], 1_200, hopes).way == "now", "there is no time for another one"


def test_the_risk_to_pay_twice_is_part_of_the_price() -> None:
    line = 0.55
    waits = USUAL.quantile(1 - line) + 30
    assert pick([BATCH, FULL], waits, Batch(USUAL, twice=1.0)).way == "now"
    assert pick([BATCH, FULL], waits, Batch(USUAL, twice=0.0)).way == "batch"
    sure = pick([BATCH, FULL], 24 * 3600)
    assert 500 <= sure.expected < 510


def test_promotions_that_go_first_take_time_from_a_batch() -> None:
    free, crowded = (pick([BATCH, FULL], 3_600, ahead=ahead) for ahead in (0.0, 1_800.0))
    assert crowded.last_us == free.last_us - 1_800_000_000 and crowded.expected > free.expected


def test_the_cheap_tier_is_taken_before_a_batch_that_may_be_late_and_left_if_it_refuses_all() -> None:
    flex = Offer("flex", 500, takes_s=200, refused=0.1)
    assert pick([BATCH, flex, FULL], 1_200).way == "flex"
    full = Offer("flex", 500, takes_s=200, refused=0.99)
    assert pick([BATCH, full, FULL], 24 * 3600).way == "batch"
    assert pick([flex, FULL], 100).way == "now"


def test_a_cheap_hour_that_comes_in_time_is_waited_for() -> None:
    night = Offer("now", 400, from_us=after(4 * 3600), takes_s=30)
    chosen = pick([BATCH, FULL, night], 6 * 3600)
    assert (chosen.way, chosen.from_us, chosen.expected) == ("now", after(4 * 3600), 400)
    assert pick([BATCH, FULL, night], 3 * 3600).way == "batch"


def test_own_idle_slots_cost_next_to_nothing() -> None:
    assert pick([BATCH, FULL, Offer("local", 10, takes_s=60)], 3_600).way == "local"


def test_where_nothing_can_meet_the_deadline_the_likeliest_is_taken() -> None:
    assert pick([BATCH, FULL], 600, ahead=5_000.0).way in ("batch", "now")
    assert pick([BATCH], 1_800).way == "batch" and pick([BATCH], 1_800).late > 0.1
    with pytest.raises(ValueError, match="way"):
        pick([], 100)


@given(
    st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 20_000)), min_size=1, max_size=20),
    st.floats(0.1, 50), st.floats(0, 600),
)  # fmt: skip
def test_latest_starts_leave_each_line_its_time(groups: list[tuple[int, int]], rate: float, takes_s: float) -> None:
    """A queue that begins each group at its start, one after the other, ends each in time; a later start would not do."""
    ordered = sorted((after(seconds), lines) for seconds, lines in groups)
    pace = Pace(rate, takes_s)
    starts = latest_starts(ordered, pace)
    free = float("-inf")
    tight = False
    for (deadline, lines), start in zip(ordered, starts, strict=True):
        free = max(free, start) + lines / rate * 1e6
        assert free + takes_s * 1e6 <= deadline + 10
        tight = tight or free + takes_s * 1e6 >= deadline - 10
    assert tight


def due(lines: int, seconds: float, *, waited: float = 0.0, turn=USUAL, shard: str = "s", **more) -> Due:  # type: ignore[no-untyped-def]
    return Due(shard, after(seconds), lines, NOW - round(waited * 1e6), turn, 500, 1_000, **more)


def test_a_whole_stuck_shard_is_promoted_early_enough_to_be_worked_off() -> None:
    """10,000 lines at 2 a second take 5,000 s."""
    assert promotions([due(10_000, 6_000, waited=7_200, turn=STUCK)], now_us=NOW, pace=PACE, late=0.005) == []
    (found,) = promotions([due(10_000, 5_020, waited=7_200, turn=STUCK)], now_us=NOW, pace=PACE, late=0.005)
    assert found.way == "now" and not found.withdraw and 20 <= found.lines <= 41


def test_all_are_in_time_if_a_provider_is_stuck_for_good() -> None:
    """Asked every ten seconds, each promoted line is worked at the pace, and each deadline is met."""
    left = {("a", 3_000.0): 2_000, ("b", 3_600.0): 1_500, ("c", 3_700.0): 500, ("d", 20_000.0): 4_000}
    queue: list[float] = []
    late = 0
    for at in range(0, 20_100, 10):
        now = after(at)
        groups = [
            Due(shard, after(seconds), lines, NOW - 7_200 * 10**6, STUCK, 500, 1_000)
            for (shard, seconds), lines in left.items() if lines
        ]  # fmt: skip
        pace = Pace(2.0, 30, len(queue), 10)
        for each in promotions(groups, now_us=now, pace=pace, late=0.005):
            key = each.shard, (each.deadline_us - NOW) / 1e6
            left[key] -= each.lines
            queue += [key[1]] * each.lines
        queue.sort()
        begun, queue = queue[:20], queue[20:]
        late += sum(at + 10 + 30 > deadline + 10 for deadline in begun)
    assert not queue and not any(left.values()) and late == 0


def test_a_shard_that_is_nearly_sure_to_be_back_stays() -> None:
    quick = turn_rounds([Seen(NOW - n * 600 * 10**6, 60.0, True) for n in range(1, 100)], NOW).fresh
    assert promotions([due(10_000, 5_000, turn=quick)], now_us=NOW, pace=PACE, late=0.05) == []


def test_a_stuck_shard_goes_to_the_cheap_tier_while_there_is_time() -> None:
    (found,) = promotions([due(10, 7_200, waited=7_200, turn=STUCK, flex=500)], now_us=NOW, pace=PACE, late=0.005)
    assert found.way == "flex" and found.lines == 10
    full = due(10, 7_200, waited=7_200, turn=STUCK, flex=500, refused=0.999)
    assert promotions([full], now_us=NOW, pace=PACE, late=0.005) == []


def test_a_hopeless_shard_is_taken_back_before_its_lines_would_be_paid_twice() -> None:
    (found,) = promotions([due(10, 600, waited=7_200, turn=STUCK, ends_s=600)], now_us=NOW, pace=PACE, late=0.005)
    assert found.withdraw
    kept = due(10, 600, waited=7_200, turn=STUCK)
    assert promotions([kept], now_us=NOW, pace=PACE, late=0.005) == []


def test_lines_of_a_stuck_shard_get_a_new_one_where_others_are_quick() -> None:
    stale = due(10, 4 * 3600, waited=7_200, turn=STUCK, ends_s=600, again=USUAL)
    (found,) = promotions([stale], now_us=NOW, pace=PACE, late=0.005)
    assert found.withdraw
    no_better = due(10, 4 * 3600, waited=7_200, turn=STUCK, ends_s=600, again=STUCK)
    assert promotions([no_better], now_us=NOW, pace=PACE, late=0.005) == []


def test_a_shard_is_taken_back_for_all_of_its_lines_or_none() -> None:
    few_pressed = due(1, 600, waited=600, ends_s=600, again=USUAL)
    many_fine = due(500, 20 * 3600, waited=600, ends_s=600, again=USUAL)
    assert not any(each.withdraw for each in promotions([few_pressed, many_fine], now_us=NOW, pace=PACE, late=0.005))


def test_what_goes_first_is_what_is_due_no_later() -> None:
    assert ahead_s([(after(100), 10), (after(200), 20), (after(300), 40)], after(200), Pace(2.0, 30, busy=4)) == 17


def test_where_shards_are_taken_back_few_lines_are_paid_twice() -> None:
    assert paid_twice(USUAL, 10_000, 0) == 1
    assert 0 < paid_twice(STUCK, 300, 600) < paid_twice(USUAL, 10_000, 600) < paid_twice(USUAL, 300, 600) < 0.7
