from typing import Any

import anthropic as anthropic_sdk
import openai as openai_sdk
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from farthing.upstream.simulator import SimulatorSettings
from farthing.upstream.simulator.rate_limits import moment, span

HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(requests_per_minute=3, tokens_per_minute=1000)


def test_durations_as_openai_writes_them() -> None:
    assert [span(seconds) for seconds in (0.006, 1.2, 72, 3661)] == ["6ms", "1.2s", "1m12s", "1h1m1s"]
    assert moment(0) == "1970-01-01T00:00:00Z"


async def test_openai_requests(openai: AsyncOpenAI, clock: Any) -> None:
    async def call() -> Any:
        return await openai.chat.completions.with_raw_response.create(model="gpt-4o", messages=HI)

    left = [(await call()).headers["x-ratelimit-remaining-requests"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    with pytest.raises(openai_sdk.RateLimitError, match="requests per min") as refused:
        await call()
    headers = refused.value.response.headers
    assert (headers["retry-after"], headers["x-ratelimit-limit-requests"]) == ("20", "3")
    assert headers["x-ratelimit-reset-requests"] == "1m0s"
    assert refused.value.code == "rate_limit_exceeded" and refused.value.type == "requests"
    clock.pass_seconds(20)
    assert (await call()).status_code == 200
    other = await openai.with_options(api_key="another").chat.completions.create(model="gpt-4o", messages=HI)
    assert other.choices


async def test_openai_tokens(openai: AsyncOpenAI) -> None:
    with pytest.raises(openai_sdk.RateLimitError) as refused:
        for _ in range(2):
            await openai.chat.completions.create(model="gpt-4o", messages=HI, max_tokens=600)
    assert refused.value.type == "tokens"


async def test_anthropic_requests(anthropic: AsyncAnthropic) -> None:
    async def call() -> Any:
        return await anthropic.messages.with_raw_response.create(model="claude-sonnet-4-6", max_tokens=10, messages=HI)

    headers = (await call()).headers
    assert headers["anthropic-ratelimit-requests-limit"] == "3"
    assert headers["anthropic-ratelimit-requests-remaining"] == "2"
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert int(headers["anthropic-ratelimit-input-tokens-remaining"]) < 1000
    with pytest.raises(anthropic_sdk.RateLimitError) as refused:
        for _ in range(3):
            await call()
    assert refused.value.response.headers["retry-after"] == "20"
    assert refused.value.type == "rate_limit_error"
