"""Where marks go, and for how long: the arithmetic of the break-even, and a table of plans."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.catalog.caching import Caching, Keep
from farthing.steps.shape.planning import Plan, Point, Spot, break_even, cost, plan

PLAIN = 1_000_000
CLAUDE = Caching(
    "marks", 1_024, PLAIN, PLAIN // 10, (Keep("5m", 300, PLAIN * 5 // 4), Keep("1h", 3_600, PLAIN * 2)), 4, 20
)  # fmt: skip
CHEAP_READS = Caching("marks", 512, PLAIN, PLAIN // 20, CLAUDE.keeps, 4, 20)
GPT = Caching(
    "breakpoints", 1_024, PLAIN, PLAIN // 10, (Keep("30m", 1_800, PLAIN * 5 // 4), Keep("12h", 43_200, PLAIN * 5 // 2)), 4, 0
)  # fmt: skip
SHORT, LONG = 0, 1


@pytest.mark.parametrize(
    ("rates", "keep", "share"),
    [(CLAUDE, SHORT, 0.217), (CLAUDE, LONG, 0.526), (CHEAP_READS, SHORT, 0.208), (CHEAP_READS, LONG, 0.513),
     (GPT, LONG, 0.625)],
)  # fmt: skip
def test_break_even_is_that_of_the_price_lists(rates: Caching, keep: int, share: float) -> None:
    chance = break_even(rates.keeps[keep].write, rates)
    assert chance == pytest.approx(share, abs=0.001)
    assert cost(chance, rates.keeps[keep].write, rates) == pytest.approx(1)


@pytest.mark.parametrize(
    ("rates", "keep", "minutes"),
    [(CLAUDE, SHORT, 20), (CHEAP_READS, SHORT, 21), (GPT, SHORT, 122), (CLAUDE, LONG, 80), (CHEAP_READS, LONG, 83),
     (GPT, LONG, 12.2 * 60)],
)  # fmt: skip
def test_a_write_pays_below_a_mean_gap(rates: Caching, keep: int, minutes: float) -> None:
    """With calls that come at random, as the published arithmetic has it."""
    kept = rates.keeps[keep]

    def costs(gap: float) -> float:
        return cost(1 - math.exp(-kept.seconds / (gap * 60)), kept.write, rates)

    assert costs(minutes * 0.97) < 1 < costs(minutes * 1.03)


def at(tokens: int, short: float, long: float, live: int = -1, place: int | None = None) -> Spot:
    return Spot(tokens // 1_000 if place is None else place, tokens, (short, long), live)


GOLDEN: list[tuple[str, Caching, list[Spot], list[Point]]] = [
    ("nothing repeats", CLAUDE, [at(5_000, 0.1, 0.1)], []),
    ("below the smallest size", CLAUDE, [at(1_000, 0.9, 0.9)], []),
    ("soon again", CLAUDE, [at(5_000, 0.9, 0.92)], [Point(5, SHORT)]),
    ("within the hour only", CLAUDE, [at(5_000, 0.1, 0.9)], [Point(5, LONG)]),
    ("not soon enough for either", CLAUDE, [at(5_000, 0.15, 0.5)], []),
    ("stable prefix and moving tail", CLAUDE, [at(5_000, 0.4, 0.99), at(9_000, 0.6, 0.65)], [Point(5, LONG), Point(9, SHORT)]),
    ("the longer comes first", CLAUDE, [at(5_000, 0.9, 0.9), at(9_000, 0.1, 0.9)], [Point(5, LONG), Point(9, LONG)]),
    ("stable prefix alone", CLAUDE, [at(5_000, 0.9, 0.9), at(9_000, 0.05, 0.1)], [Point(5, SHORT)]),
    ("what is held is read", CLAUDE, [at(5_000, 0.05, 0.1, SHORT), at(9_000, 0.0, 0.0)], [Point(5, SHORT)]),
    ("what is held is read, and the rest written", CLAUDE, [at(5_000, 0.9, 0.9, SHORT), at(9_000, 0.8, 0.8)],
     [Point(5, SHORT), Point(9, SHORT)]),
    ("thirty minutes are the usual there", GPT, [at(5_000, 0.9, 0.95)], [Point(5, SHORT)]),
    ("a few calls a day", GPT, [at(5_000, 0.1, 0.95)], [Point(5, LONG)]),
    ("marks in what is written anyway", CLAUDE, [at(9_000, 0.9, 0.9, place=40)],
     [Point(10, SHORT), Point(25, SHORT), Point(40, SHORT)]),
    ("not in what is held", CLAUDE, [at(5_000, 0.9, 0.9, SHORT, 30), at(9_000, 0.9, 0.9, place=50)],
     [Point(30, SHORT), Point(35, SHORT), Point(50, SHORT)]),
    ("no such bound there", GPT, [at(9_000, 0.9, 0.9, place=40)], [Point(40, SHORT)]),
    ("four at most: the end, what is read, the largest", CLAUDE,
     [at(2_000, 0.9, 0.9, SHORT), at(3_000, 0.8, 0.8), at(9_000, 0.7, 0.7), at(10_000, 0.6, 0.6), at(11_000, 0.5, 0.5)],
     [Point(2, SHORT), Point(9, SHORT), Point(10, SHORT), Point(11, SHORT)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rates", "spots", "points"), GOLDEN, ids=[case[0] for case in GOLDEN])
def test_plans(name: str, rates: Caching, spots: list[Spot], points: list[Point]) -> None:
    assert list(plan(spots, rates).points) == points


def test_a_plan_says_what_is_at_risk() -> None:
    made = plan([at(5_000, 0.4, 0.99), at(9_000, 0.6, 0.65)], CLAUDE)
    assert (made.read, made.written) == (0, 9_000)
    assert made.risk == 5_000 * PLAIN + 4_000 * PLAIN // 4


def test_without_a_say_there_is_no_plan() -> None:
    assert plan([Spot(0, 9_000)], Caching("automatic", 1_024, PLAIN, PLAIN // 2)) == Plan()


spots_of = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 5_000), st.floats(0, 1), st.floats(0, 1), st.sampled_from((-1, -1, 0, 1))),
    max_size=12,
)  # fmt: skip


@given(spots_of, st.sampled_from((CLAUDE, CHEAP_READS, GPT)))
def test_plans_keep_the_providers_rules(steps: list[tuple[int, int, float, float, int]], rates: Caching) -> None:
    place = tokens = 0
    spots = []
    for blocks, size, short, more, live in steps:
        place, tokens = place + blocks, tokens + size
        spots.append(Spot(place, tokens, (short, max(short, more)), live))
    made = plan(spots, rates)
    sizes = {spot.at: spot.tokens for spot in spots}
    assert len(made.points) <= rates.most
    assert list(made.points) == sorted(set(made.points))
    keeps = [point.keep for point in made.points]
    assert keeps == sorted(keeps, reverse=True)
    assert all(sizes[point.at] >= rates.least for point in made.points[-1:])
    assert made.risk >= 0
