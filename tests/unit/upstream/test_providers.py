import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Deployment, Headers
from farthing.model.errors import UnknownModel
from farthing.settings import DeploymentSettings, ModelSettings, ProviderSettings, Secret, Url
from farthing.upstream.client import Response, Timeouts
from farthing.upstream.hosts import HOSTS, PATHS
from farthing.upstream.providers import Provider, Providers
from farthing.wire import FORMATS


class NoClient:
    async def send(self, method: str, url: str, headers: Headers, body: bytes, timeouts: Timeouts) -> Response:
        raise AssertionError("nothing is sent here")

    async def close(self) -> None: ...


def provider(name: str, **fields: object) -> Provider:
    return Provider(name, ProviderSettings(**fields), NoClient())  # type: ignore[arg-type]


def providers(*names: str, models: dict[str, ModelSettings] | None = None, **fields: object) -> Providers:
    return Providers({name: provider(name, **fields) for name in names}, models or {})


def test_each_host_is_whole() -> None:
    for name, host in HOSTS.items():
        assert host.formats and set(host.formats) <= FORMATS.keys() == PATHS.keys(), name
        assert not host.base_url.endswith("/")
        assert not host.base_url or host.base_url.startswith(("https://", "http://127.0.0.1"))
        assert host.auth in ("bearer", "x-api-key", "api-key", "none")


def test_keys_go_as_each_host_wants_them() -> None:
    secret = Secret("sk-1")
    assert (b"authorization", b"Bearer sk-1") in provider("openai", api_key=secret).headers("openai.chat")
    claude = provider("anthropic", api_key=secret).headers("anthropic.messages")
    assert (b"x-api-key", b"sk-1") in claude and (b"anthropic-version", b"2023-06-01") in claude
    assert (b"api-key", b"sk-1") in provider("azure", api_key=secret).headers("openai.chat")
    assert not any(b"sk-1" in value for _, value in provider("ollama", api_key=secret).headers("openai.chat"))


def test_own_headers_are_added() -> None:
    own = provider("openai", headers={"X-Team": Secret("7")})
    assert (b"x-team", b"7") in own.headers("openai.chat")


@pytest.mark.parametrize(
    ("base", "version", "url"),
    [
        ("https://r.example", "2025-01-01", "https://r.example/openai/deployments/gpt-eu/chat/completions?api-version=2025-01-01"),
        ("https://r.example/openai/v1", "", "https://r.example/openai/v1/chat/completions"),
        ("https://r.example", "", "https://r.example/openai/v1/chat/completions"),
    ],
)  # fmt: skip
def test_azure_has_urls_of_its_own(base: str, version: str, url: str) -> None:
    assert provider("azure", base_url=Url(base), api_version=version).url("openai.chat", "gpt-eu") == url


@given(st.text(max_size=60))
def test_a_model_s_name_stays_one_part_of_a_path(model: str) -> None:
    azure = provider("azure", base_url=Url("https://r.example"), api_version="1")
    url = azure.url("openai.chat", model)
    assert url.startswith("https://r.example/openai/deployments/") and url.isascii() and url.isprintable()
    assert url.count("/") == 7 and url.count("?") == 1 and " " not in url


def test_models_by_their_host_s_habits() -> None:
    both = providers("openai", "anthropic")
    assert both.deployment("gpt-5-mini") == Deployment("openai/gpt-5-mini", "openai", "gpt-5-mini", "openai")
    assert both.deployment("claude-opus-4-5").provider == "anthropic"


def test_models_that_settings_name_come_first() -> None:
    named = {"gpt-5": ModelSettings("anthropic", "claude-opus-4-5"), "ours": ModelSettings("azure", "eu-3", "gpt-4o")}
    all_three = Providers({name: provider(name) for name in ("openai", "anthropic", "azure")}, named)
    assert all_three.deployment("gpt-5") == Deployment(
        "gpt-5", "anthropic", "claude-opus-4-5", "anthropic", prefill="message"
    )
    assert all_three.deployment("ours") == Deployment("ours", "azure", "eu-3", "azure", "gpt-4o")
    assert all_three.named_models == ["gpt-5", "ours"]


def test_several_places_for_a_model() -> None:
    listed = [
        DeploymentSettings("azure", "eu-3", "gpt-4o", weight=2.0, region="eu", reserved=True, tokens_per_minute=5),
        DeploymentSettings("openai"),
    ]
    named = {"gpt-4o": ModelSettings(deployments=listed, fallbacks=["gpt-5"], context=9)}
    both = Providers({name: provider(name) for name in ("openai", "azure")}, named)
    first, second = both.deployments("gpt-4o")
    assert first == Deployment(
        "azure/eu-3", "azure", "eu-3", "azure", "gpt-4o", weight=2.0, region="eu", reserved=True, tokens_per_minute=5
    )
    assert second == Deployment("openai/gpt-4o", "openai", "gpt-4o", "openai")
    assert both.deployments("gpt-4o") is both.deployments("gpt-4o") and both.deployment("gpt-4o") is first
    assert (both.fallbacks("gpt-4o"), both.fallbacks("gpt-5"), both.context("gpt-4o"), both.context("x")) == (
        ("gpt-5",),
        (),
        9,
        0,
    )


def test_a_provider_in_front_of_the_model() -> None:
    both = providers("openai", "openrouter")
    assert both.deployment("openrouter/meta/llama-3").model == "meta/llama-3"
    assert both.deployment("openai/gpt-5").model == "gpt-5"


def test_own_patterns_before_habits() -> None:
    mixed = Providers({"openai": provider("openai"), "vllm": provider("vllm", models=["gpt-oss-*"])}, {})
    assert mixed.deployment("gpt-oss-120b").provider == "vllm"
    assert mixed.deployment("gpt-5").provider == "openai"


def test_the_only_provider_without_habits_gets_everything() -> None:
    assert providers("ollama").deployment("qwen3").provider == "ollama"
    with pytest.raises(UnknownModel):
        providers("openai").deployment("qwen3")


def test_an_unknown_model_says_what_to_do() -> None:
    with pytest.raises(UnknownModel, match="PROVIDER/MODEL") as caught:
        providers("openai", "anthropic").deployment("qwen\r\n" + "x" * 500)
    assert "\n" not in caught.value.message and len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("name", "fields", "url"),
    [
        ("openai", {}, "https://api.openai.com/v1/batches?limit=1"),
        ("azure", {"base_url": Url("https://x.azure.com")}, "https://x.azure.com/openai/v1/batches?limit=1"),
        (
            "azure",
            {"base_url": Url("https://x.azure.com/openai/v1"), "api_version": "2024-10-21"},
            "https://x.azure.com/openai/batches?limit=1&api-version=2024-10-21",
        ),
    ],
)
def test_where_other_things_are(name: str, fields: dict[str, object], url: str) -> None:
    assert provider(name, **fields).place("/batches?limit=1") == url
