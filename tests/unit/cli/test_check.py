"""`farthing check`: what the settings mean, and what to look at twice."""

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

CONFIG = """
[server]
host = "0.0.0.0"

[providers.openai]
api_key = "sk-hush"

[providers.own]
kind = "vllm"
base_url = "http://127.0.0.1:8000/v1"

[models.fast]
provider = "openai"
model = "gpt-4o-mini"

[models.local]
provider = "own"

[store]
url = "postgresql://me:hush@db/ledger"
"""


def test_good_settings_are_told_in_words(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text(CONFIG)
    done = farthing("check")
    assert done.exit_code == 0
    assert "provider openai: https://api.openai.com/v1, with a key" in done.output
    assert "model fast: openai, gpt-4o-mini, priced" in done.output
    assert "model local: own, local, no price known" in done.output
    assert "models.local: no price is known, so calls to it are refused" in done.output
    assert "server.host: 0.0.0.0 is open" in done.output
    assert "hush" not in done.output


def test_kinds_of_provider_are_checked(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text('[providers.opnai]\napi_key = "k"\n[providers.vllm]\n')
    done = farthing("check")
    assert done.exit_code == 2
    assert "farthing.toml:1: providers.opnai.kind: 'opnai' is no kind of provider" in done.output
    assert 'kind = "openai"' in done.output
    assert "farthing.toml:3: providers.vllm.base_url: is missing: vllm has no address of its own" in done.output


def test_rate_cards_are_checked(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "cards.json").write_text("{}")
    (folder / "farthing.toml").write_text('[providers.openai]\napi_key = "k"\n[prices]\nfiles = ["cards.json"]\n')
    done = farthing("check")
    assert done.exit_code == 2
    assert "cards.json" in done.output


def test_a_price_in_the_wrong_unit_is_warned_of(farthing: Callable[..., Result], folder: Path) -> None:
    contract = '[[prices.contracts]]\nprovider = "openai"\nmodels = ["gpt-4o"]\nrates = { input = 0.0000025 }\n'
    (folder / "farthing.toml").write_text('[providers.openai]\napi_key = "k"\n' + contract)
    done = farthing("check")
    assert done.exit_code == 0
    assert "warning: contract with openai" in done.output


def test_every_place_of_a_model_is_told(farthing: Callable[..., Result], folder: Path) -> None:
    places = (
        '[[models.shared.deployments]]\nprovider = "openai"\nmodel = "gpt-4o"\n'
        '[[models.shared.deployments]]\nprovider = "own"\n'
    )
    (folder / "farthing.toml").write_text(CONFIG + places)
    done = farthing("check")
    assert done.exit_code == 0
    assert "model shared: openai, gpt-4o, priced" in done.output
    assert "model shared: own, shared, no price known" in done.output
    assert "models.shared: no price is known, so calls to it are refused" in done.output


def test_tiers_are_told(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text('[providers.openai]\napi_key = "k"\n')
    done = farthing("check")
    assert "tier small: gpt-6-luna" in done.output
    assert "tier flagship: gpt-6.1-sol" in done.output


def test_a_tier_that_nobody_would_serve_is_refused(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text(
        '[providers.openai]\napi_key = "k"\n[routing]\nsmall = ["claude-haiku-5-5"]\n'
    )
    done = farthing("check")
    assert done.exit_code == 2
    assert "routing.small: no provider serves 'claude-haiku-5-5'" in done.output
    assert "PROVIDER/MODEL" in done.output


def test_a_small_tier_that_costs_more_than_mid_is_warned_of(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text(
        '[providers.openai]\napi_key = "k"\n[routing]\nsmall = ["gpt-6.1-terra"]\nmid = ["gpt-6-luna"]\n'
    )
    done = farthing("check")
    assert done.exit_code == 0
    assert "warning: routing.small: a typical call is expected to cost" in done.output


def test_checks_of_answers_are_checked(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "farthing.toml").write_text(
        '[providers.openai]\napi_key = "k"\n[routing.tasks.qa]\ncheck = "words:9-1"\n[routing.tasks.code]\ncheck = "pyhton"\n'
        '[routing.tasks.creative]\ncheck = "words:1-9"\n'
    )
    done = farthing("check")
    assert done.exit_code == 2
    assert "routing.tasks.qa.check: 'words:9-1' is no check" in done.output
    assert "routing.tasks.code.check: 'pyhton' is no check" in done.output
    assert "creative" not in done.output
