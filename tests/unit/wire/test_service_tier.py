import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.service_tier import with_service_tier


def test_it_is_added_where_nothing_was_said() -> None:
    assert with_service_tier(b'{"model": "m"}', "flex") == b'{"service_tier":"flex","model": "m"}'


@pytest.mark.parametrize("said", [b'"auto"', b"null", b'"pri\\"ority"'])
def test_it_takes_the_place_of_what_was_said(said: bytes) -> None:
    body = b'{"model": "m", "service_tier" : ' + said + b', "x": {"service_tier": 1}}'
    assert with_service_tier(body, "flex") == b'{"model": "m", "service_tier" : "flex", "x": {"service_tier": 1}}'


values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text() | st.just("service_tier"), values, max_size=6), st.booleans())
def test_nothing_else_changes(members: dict[str, object], ascii: bool) -> None:
    body = json.dumps({"model": "m", **members}, ensure_ascii=ascii)
    if ascii or body.encode(errors="replace").decode() == body:
        made = json.loads(with_service_tier(body.encode(), "flex"))
        assert made == {"model": "m", **members, "service_tier": "flex"}
