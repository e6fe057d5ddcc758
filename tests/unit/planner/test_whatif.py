"""Settings changed by hand."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.planner.whatif import changed
from farthing.settings import ModelSettings, ProviderSettings, Settings, Url
from farthing.settings.values import Secret

OWN = Settings(
    providers={"openai": ProviderSettings(base_url=Url("http://127.0.0.1:1/v1"), api_key=Secret("k"))},
    models={"gpt-4o": ModelSettings(provider="openai")},
)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("routing.quality_floor", "0.98", 0.98),
        ("cache.mode", "exact", "exact"),
        ("cache.mode", '"exact"', "exact"),
        ("routing.substitute", "true", True),
        ("routing.small", '["gpt-4o"]', ["gpt-4o"]),
    ],
)
def test_a_value_goes_to_its_place_and_nowhere_else(path: str, text: str, value: object) -> None:
    new = changed(OWN, {path: text})
    table, name = path.split(".")
    found = getattr(getattr(new, table), name)
    assert (list(found) if isinstance(value, list) else found) == value
    assert changed(new, {path: _as_toml(getattr(getattr(OWN, table), name))}) == OWN


def _as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, (list, tuple)) else str(value)


def test_a_model_of_the_settings_can_be_changed_and_no_other() -> None:
    assert changed(OWN, {"models.gpt-4o.provider": "openai"}) == OWN
    with pytest.raises(BadRequest, match="there is no 'other'"):
        changed(OWN, {"models.other.provider": "openai"})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("routing.quality_flour", "0.98"),
        ("routing", "0.98"),
        ("routing.quality_floor.more", "1"),
        ("routing.quality_floor", "high"),
        ("", "1"),
        ("cache.mode", "sometimes"),
        ("cache.mode", "a\nb"),
    ],
)
def test_what_is_no_setting_is_told(path: str, text: str) -> None:
    with pytest.raises(BadRequest):
        changed(OWN, {path: text})


@given(st.text(max_size=20), st.text(max_size=20))
def test_nothing_else_goes_wrong(path: str, text: str) -> None:
    with suppress(BadRequest):
        changed(OWN, {path: text, "routing.quality_floor": "0.9"})
