import asyncio
import random
from typing import Any

from openai import AsyncOpenAI

from farthing.upstream.simulator import SimulatorSettings, running
from farthing.upstream.simulator.latency import pace
from farthing.upstream.simulator.models import MODELS


def test_larger_models_and_prompts_are_slower() -> None:
    def typical(model: str, prompt: int) -> float:
        return sum(pace(MODELS[model], prompt, random.Random(seed), 1.0).whole(100) for seed in range(200)) / 200

    assert typical("gpt-4o-mini", 100) < typical("gpt-4o", 100) < typical("gpt-5", 100)
    assert typical("gpt-4o", 100) < typical("gpt-4o", 20_000)
    assert 0.5 < typical("gpt-4o-mini", 100) < 2


def test_no_scale_no_wait() -> None:
    assert pace(MODELS["gpt-5"], 10_000, random.Random(1), 0.0).whole(1000) == 0


async def test_streams_flow_at_the_pace() -> None:
    loop = asyncio.get_running_loop()
    messages: Any = [{"role": "user", "content": "Plan a picnic."}]
    async with (
        running(SimulatorSettings(latency=0.1)) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="any") as client,
    ):
        start = loop.time()
        stamps = []
        async for _ in await client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True):
            stamps.append(loop.time() - start)
        plain_start = loop.time()
        await client.chat.completions.create(model="gpt-4o-mini", messages=messages)
        plain = loop.time() - plain_start
    assert stamps[0] > 0.015
    assert stamps[-1] - stamps[0] > 0.02
    assert plain > 0.03
