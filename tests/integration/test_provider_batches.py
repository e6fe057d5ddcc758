"""Batches of every provider against the simulator at its worst: each line is answered once, and what was answered is what
was billed, whatever becomes of replies, lists and files."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import msgspec
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncAzureOpenAI, AsyncOpenAI

from farthing.model.batch import Shard
from farthing.model.clock import SYSTEM
from farthing.model.errors import UpstreamError
from farthing.settings import ProviderSettings, Secret, TimeoutSettings, Url
from farthing.upstream.batches import BatchApi, batch_api
from farthing.upstream.batches.api import Created, Maybe, Refused, Result, Unsure, custom_id
from farthing.upstream.http1 import Http1Client
from farthing.upstream.providers import Provider
from farthing.upstream.simulator import SimulatorSettings
from integration.upstreams import Simulator, simulator

LINES, SHARD_LINES = 120, 20
LAG_S = 0.4
FAULTS = {
    "batch-lost-reply": 0.15, "batch-late-500": 0.1, "batch-late-504": 0.05, "batch-no-json": 0.05,
    "batch-slow-reply": 0.05, "batch-refuse-500": 0.1, "batch-refuse-429": 0.1, "batch-fail": 0.1, "batch-expire": 0.2,
    "batch-lost-lines": 0.2, "batch-no-status": 0.2, "batch-bad-lines": 0.3, "batch-twice": 0.3, "batch-odd-state": 0.3,
    "batch-missing-error-file": 0.1, "batch-empty-error-file": 0.3, "batch-look-500": 0.1, "batch-cut-results": 0.2,
    "batch-stuck": 0.05,
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile() -> Iterator[Simulator]:
    settings = SimulatorSettings(
        seed=23, faults=FAULTS, line_faults={"status-500": 0.1, "status-429": 0.1}, batch_seconds=0.3, batch_window=1.5,
        batch_list_lag=0.2,
    )  # fmt: skip
    with simulator(settings) as made:
        yield made


class Work:
    """Lines that want an answer, worked as a careful worker works them; every process it uses may be the last."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        self.key = f"key-of-{kind}"
        self.waiting = list(range(LINES))
        self.answered: dict[int, list[Result]] = {}
        self.known: set[str] = set()
        self._url = url
        self._no = 0
        self._dice = random.Random(7)

    def api(self, client: Http1Client) -> BatchApi:
        base = self._url + {"azure": "/openai/v1"}.get(self.kind, "/v1")
        settings = ProviderSettings(
            kind=self.kind, base_url=Url(base), api_key=Secret(self.key), timeouts=TimeoutSettings(first_byte_s=1)
        )
        api = batch_api(Provider(self.kind, settings, client), SYSTEM, lag_s=LAG_S)
        assert api is not None
        return api

    async def work(self, client: Http1Client) -> None:
        api = self.api(client)
        while self.waiting:
            lines, self.waiting = self.waiting[:SHARD_LINES], self.waiting[SHARD_LINES:]
            self._no += 1
            wire, model = (
                ("anthropic.messages", "claude-haiku-4-5")
                if self.kind == "anthropic"
                else ("openai.chat", "gpt-4o-mini")
            )
            shard = Shard(
                f"shard-{self._no:04}", self.kind, "d", model, wire, created_us=SYSTEM.now_us(), lines=len(lines)
            )
            if self._dice.random() < 0.3:
                api = self.api(client)  # as after a crash
            left = await self._sent(api, shard, lines, client)
            self.waiting += left

    async def _sent(self, api: BatchApi, shard: Shard, lines: list[int], client: Http1Client) -> list[int]:
        """Those that have no final answer."""
        data = api.encode(
            [(custom_id(shard.id, f"call-{no}"), _body(shard.model, no)) for no in lines],
            shard.wire,
            shard.model,
            shard.id,
        )
        try:
            created = await api.create(shard, data)
        except (Refused, UpstreamError):
            return lines
        except Unsure as unsure:
            shard.remote_file = unsure.remote_file
            found = await self._found(self.api(client), shard)
            if found is None:
                return lines
            created = found
        shard.remote_id = created.remote_id
        self.known.add(created.remote_id)
        return await self._fetched(api, shard, set(lines))

    async def _found(self, api: BatchApi, shard: Shard) -> Created | None:
        while True:
            try:
                seen = await api.find(shard, self.known)
            except UpstreamError:
                continue
            if not isinstance(seen, Maybe):
                return seen
            await asyncio.sleep(min(0.2, seen.again_s))

    async def _fetched(self, api: BatchApi, shard: Shard, left: set[int]) -> list[int]:
        begun = SYSTEM.monotonic()
        while True:
            try:
                look = await api.look(shard)
                if look.state == "failed":
                    return sorted(left)
                if look.state == "ended":
                    await self._read(api, shard, look, left)
                    return sorted(left)
            except UpstreamError:
                pass
            if self.kind == "azure" and SYSTEM.monotonic() - begun > 1.5:  # its batches never expire
                with contextlib.suppress(UpstreamError):
                    await api.cancel(shard)
            await asyncio.sleep(0.05)

    async def _read(self, api: BatchApi, shard: Shard, look: Any, left: set[int]) -> None:
        async for result in api.results(shard, look):
            no = int(result.custom_id.rpartition("-")[2])
            if result.status == 200 and no in left:
                left.discard(no)
                self.answered.setdefault(no, []).append(result)


def _body(model: str, no: int) -> bytes:
    return msgspec.json.encode(
        {"model": model, "max_tokens": 20, "messages": [{"role": "user", "content": f"Say a word about {no}."}]}
    )


@pytest.fixture
async def client() -> AsyncIterator[Http1Client]:
    made = Http1Client()
    yield made
    await made.close()


@pytest.mark.parametrize("kind", ["openai", "azure", "anthropic", "mistral"])
async def test_each_line_is_answered_and_billed_exactly_once(
    hostile: Simulator, client: Http1Client, kind: str
) -> None:
    work = Work(kind, hostile.url)
    async with asyncio.timeout(120):
        await work.work(client)
    assert work.answered.keys() == set(range(LINES)) and all(len(found) == 1 for found in work.answered.values())
    answered = {msgspec.json.decode(result.body)["id"] for (result,) in work.answered.values()}
    async with httpx2.AsyncClient(timeout=60) as web:
        bill = (await web.get(f"{hostile.url}/simulator/bill")).json()["lines"]
    path = {"azure": "/openai/batches", "anthropic": "/v1/messages/batches", "mistral": "/v1/batch/jobs"}
    mine = [line for line in bill if line["path"] == path.get(kind, "/v1/batches")]
    assert {line["id"] for line in mine} == answered and len(mine) == LINES
    assert {line["tier"] for line in mine} == {"batch"}


async def test_the_official_sdks_see_the_same_batches(client: Http1Client) -> None:
    """What was created here is there for the SDKs, in the shapes that they read."""
    with simulator(SimulatorSettings(seed=1)) as calm:
        for kind in ("openai", "azure", "anthropic"):
            work = Work(kind, calm.url)
            await work.work(client)
        openai = AsyncOpenAI(base_url=f"{calm.url}/v1", api_key="key-of-openai", max_retries=0)
        azure = AsyncAzureOpenAI(
            azure_endpoint=calm.url, api_key="key-of-azure", api_version="2024-10-21", max_retries=0
        )
        for sdk in (openai, azure):
            batches = [batch async for batch in sdk.batches.list(limit=2)]
            assert len(batches) == LINES // SHARD_LINES
            for batch in batches:
                assert batch.status == "completed" and batch.output_file_id is not None
                assert batch.metadata is not None and batch.metadata["farthing_shard"].startswith("shard-")
                file = await sdk.files.retrieve(batch.input_file_id)
                assert file.filename == f"{batch.metadata['farthing_shard']}.jsonl"
                assert len((await sdk.files.content(batch.output_file_id)).text.splitlines()) == SHARD_LINES
            await sdk.close()
        anthropic = AsyncAnthropic(base_url=calm.url, api_key="key-of-anthropic", max_retries=0)
        async for message_batch in anthropic.messages.batches.list():
            assert message_batch.request_counts.succeeded == SHARD_LINES
            rows = [row async for row in await anthropic.messages.batches.results(message_batch.id)]
            assert {row.custom_id.rpartition("-")[0] for row in rows} == {rows[0].custom_id.rpartition("-")[0]}
        await anthropic.close()
