"""A deployment on own GPUs: its calls carry their share of the paid hours, and idle hours are shown apart."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.callers import Caller
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, whole

GPUS = """
[models.ours]
provider = "own"
model = "llama-8b"
[[models.both.deployments]]
provider = "own"
model = "llama-8b"
[selfhost.deployments."own/llama-8b"]
gpus = 2
dollars_per_gpu_hour = "1.80"
tokens_per_second = 1000
[selfhost.deployments.ours]
gpus = 4
dollars_per_gpu_hour = "1.80"
tokens_per_second = 1000
price_calls = false
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, _recorder: Recorder) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("own")
    providers = f'[providers.own]\nkind = "vllm"\nbase_url = "{_recorder.url}/v1"\napi_key = "any"\n'
    with gateway(folder, settings_text(providers=providers, more=GPUS)) as made:
        yield made


def test_calls_and_idle_hours(own: Gateway, tape: Recorder) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 200}}
    tape.answers(whole({"model": "llama-8b", "choices": [], "usage": usage}))
    caller = Caller(own.url)
    for name in ("both", "ours"):
        caller.openai.chat.completions.create(model=name, messages=[{"role": "user", "content": "What do we cost?"}])
        record = own.call(caller.call_id)
        # $3.60 an hour for 3.6 M tokens: $1 a million out, a tenth of it in, a hundredth of it cached.
        assert (record["cost"], record["cost_state"]) == (500 * 1000 + 800 * 100 + 200 * 10, "computed")
    caller.close()

    def used(name: str) -> Any:
        shown = own.farthing_json("tco", "deployment", name, "--since", "2h")
        return shown if shown["attempts"] else None

    shown = eventually(lambda: used("own/llama-8b"), "its call is in the store")
    assert (shown["attempts"], shown["used"]["nano_dollars"], shown["in_ledger"]["nano_dollars"]) == (
        1,
        582_000,
        582_000,
    )
    assert shown["idle"]["nano_dollars"] == shown["paid"]["nano_dollars"] - 582_000 > 7_000_000_000
    ours = eventually(lambda: used("ours"), "its call is in the store")
    assert (ours["attempts"], ours["used"]["nano_dollars"]) == (1, 1_164_000)
