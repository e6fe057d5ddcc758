"""Batch APIs on a running simulator, whose clock the tests move."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from farthing.model.batch import Shard
from farthing.model.clock import Clock
from farthing.settings import ProviderSettings, Secret, TimeoutSettings, Url
from farthing.upstream.batches import BatchApi, batch_api
from farthing.upstream.batches.api import Look, Result, custom_id
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Provider
from farthing.upstream.simulator import SimulatorSettings, running

pytest.importorskip("rs_bpe", reason="the extra `tokens` is not installed")

KINDS = ("openai", "azure", "azure-dated", "groq", "anthropic", "mistral")
BASES = {"azure": "/openai/v1", "azure-dated": ""}
LAG_S = 10.0


class World:
    """The simulator, and what asks it."""

    def __init__(self, url: str, client: Http1Client) -> None:
        self.url = url
        self.now = 1_760_000_000.0
        self._client = client

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def api(self, kind: str, fault: str = "", *, lag_s: float = LAG_S, first_byte_s: float = 30.0) -> BatchApi:
        """Of a process that was just started. `fault`: what befalls its requests."""
        settings = ProviderSettings(
            kind=kind.removesuffix("-dated"), base_url=Url(self.url + BASES.get(kind, "/v1")), api_key=Secret("any-key"),
            api_version="2024-10-21" if kind == "azure-dated" else "", timeouts=TimeoutSettings(first_byte_s=first_byte_s),
            headers={"x-simulate-fault": Secret(fault)} if fault else {},
        )  # fmt: skip
        clock = Clock(lambda: int(self.now * 1e6), lambda: self.now, self._sleep)
        api = batch_api(Provider(kind, settings, self._client), clock, lag_s=lag_s)
        assert api is not None
        return api

    def shard(self, kind: str, lines: int = 3, id: str = "shard-1", **more: Any) -> Shard:
        wire, model = (
            ("anthropic.messages", "claude-haiku-4-5") if kind == "anthropic" else ("openai.chat", "gpt-4o-mini")
        )
        return Shard(id, kind, "d", model, wire, created_us=int(self.now * 1e6), lines=lines, **more)

    def data(self, api: BatchApi, shard: Shard, *texts: str) -> bytes:
        """Its lines; those beyond `texts` say something of their own."""
        return api.encode(
            [
                (custom_id(shard.id, f"call-{at}"), body(shard.model, texts[at] if at < len(texts) else f"Hi {at}"))
                for at in range(shard.lines)
            ],
            shard.wire, shard.model, shard.id,
        )  # fmt: skip

    async def create(self, api: BatchApi, shard: Shard, *texts: str) -> Shard:
        """The shard as it is once it was created."""
        created = await api.create(shard, self.data(api, shard, *texts))
        shard.remote_id, shard.remote_file = created.remote_id, created.remote_file
        shard.window_end_us = created.window_end_us
        return shard

    async def bill(self) -> list[dict[str, Any]]:
        async with httpx2.AsyncClient(verify=False) as web:
            lines: list[dict[str, Any]] = (await web.get(f"{self.url}/simulator/bill")).json()["lines"]
        return lines


def body(model: str, text: str) -> bytes:
    return b'{"model": "%b",\n "max_tokens": 40, "messages": [{"role": "user", "content": "%b"}]}' % (
        model.encode(), text.encode()
    )  # fmt: skip


async def results(api: BatchApi, shard: Shard, look: Look | None = None) -> dict[str, Result]:
    look = look or await api.look(shard)
    return {result.custom_id: result async for result in api.results(shard, look)}


@pytest.fixture
def settings() -> SimulatorSettings:
    """Overridden by tests that need others."""
    return SimulatorSettings(batch_seconds=100)


@pytest.fixture
async def world(settings: SimulatorSettings) -> AsyncIterator[World]:
    client = Http1Client()
    made = World("", client)
    async with running(settings, clock=lambda: made.now) as url:
        made.url = url
        yield made
        await client.close()
