"""What integration tests share: one simulator, one recorder and one gateway for each of pytest's processes.

The helpers beside this file can be used by other folders of tests too.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway, gateway, settings_text
from integration.upstreams import Recorder, Simulator, recorder, simulator

PROVIDER_KEY = "sk-provider-secret-5b1f"


def providers(simulator_url: str, recorder_url: str) -> str:
    """The simulator as OpenAI, Anthropic and DeepSeek; the recorder as others, which get models of their own."""
    return f"""
[providers.openai]
base_url = "{simulator_url}/v1"
api_key = "{PROVIDER_KEY}"
[providers.anthropic]
base_url = "{simulator_url}/v1"
api_key = "{PROVIDER_KEY}"
[providers.deepseek]
base_url = "{simulator_url}/v1"
api_key = "{PROVIDER_KEY}"
[providers.recorder]
kind = "openai"
base_url = "{recorder_url}/v1"
api_key = "{PROVIDER_KEY}"
models = ["gpt-4.1-nano", "text-embedding-3-large"]
[providers.hasty]
kind = "openai"
base_url = "{recorder_url}/v1"
api_key = "{PROVIDER_KEY}"
models = ["gpt-4-turbo"]
[providers.hasty.timeouts]
first_byte_s = 3
idle_s = 1
[providers.recorder_anthropic]
kind = "anthropic"
base_url = "{recorder_url}/v1"
api_key = "{PROVIDER_KEY}"
models = ["claude-3-5-haiku-*"]
[providers.azure]
base_url = "{recorder_url}"
api_key = "{PROVIDER_KEY}"
api_version = "2024-10-21"
models = ["azure-*"]
[providers.nobody]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key = "{PROVIDER_KEY}"
models = ["gpt-3.5-turbo"]
[balance]
open_after = 1000
retry_percent = 100
[models.house-model]
provider = "openai"
model = "gpt-4o-mini"
[models.azure-nano]
provider = "azure"
model = "our deployment"
price_as = "gpt-4.1-nano"
"""


@pytest.fixture(scope="session")
def provider() -> Iterator[Simulator]:
    with simulator() as made:
        yield made


@pytest.fixture(scope="session")
def _recorder() -> Iterator[Recorder]:
    with recorder() as made:
        yield made


@pytest.fixture
def tape(_recorder: Recorder) -> Recorder:
    """The recorder, blank."""
    _recorder.answers()
    return _recorder


@pytest.fixture(scope="session")
def upstreams(provider: Simulator, _recorder: Recorder) -> str:
    """The settings' tables of providers."""
    return providers(provider.url, _recorder.url)


@pytest.fixture(scope="session")
def open_gateway(tmp_path_factory: pytest.TempPathFactory, upstreams: str) -> Iterator[Gateway]:
    """A gateway without keys, as it starts by default."""
    settings = settings_text(providers=upstreams, server="max_body_mb = 1\nbody_timeout_s = 3")
    with gateway(tmp_path_factory.mktemp("open"), settings) as made:
        yield made


@pytest.fixture(scope="session")
def _caller(open_gateway: Gateway) -> Iterator[Caller]:
    made = Caller(open_gateway.url)
    yield made
    made.close()


@pytest.fixture
def caller(_caller: Caller) -> Caller:
    """Both SDKs at the gateway without keys."""
    _caller.forget()
    return _caller


@pytest.fixture
async def acaller(open_gateway: Gateway) -> AsyncIterator[AsyncCaller]:
    """The same, asynchronous."""
    async with AsyncCaller(open_gateway.url) as made:
        yield made


class Keyed(NamedTuple):
    """A gateway that wants keys, and the secret of its administrator."""

    gateway: Gateway
    admin: str

    def key(self, name: str = "a key", **wanted: Any) -> str:
        """The secret of a new key; `wanted` is what the admin API takes."""
        return self.made(name, **wanted)["secret"]

    def made(self, name: str = "a key", **wanted: Any) -> dict[str, Any]:
        """A new key, its secret in it."""
        answer = self.gateway.post("/v1/farthing/keys", {"name": name, **wanted}, self.admin)
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory, upstreams: str) -> Iterator[Keyed]:
    secrets: list[str] = []

    def make_admin(made: Gateway) -> None:
        secrets.append(made.farthing_json("keys", "create", "boss", "--admin")["secret"])

    with gateway(tmp_path_factory.mktemp("keyed"), settings_text(providers=upstreams), before=make_admin) as made:
        yield Keyed(made, secrets[0])
