import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.budget import MEMBER_BYTES, Budget, Raise, member_name, scope_from, scope_text
from farthing.model.principal import Principal

ANA = Principal(user="ana", team="growth", feature="support", tags={"env": "prod"})


@pytest.mark.parametrize(
    ("scope", "member"),
    [
        ({}, ""), ({"user": "ana"}, ""), ({"user": "ben"}, None), ({"user": "*"}, "ana"),
        ({"feature": "support", "user": "*"}, "ana"), ({"team": "*", "user": "*"}, "growth/ana"),
        ({"env": "prod"}, ""), ({"env": "*"}, "prod"), ({"plan": "*"}, None), ({"project": "*"}, ""),
        ({"feature": "sup*"}, ""), ({"feature": "sup*", "user": "*"}, "ana"), ({"feature": "sap*"}, None), ({"env": "prod*"}, ""),
        ({"model": "gpt-5*"}, ""), ({"model": "claude-*"}, None), ({"model": "*"}, "gpt-5-mini"), ({"key": "*"}, ""),
    ],
)  # fmt: skip
def test_who_it_holds_for(scope: dict[str, str], member: str | None) -> None:
    assert Budget("b", 1, scope=scope).member(ANA, "gpt-5-mini") == member


def test_tenants_are_walls() -> None:
    other = Principal(tenant="acme")
    assert Budget("b", 1).member(other, "m") is None
    assert Budget("b", 1, tenant="*").member(other, "m") == "acme"


@given(st.lists(st.lists(st.text(max_size=40), min_size=2, max_size=2), min_size=2, max_size=2))
def test_no_two_members_share_a_name(names: list[list[str]]) -> None:
    one, other = names
    assert (member_name(one) == member_name(other)) == (one == other)
    assert len(member_name(one).encode(errors="replace")) <= MEMBER_BYTES + 60


def test_raises_end() -> None:
    budget = Budget("b", 100, raises=(Raise(50, 2_000, "launch", 1_000), Raise(7, 3_000, "late", 0)))
    assert [budget.allowed_at(at) for at in (0, 1_000, 2_000, 3_000)] == [107, 157, 107, 100]


@pytest.mark.parametrize(
    "wrong",
    [Budget("", 1), Budget("a b", 1), Budget("b", -1), Budget("b", 1, window="eon"), Budget("b", 1, scope={"user": ""}),
     Budget("b", 1, scope={"user": "a\nb"}), Budget("b", 1, tenant="")],
)  # fmt: skip
def test_what_is_no_budget_is_refused(wrong: Budget) -> None:
    with pytest.raises(ValueError):
        wrong.check()


def test_scopes_are_said_in_one_order() -> None:
    assert list(scope_from({"env": "x", "user": "*", "app": "y", "team": "t"})) == ["team", "user", "app", "env"]
    assert scope_text(Budget("b", 1, scope={"user": "*"}, tenant="acme")) == "tenant=acme user=*"
    assert scope_text(Budget("b", 1)) == "all calls"
