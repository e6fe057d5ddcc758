from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Trail
from farthing.model.record import Attempt, Saving
from farthing.model.usage import Usage
from farthing.steps.route.booking import baseline_cost, saving, served, spent

AMOUNTS = st.integers(0, 10**12)


def attempt(no: int = 1, cost: int = 0, *, part: int = 0, **more: object) -> Attempt:
    made = Attempt(no=no, part=part, cost=cost, cost_state="computed", usage=Usage(uncached_in=100, out=10))
    for name, value in more.items():
        setattr(made, name, value)
    return made


@given(
    costs=st.lists(AMOUNTS, min_size=1, max_size=6),
    inner=st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), max_size=4),
    before=AMOUNTS,
    lost_share=st.floats(0, 1),
)
def test_the_law_holds(costs: list[int], inner: list[tuple[int, int, int]], before: int, lost_share: float) -> None:
    trail = Trail()
    trail.attempts = [attempt(no, cost) for no, cost in enumerate(costs, start=1)]
    trail.savings = [Saving("request routing", *each) for each in inner]
    whole = spent(trail)
    booked = saving(before, whole, int(whole * lost_share))
    if booked is not None:
        trail.savings.append(booked)
        assert before == sum(costs) + sum(each.saved for each in trail.savings)
    else:
        assert before == whole


def test_what_levers_further_out_booked_is_not_ours() -> None:
    trail = Trail()
    trail.attempts = [attempt(1, 70)]
    trail.savings = [Saving("outer", 1000, 0), Saving("request routing", 100, 70)]
    assert spent(trail, savings_before=1) == 100


def test_nothing_is_booked_for_nothing() -> None:
    assert saving(500, 500, 0) is None
    assert saving(500, 700, 200) is not None


def test_only_an_answer_with_a_known_cost_counts() -> None:
    trail = Trail()
    assert served(trail) == []
    trail.attempts = [attempt(outcome="error", cost_state="computed", usage=None)]
    assert served(trail) == []
    trail.attempts = [attempt(1, outcome="error", usage=None), attempt(2, 5), attempt(2, 3, part=1)]
    assert [part.cost for part in served(trail)] == [5, 3]
    trail.attempts = [attempt(cost_state="unknown")]
    assert served(trail) == []


def test_the_baseline_model_writes_at_its_own_length() -> None:
    seen: list[Usage] = []

    def price_at(model: str, part: Attempt, usage: Usage) -> int | None:
        seen.append(usage)
        return usage.uncached_in + 5 * usage.out if model == "sol" else None

    parts = [attempt()]
    assert baseline_cost(parts, "sol", price_at, None) == 150
    assert baseline_cost(parts, "sol", price_at, 2.0) == 200
    assert baseline_cost(parts, "nowhere", price_at, None) is None
    assert seen[1].uncached_in == 100
