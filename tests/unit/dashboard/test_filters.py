"""Filters from an address and back: what was read is written again, whatever callers call their things."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from farthing.dashboard.filters import LONGEST, SCOPES, address, filters_of
from farthing.model.errors import BadRequest
from farthing.store.reading import FILTERS

NOW = 1_790_000_000_000_000


def read(query: str) -> dict[str, str]:
    return filters_of(QueryParams(query), NOW).where


def test_each_name_that_calls_are_filtered_by_may_stand_in_an_address() -> None:
    assert {*SCOPES, "tenant"} == set(FILTERS)
    assert read("&".join(f"{name}=x" for name in SCOPES)) == dict.fromkeys(SCOPES, "x")


def test_reports_are_narrowed_only_by_what_sums_are_kept_of() -> None:
    assert filters_of(QueryParams("feature=a&outcome=error"), NOW).of_reports == {"feature": "a"}


def test_an_empty_value_means_calls_that_said_none() -> None:
    assert read("feature=") == {"feature": ""}
    assert read("") == {}


def test_a_form_may_add_one_name() -> None:
    assert read("feature=a&add=user&is=b") == {"feature": "a", "user": "b"}
    assert read("feature=a&add=feature&is=b") == {"feature": "b"}
    assert read("add=user") == {"user": ""}
    assert read("add=password&is=b") == {}


def test_a_value_is_bounded() -> None:
    with pytest.raises(BadRequest, match="too long"):
        read(f"user={'x' * (LONGEST + 1)}")


@given(
    st.dictionaries(st.sampled_from(SCOPES), st.text(st.characters(exclude_categories=["Cs"]), max_size=40)),
    st.booleans(),
)
def test_an_address_says_what_it_was_made_of(where: dict[str, str], compare: bool) -> None:
    found = filters_of(QueryParams([*where.items(), *([("compare", "before")] if compare else [])]), NOW)
    again = urlsplit(address("/spend", found))
    assert filters_of(QueryParams(parse_qsl(again.query, keep_blank_values=True)), NOW) == found


def test_changes_stand_over_what_was_there_and_none_takes_away() -> None:
    found = filters_of(QueryParams("feature=a&user=b&period=7d"), NOW)
    assert address("/spend", found, {"feature": None, "by": "model"}) == "/spend?period=7d&user=b&by=model"
    assert address("/spend", filters_of(QueryParams(""), NOW)) == "/spend"
