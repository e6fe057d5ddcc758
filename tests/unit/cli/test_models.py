"""`farthing models`: the models of each tier, with what is known of them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

CONFIG = """
[providers.openai]
api_key = "sk-hush"

[providers.own]
kind = "vllm"
base_url = "http://127.0.0.1:8000/v1"

[models.local]
provider = "own"
"""


@pytest.fixture
def models(farthing: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    (folder / "farthing.toml").write_text(CONFIG)
    return lambda *arguments: farthing("models", *arguments)


def lines(done: Result) -> list[list[str]]:
    assert done.exit_code == 0
    return [line.split() for line in done.stdout.splitlines()]


def test_the_models_of_each_tier_are_listed(models: Callable[..., Result]) -> None:
    found = lines(models())
    luna = next(line for line in found if "gpt-6-luna" in line)
    assert luna[:5] == ["small", "gpt-6-luna", "openai", "1,050,000", "128,000"]
    assert luna[-3:] == ["0.1", "0.5", "$0.00025"]
    assert [line[0] for line in found[1:]] == ["small", "mid", "flagship", "embedding", "?"]
    assert found[-1][:3] == ["?", "local", "own"]
    assert next(line for line in found if line[0] == "embedding")[-1] == "$0.000020"


def test_one_tier_alone_and_all_models_that_have_a_price(models: Callable[..., Result]) -> None:
    few, many = lines(models("--tier", "mid")), lines(models("--tier", "mid", "--all"))
    assert [line[1] for line in few[1:]] == ["gpt-6.1-terra"]
    assert "(mid)" in {line[0] for line in many}
    assert {"gpt-5.6-terra", "gpt-4.1-mini"} <= {line[1] for line in many}


def test_the_call_that_is_priced_can_be_said(models: Callable[..., Result]) -> None:
    (found,) = json.loads(models("--tier", "small", "--task", "classification", "--input", "3000", "--json").stdout)
    assert found["expected_nano"] == 3_000 * 100 + 20 * 500
    assert found["stands_for"] is True
    assert "tools" in found["can"]


def test_what_is_not_known_stays_unknown(models: Callable[..., Result]) -> None:
    local = next(each for each in json.loads(models("--json").stdout) if each["model"] == "local")
    assert (local["tier"], local["context"], local["can"], local["expected_nano"]) == (None, None, [], None)


def test_without_tiers_the_cure_is_said(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text('[providers.vllm]\nbase_url = "http://127.0.0.1:8000/v1"\n')
    assert "List models under [routing]" in farthing("models").stdout
