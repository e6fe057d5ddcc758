"""A real gateway with tiny limits and the loudest log, and what must hold after every attack on it."""

import json
from collections.abc import Iterator

import psutil
import pytest

from farthing.store import journal
from farthing.upstream.simulator import SimulatorSettings
from hostile.raw import QUESTION
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, Simulator, recorder, simulator
from unit.gateway.test_logs import restored_logs as restored_logs

LIMITS = """
max_body_mb = 1
header_timeout_s = 1
body_timeout_s = 2
max_connections = 400
shutdown_grace_s = 2
"""
LOUD = '[logs]\nlevel = "debug"\n'
GROWTH = 64 * 2**20
"""Bytes by which the gateway may grow under one attack."""


def providers(simulator_url: str, recorder_url: str) -> str:
    """The simulator under its usual models, the tape under names of its own: by each client, and of each family; three times by
    clients that do not wait for long."""
    return f"""
[balance]
open_after = 100000
[providers.openai]
base_url = "{simulator_url}/v1"
api_key = "sk-right"
[providers.anthropic]
base_url = "{simulator_url}/v1"
api_key = "sk-right"
[providers.tape]
kind = "openai"
base_url = "{recorder_url}/v1"
api_key = "sk-tape"
models = ["gpt-4.1-nano", "text-embedding-3-large"]
[providers.tape_aiohttp]
kind = "openai"
client = "aiohttp"
base_url = "{recorder_url}/v1"
api_key = "sk-tape"
models = ["gpt-4.1-mini"]
[providers.hasty]
kind = "openai"
base_url = "{recorder_url}/v1"
api_key = "sk-tape"
models = ["gpt-4-turbo"]
[providers.hasty.timeouts]
first_byte_s = 0.5
idle_s = 0.5
total_s = 1.5
[providers.hasty_aiohttp]
kind = "openai"
client = "aiohttp"
base_url = "{recorder_url}/v1"
api_key = "sk-tape"
models = ["gpt-4"]
[providers.hasty_aiohttp.timeouts]
first_byte_s = 0.5
idle_s = 0.5
total_s = 1.5
[providers.brief]
kind = "openai"
base_url = "{recorder_url}/v1"
api_key = "sk-tape"
models = ["gpt-3.5-turbo"]
[providers.brief.timeouts]
total_s = 1.5
[providers.tape_anthropic]
kind = "anthropic"
base_url = "{recorder_url}/v1"
api_key = "sk-tape"
models = ["claude-3-5-haiku-*"]
"""


@pytest.fixture(scope="session")
def provider() -> Iterator[Simulator]:
    with simulator(SimulatorSettings(seed=11)) as made:
        yield made


@pytest.fixture(scope="session")
def _recorder() -> Iterator[Recorder]:
    with recorder() as made:
        yield made


@pytest.fixture
def tape(_recorder: Recorder) -> Recorder:
    """A provider that answers what the test says."""
    _recorder.answers()
    return _recorder


@pytest.fixture(scope="session")
def _gate(
    tmp_path_factory: pytest.TempPathFactory, provider: Simulator, _recorder: Recorder
) -> Iterator[Gateway]:  # fmt: skip
    settings = settings_text(server=LIMITS, providers=providers(provider.url, _recorder.url), more=LOUD)
    with gateway(tmp_path_factory.mktemp("hostile"), settings) as made:
        warm(made)
        yield made


@pytest.fixture
def gate(_gate: Gateway, _settled: None) -> Iterator[Gateway]:
    """The gateway; afterwards it must be as well as before."""
    seen, size = len(_gate.log), memory(_gate)
    yield _gate
    assert _gate.process.poll() is None, f"the gateway died:\n{_gate.log[seen:]}"
    warm(_gate)
    logged = sane_log(_gate.log[seen:])
    wrong = [line for line in logged if line["level"] in ("error", "critical")]
    assert not wrong, wrong
    assert memory(_gate) - size < GROWTH, f"it grew by {(memory(_gate) - size) >> 20} MiB"


@pytest.fixture(scope="module")
def _settled(_gate: Gateway) -> Iterator[None]:
    """At the end of a file's tests no call is left open."""
    yield
    eventually(lambda: calls_under_way(_gate) == 0, "no call is left open")


def warm(made: Gateway) -> None:
    """A normal call works."""
    answer = made.request("POST", "/v1/chat/completions", content=QUESTION)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"]


def memory(made: Gateway) -> int:
    """Bytes that the gateway's process holds."""
    return int(psutil.Process(made.pid).memory_info().rss)


def cpu(made: Gateway) -> float:
    """Seconds that the gateway's process has worked."""
    spent = psutil.Process(made.pid).cpu_times()
    return spent.user + spent.system


def calls_under_way(made: Gateway) -> int:
    """What its journals hold."""
    files = made.folder.glob("ledger.db.journal/*.journal")
    return sum(len(journal.read(file.read_bytes()).calls) for file in files)


def sane_log(text: str) -> list[dict[str, str]]:
    """Each line of a log, which must be a JSON object without control characters."""
    lines = [line for line in text.split("\n") if line]
    assert all(line.isprintable() for line in lines), [line for line in lines if not line.isprintable()]
    return [json.loads(line) for line in lines]
