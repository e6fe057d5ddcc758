"""Levers: what each writes is what it switches, and reads as settings."""

import tomllib

import pytest

from farthing.finops.plans.settings_text import chosen
from farthing.model.arms import LEVERS
from farthing.model.plan import Amount, LeverPlan
from farthing.planner.levers import GUARDED, REPLAYED, WAITING, Lever, switched
from farthing.settings import Settings, load


def test_names_are_those_of_savings_and_differ() -> None:
    names = [lever.name for lever in (*REPLAYED, *GUARDED, WAITING)]
    assert len(set(names)) == len(names)
    booked = [*LEVERS, "request routing"]
    assert all(name.split(",")[0] in booked for name in names)


def test_a_lever_on_top_of_another_is_below_it_in_what_is_proposed() -> None:
    pair = [each for each in (*REPLAYED, *GUARDED) if each.name.startswith("semantic cache")]
    plans = [
        LeverPlan(each.name, each.risk, each.toml, "", "", Amount(2, 1, 3), Amount(2, 1, 3), 2, 1, 0) for each in pair
    ]
    found = tomllib.loads(chosen(plans, [each.name for each in pair]))
    assert found == {"cache": {"mode": "semantic", "max_temperature": 1.0, "judge": "MODEL"}}


@pytest.mark.parametrize("lever", [*REPLAYED, *GUARDED], ids=lambda lever: lever.name)
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
