"""When conversations are trimmed: always alike, in steps, and only where it pays."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.shape.trimming import Rates, Rule, cuts

CACHED = Rates(1.0, 0.05, 1.25)
SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=60)


@given(SIZES, st.integers(200, 2_000), st.integers(1, 8), st.data())
def test_a_later_turn_never_changes_what_was_decided(
    sizes: list[int], above: int, keep: int, data: st.DataObject
) -> None:
    openings = [data.draw(st.integers(1, size)) for size in sizes]
    rule = Rule(above, keep)
    for rates in (Rates(), CACHED):
        whole = cuts(50, sizes, openings, rule, rates)
        for count in range(1, len(sizes) + 1):
            # of the latest turn only its beginning is there
            seen = [*sizes[: count - 1], openings[count - 1]]
            assert cuts(50, seen, openings[:count], rule, rates) == [cut for cut in whole if cut.at < count]
        for cut in whole:
            assert 1 < cut.until <= cut.at + 1 - keep, "the first turn stays, and the latest"
            assert cut.gone == sum(sizes[1 : cut.until]) and cut.tail == sum(sizes[cut.until : cut.at])


def test_it_goes_to_half_and_then_stays_for_many_turns() -> None:
    sizes = [100] * 100
    made = cuts(0, sizes, [20] * 100, Rule(2_000, 4), Rates())
    gaps = [later.at - earlier.at for earlier, later in pairwise(made)]
    assert len(made) > 5 and min(gaps) >= 9


def test_a_prompt_that_the_provider_holds_is_cheaper_to_leave_than_to_read_anew() -> None:
    few = cuts(0, [100] * 25, [20] * 25, Rule(2_000, 4), CACHED)
    assert not few, "20 turns do not pay for reading half of it anew"
    long = cuts(0, [20] * 400, [10] * 400, Rule(2_000, 4), CACHED)
    assert long, "50 turns until the next trim do"
    dear = cuts(0, [100] * 100, [20] * 100, Rule(2_000, 4, price=30.0), Rates())
    assert not dear, "a summary that costs more than it saves is not made"
