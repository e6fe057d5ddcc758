"""A budget becomes fields and these the same budget."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import ImmutableMultiDict

from farthing.dashboard.budgets.typed import WINDOWS, budget_of, fields_of
from farthing.model.budget import MOST, Budget, Unit

NAMES = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=8)
UNITS: list[Unit] = ["money", "tokens", "calls"]


@given(
    st.integers(0, MOST), st.sampled_from(UNITS), st.sampled_from([name for name, _ in WINDOWS]), st.booleans(), st.booleans(),
    st.integers(0, MOST), st.dictionaries(st.sampled_from(["team", "user", "model", "plan", "region"]), NAMES | st.just("*"), max_size=5),
)  # fmt: skip
def test_there_and_back(
    amount: int, unit: Unit, window: str, hard: bool, roll: bool, most: int, scope: dict[str, str]
) -> None:  # fmt: skip
    budget = Budget("b", amount, unit=unit, window=window, hard=hard, roll_over=roll, max_call=most, scope=scope)
    assert budget_of(ImmutableMultiDict(fields_of(budget)), "b", "default") == budget
