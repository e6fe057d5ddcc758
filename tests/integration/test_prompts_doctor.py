"""The doctor before simulated caches: what it finds is what they did not read, and repair lets them read it."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from farthing.lab.doctor import Finding, read
from farthing.store import open_store
from integration.callers import Caller
from integration.conftest import providers
from integration.gateways import gateway, settings_text
from integration.upstreams import Recorder, Simulator

GPT, CLAUDE = "gpt-5.4", "claude-sonnet-5"
RULES = "".join(
    f"Rule {number}: be friendly, keep to the facts of the order, promise no refund. " for number in range(200)
)
ON = "[prompts]\ndoctor = true\n[prompts.features.mended]\nrepair = true\n[routing]\nhold_out_percent = 0\n"
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": f"tool_{number}",
            "description": f"It does what number {number} of the handbook says. " * 12,
            "parameters": {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}},
        },
    }
    for number in range(12)
]


def chat(caller: Caller, feature: str, system: str, tools: list[dict[str, Any]] | None = None) -> int:
    """Tokens that the provider read."""
    more: dict[str, Any] = {"tools": tools} if tools else {}
    answer = caller.openai.chat.completions.create(
        model=GPT, max_completion_tokens=20, extra_headers={"x-farthing-feature": feature},
        messages=[{"role": "system", "content": system}, {"role": "user", "content": "Where is my order?"}], **more,
    )  # fmt: skip
    details = answer.usage.prompt_tokens_details if answer.usage is not None else None
    return (details.cached_tokens or 0) if details is not None else 0


def message(caller: Caller, feature: str) -> None:
    caller.anthropic.messages.create(
        model=CLAUDE, max_tokens=20, system=RULES, messages=[{"role": "user", "content": "Where is my order?"}],
        extra_headers={"x-farthing-feature": feature},
    )  # fmt: skip


def found_in(folder: Path) -> dict[str, Finding]:
    async def reading() -> dict[str, Finding]:
        store = await open_store(f"sqlite:///{folder}/ledger.db")
        report = await store.do(lambda connection: read(connection, 0, 4 * 10**15))
        await store.close()
        return {each.feature: each for each in report.findings}

    return asyncio.run(reading())


@pytest.fixture(scope="module")
def seen(
    provider: Simulator, _recorder: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Finding], dict[str, list[int]]]:
    """What was found by feature, and what calls of each read."""
    folder, dice, reads = tmp_path_factory.mktemp("doctor"), random.Random(1), dict[str, list[int]]()
    with gateway(folder, settings_text(providers=providers(provider.url, _recorder.url), more=ON)) as made:
        caller = Caller(made.url)
        reads["dated"] = [chat(caller, "dated", f"It is 10:0{minute} now. {RULES}") for minute in range(4)]
        reads["same"] = [chat(caller, "same", f"As always. {RULES}") for _ in range(4)]
        for feature in ("shuffled", "mended"):
            orders = [dice.sample(TOOLS, len(TOOLS)) for _ in range(4)]
            reads[feature] = [chat(caller, feature, f"You are {feature}.", order) for order in orders]
        for _ in range(4):
            message(caller, "unmarked")
        caller.close()
    return found_in(folder), reads


def test_each_spot_is_found_with_what_was_not_read(seen: tuple[dict[str, Finding], dict[str, list[int]]]) -> None:
    found, reads = seen
    assert {feature: each.kind for feature, each in found.items()} == {
        "dated": "date", "shuffled": "tool order", "unmarked": "unmarked"
    }  # fmt: skip
    assert (found["dated"].place, found["shuffled"].place) == ("system 1", "tools")
    assert found["dated"].shape == "00:00" and found["dated"].calls == 3
    assert reads["dated"] == [0, 0, 0, 0] and reads["same"][1:] > [1_024] * 3
    assert 0.85 * reads["same"][1] < found["dated"].tokens / 3 < 1.15 * (reads["same"][1] + 128)
    assert all(each.lost > 0 for each in found.values())


def test_repair_lets_the_provider_read_tools(seen: tuple[dict[str, Finding], dict[str, list[int]]]) -> None:
    _, reads = seen
    assert min(reads["mended"][1:]) > 1_024 > max(reads["shuffled"])
