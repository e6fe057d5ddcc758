"""How long conversations go on, learned from earlier ones."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.steps.shape.lengths import FULL, LEAST, MOST_TURNS, TENANTS, Lengths


def noted(*lengths: int) -> Lengths:
    made = Lengths()
    for length in lengths:
        for turn in range(length):
            made.note("t", turn)
    return made


def test_turns_to_come_are_those_that_earlier_ones_had() -> None:
    made = noted(*[3] * 20, *[11] * 20)
    assert made.expected("t", 0, 100) == (2 + 10) / 2
    assert made.expected("t", 3, 100) == 7, "who got here goes on"
    assert made.expected("t", 3, 2.9) == 2, "no more than count"
    assert made.expected("t", 10, 100) == 0
    assert made.expected("t", 11, 100) is None, "nobody got there"
    assert made.expected("other", 0, 100) is None, "never across tenants"
    assert noted(*[9] * (LEAST - 1)).expected("t", 0, 100) is None


def test_what_is_new_weighs_more_and_all_is_bounded() -> None:
    made = noted(*[2] * FULL, *[20] * FULL)
    grown = made.expected("t", 0, 100)
    assert grown is not None and grown > 10
    made.note("t", 10**9)
    assert made.expected("t", MOST_TURNS - 1, 100) is None
    for number in range(TENANTS):
        made.note(f"t{number}", 0)
    assert made.expected("t", 0, 100) is None, "the tenant that was heard of last longest ago is forgotten"


@given(st.lists(st.integers(1, 40), min_size=1, max_size=200), st.integers(0, 40), st.floats(0, 300))
def test_never_more_than_what_counts(lengths: list[int], turn: int, most: float) -> None:
    told = noted(*lengths).expected("t", turn, most)
    assert told is None or 0 <= told <= most
