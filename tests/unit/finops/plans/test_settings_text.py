"""What a plan proposes is TOML, each table once, and goes into a file without touching what else is in it."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.plans.settings_text import chosen, flat, merged, proposed
from unit.finops.plans.made import LEVERS

OWN = """# ours
[cache]  # of answers
mode = "off" # for now
ttl_s = 60

[prompts]
# nothing yet

[models."a.b"]
provider = "openai"
"""


def test_two_levers_of_one_table_stand_in_it_once() -> None:
    text = proposed(LEVERS)
    found = tomllib.loads(text)
    assert found["prompts"] == {"lossless": "on", "provider_caching": "auto"}
    assert found["cache"] == {"mode": "exact", "max_temperature": 1.0}
    assert "routing" not in found and "# substitute = true" in text and "# [routing]" in text
    assert "batch" not in found and "# deadline_s = 21600" in text and "finops" not in text
    assert "semantic cache, guarded: $40.00 a month. Careful." in text


def test_the_chosen_are_in_force() -> None:
    assert tomllib.loads(chosen(LEVERS, ["model selection", "batching"])) == {
        "routing": {"substitute": True}, "batch": {"features": {"night": {"deadline_s": 21600}}},
    }  # fmt: skip
    assert chosen(LEVERS, ["no such"]) == ""


def test_a_merge_keeps_comments_and_order() -> None:
    text = merged(OWN, chosen(LEVERS, ["semantic cache", "provider caching", "batching"]))
    assert text.splitlines()[:5] == [
        "# ours",
        "[cache]  # of answers",
        'mode = "exact"',
        "ttl_s = 60",
        "max_temperature = 1.0",
    ]
    assert "# nothing yet\nprovider_caching" in text and text.rstrip().endswith("deadline_s = 21600")
    assert flat(text)["models", "a.b", "provider"] == "openai"
    assert merged(text, chosen(LEVERS, ["semantic cache"])) == text


def test_what_cannot_be_merged_line_by_line_is_refused() -> None:
    for text in ('cache = { mode = "off" }\n', 'cache.mode = "off"\n', '[cache]\nmode = """\n[cache]\n"""\n'):
        with pytest.raises(ValueError, match="by themselves"):
            merged(text, '[cache]\nmode = "exact"')


names = st.sampled_from(["a", "b", "c"])
values = st.one_of(st.integers(-9, 9), st.booleans(), st.text("xyz []#=", max_size=6))
tables = st.dictionaries(names, st.dictionaries(names, values, min_size=1), max_size=3)


def _toml(node: dict[str, dict[str, object]]) -> str:
    lines = []
    for name, table in node.items():
        lines.append(f"[{name}]")
        for key, value in table.items():
            said = (
                {True: "true", False: "false"}.get(value)
                if isinstance(value, bool)
                else f'"{value}"'
                if isinstance(value, str)
                else f"{value}"
            )
            lines.append(f"{key} = {said}")
    return "\n".join(lines) + "\n"


@given(tables, tables)
def test_a_merge_says_what_both_say(one: dict[str, dict[str, object]], more: dict[str, dict[str, object]]) -> None:
    together = {name: {**one.get(name, {}), **more.get(name, {})} for name in {*one, *more}}
    assert tomllib.loads(merged(_toml(one), _toml(more))) == together
