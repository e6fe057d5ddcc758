"""LiteLLM's configuration becomes ours; what cannot be carried over is named."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from farthing.cli.litellm import Unreadable, convert
from farthing.settings import Settings, parse
from farthing.upstream.hosts import HOSTS

CONFIG = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 100}
    model_info: {id: one, max_tokens: 100}
  - model_name: gpt-4o
    litellm_params: {model: azure/dep, api_base: os.environ/AZURE_BASE, api_key: os.environ/AZURE_KEY, api_version: "2024-10-21"}
  - model_name: claude
    litellm_params: {model: claude-sonnet-4-5, api_base: "https://proxy.test", extra_headers: {x-team: os.environ/TEAM}}
  - model_name: local
    litellm_params: {model: openai/llama, api_base: "http://127.0.0.1:8000/v1/", api_key: none,
                     input_cost_per_token: 0.00000015, output_cost_per_token: 6e-7}
  - model_name: other-local
    litellm_params: {model: openai/qwen, api_base: "http://127.0.0.1:8001/v1", organization: org-1}
  - model_name: bed
    litellm_params: {model: bedrock/claude}
  - model_name: "groq/*"
    litellm_params: {model: "groq/*"}
  - model_name: "*"
    litellm_params: {model: "openrouter/*"}
  - litellm_params: {}
litellm_settings: {request_timeout: 600, json_logs: true, set_verbose: false, cache: true}
general_settings: {master_key: sk-1234}
router_settings: {routing_strategy: simple-shuffle}
environment_variables: {A: b}
guardrails: []
"""

ENVIRON = {
    name: f"value of {name}"
    for name in ("OPENAI_API_KEY", "AZURE_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "OPENROUTER_API_KEY", "TEAM")
}
KINDS = {name: host.base_url for name, host in HOSTS.items()}


def converted(text: str) -> Settings:
    return parse(convert(text).toml, ENVIRON | {"AZURE_BASE": "https://mine.test"}, kinds=KINDS)


def test_providers_models_and_prices_are_carried_over() -> None:
    settings = converted(CONFIG)
    assert list(settings.providers) == [
        "openai", "azure", "anthropic", "openai_compatible", "openai_compatible-2", "groq", "openrouter"
    ]  # fmt: skip
    assert settings.providers["azure"].base_url == "https://mine.test"
    assert settings.providers["azure"].api_version == "2024-10-21"
    assert settings.providers["anthropic"].base_url == "https://proxy.test/v1"
    assert settings.providers["anthropic"].headers["x-team"].reveal() == "value of TEAM"
    assert settings.providers["openai_compatible-2"].headers["OpenAI-Organization"].reveal() == "org-1"
    assert settings.providers["openrouter"].models == ["*"]
    assert {name: (each.provider, each.model) for name, each in settings.models.items()} == {
        "gpt-4o": ("openai", ""),
        "claude": ("anthropic", "claude-sonnet-4-5"),
        "local": ("openai_compatible", "llama"),
        "other-local": ("openai_compatible-2", "qwen"),
    }
    contract = settings.prices.contracts[0]
    assert (contract.provider, contract.models) == ("openai_compatible", ["llama"])
    assert contract.rates == {"input": "0.15", "output": "0.6"}
    assert {each.timeouts.total_s for each in settings.providers.values()} == {600.0}
    assert (settings.logs.format, settings.logs.level) == ("json", "info")


def test_what_is_left_out_is_named() -> None:
    assert [left.what for left in convert(CONFIG).left_out] == [
        "model gpt-4o, rpm",
        "model gpt-4o, model_info.max_tokens",
        "model gpt-4o, another deployment (azure/dep)",
        "model bed",
        "an entry of model_list",
        "litellm_settings.cache",
        "router_settings.routing_strategy",
        "general_settings.master_key",
        "environment_variables.A",
        "guardrails",
    ]


def test_the_command_writes_and_reports(farthing: Callable[..., Result], folder: Path) -> None:
    (folder / "config.yaml").write_text(CONFIG)
    done = farthing("import", "litellm", "config.yaml")
    assert done.exit_code == 0
    assert "farthing.toml is written: 7 providers, 4 models" in done.output
    assert "Not carried over (10):" in done.output
    assert farthing("import", "litellm", "config.yaml").exit_code == 1


@pytest.mark.parametrize("text", ["", "[1]", "a: [", "model_list: 3"])
def test_a_file_that_is_none_is_refused(text: str, farthing: Callable[..., Result], folder: Path) -> None:
    with pytest.raises(Unreadable):
        convert(text)
    (folder / "config.yaml").write_text(text)
    done = farthing("import", "litellm", "config.yaml")
    assert done.exit_code == 1
    assert not (folder / "farthing.toml").exists()


PARAM = st.sampled_from(
    ["model", "api_key", "api_base", "rpm", "extra_headers", "input_cost_per_token", "organization"]
)
ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3))
)


@given(
    st.lists(
        st.fixed_dictionaries({"model_name": st.text(max_size=8), "litellm_params": st.dictionaries(PARAM, ANY)}),
        max_size=4,
    )
)
def test_any_model_list_is_converted_or_named(models: list[object]) -> None:
    made = convert(json.dumps({"model_list": models}, ensure_ascii=True))
    assert made.providers <= len(models)
    tomllib.loads(made.toml)
