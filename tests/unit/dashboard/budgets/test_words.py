"""Budgets in words: the scope, the window, when it begins anew, whose calls a member's are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.dashboard.budgets import words
from farthing.model.budget import EACH, Budget, member_name
from farthing.model.windows import FOREVER_US
from farthing.store.rollups import DAY_US


@pytest.mark.parametrize(
    ("scope", "tenant", "said"),
    [
        ({}, "default", "all calls"), ({"team": "support"}, "default", "calls of team support"),
        ({"team": "support", "user": EACH}, "default", "calls of team support, one budget for each user"),
        ({"feature": "farthing *"}, EACH, "calls of each feature that begins with “farthing ”, one budget for each tenant"),
        ({"model": "gpt-5*"}, "default", "calls of models like gpt-5*"), ({"model": "gpt-5"}, "default", "calls of model gpt-5"),
        ({"plan": "pro", "region": EACH}, "default", "calls of the tag plan pro, one budget for each value of the tag region"),
    ],
)  # fmt: skip
def test_scopes(scope: dict[str, str], tenant: str, said: str) -> None:
    assert words.scope(Budget("b", 1, scope=scope, tenant=tenant)) == said


def test_windows() -> None:
    assert words.window(Budget("b", 1)) == "a month"
    assert words.window(Budget("b", 1, window="day", zone="Europe/Berlin")) == "a day, Europe/Berlin"
    assert words.window(Budget("b", 1, window="rolling 24h")) == "in any 24h"
    assert words.window(Budget("b", 1, window="quarter", fiscal_start="04-01")) == "a quarter of the year from 04-01"
    assert words.window(Budget("b", 1, window="total")) == "once, for all time"


def test_when_it_begins_anew() -> None:
    day = 20_000 * DAY_US
    assert words.resets(Budget("b", 1), day, day - 3 * DAY_US) == "begins anew on 4 Oct UTC, in 3 days"
    assert words.resets(Budget("b", 1), day + 90 * 60_000_000, day) == "begins anew on 4 Oct 01:30 UTC, in 90 minutes"
    assert words.resets(Budget("b", 1, window="total"), FOREVER_US, day) == "never begins anew"
    assert words.resets(Budget("b", 1, window="rolling 7d"), day, day) == "begins anew bit by bit"


@given(st.lists(st.text(max_size=12), min_size=2, max_size=2))
def test_a_members_scope_is_read_back(values: list[str]) -> None:
    budget = Budget("b", 1, scope={"team": EACH, "feature": "x", "user": EACH})
    assert words.member_scope(budget, member_name(values)) in (
        {"team": values[0], "feature": "x", "user": values[1]}, None if "…" in "".join(values) else ...,
    )  # fmt: skip


def test_a_name_that_was_cut_leads_nowhere() -> None:
    budget = Budget("b", 1, scope={"user": EACH})
    assert words.member_scope(budget, member_name(["x" * 200])) is None
    assert words.member_scope(budget, "a/b") is None
