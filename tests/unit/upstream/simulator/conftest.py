"""A running simulator, the official clients on it, and a clock that tests move."""

from collections.abc import AsyncIterator

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from farthing.upstream.simulator import SimulatorSettings, running

pytest.importorskip("rs_bpe", reason="the extra `tokens` is not installed")


class Clock:
    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings() -> SimulatorSettings:
    """Overridden by test files that need others."""
    return SimulatorSettings()


@pytest.fixture
async def url(settings: SimulatorSettings, clock: Clock) -> AsyncIterator[str]:
    async with running(settings, clock=clock) as url:
        yield url


@pytest.fixture
async def openai(url: str) -> AsyncIterator[AsyncOpenAI]:
    web = DefaultAsyncHttpxClient(verify=False)  # reading all certificates takes longer than a test
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, http_client=web) as client:
        yield client


@pytest.fixture
async def anthropic(url: str) -> AsyncIterator[AsyncAnthropic]:
    web = DefaultAsyncHttpxClient(verify=False)
    async with AsyncAnthropic(base_url=url, api_key="any", max_retries=0, http_client=web) as client:
        yield client
