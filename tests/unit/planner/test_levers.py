"""Levers: what each writes is what it switches, and reads as settings."""

import tomllib

import pytest

from farthing.model.arms import LEVERS
from farthing.planner.levers import REPLAYED, WAITING, Lever, switched
from farthing.settings import Settings, load


def test_names_are_those_of_savings_and_differ() -> None:
    names = [lever.name for lever in (*REPLAYED, WAITING)]
    assert len(set(names)) == len(names) and set(names) <= set(LEVERS)


@pytest.mark.parametrize("lever", REPLAYED, ids=lambda lever: lever.name)
def test_what_is_written_is_what_was_replayed(lever: Lever, tmp_path) -> None:  # type: ignore[no-untyped-def]
    tables = tomllib.loads(lever.toml)
    changed = lever.switch(Settings())
    for table, values in tables.items():
        for name, value in values.items():
            assert getattr(getattr(changed, table), name) == value
            assert getattr(getattr(Settings(), table), name) != value or name == "max_temperature"
    file = tmp_path / "farthing.toml"
    provider = '[providers.openai]\napi_key = "k"\nbase_url = "http://127.0.0.1:1/v1"\n'
    file.write_text(provider + lever.toml, encoding="utf-8")
    assert load(file, {}, kinds={"openai": "http://127.0.0.1:1/v1"})


def test_levers_do_not_undo_each_other() -> None:
    there = switched(Settings(), REPLAYED)
    back = switched(Settings(), list(reversed(REPLAYED)))
    assert there == back
    assert switched(Settings(), ()) == Settings()
