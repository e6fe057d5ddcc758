"""Gemini's contexts in the simulator: what is made, named, refused, and billed by the hour."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from farthing.upstream.simulator import SimulatorSettings, create_app

KEY = {"x-goog-api-key": "mine"}
TEXT = "Keep to the facts of the order. " * 500
MADE = {"model": "models/gemini-2.5-flash", "systemInstruction": {"parts": [{"text": TEXT}]}, "ttl": "600s"}


class Google:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0
        app = create_app(SimulatorSettings(seed=1, chance_of_reading=0.0), clock=lambda: self.now)
        self.web = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://google")

    async def make(self, status: int = 200, **more: Any) -> Any:
        answer = await self.web.post("/v1beta/cachedContents", json=MADE | more, headers=KEY)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def chat(self, name: str = "", status: int = 200, key: str = "mine", **more: Any) -> Any:
        body: dict[str, Any] = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "Hi"}]} | more
        if name:
            body["extra_body"] = {"google": {"cached_content": name}}
        headers = {"authorization": f"Bearer {key}"}
        answer = await self.web.post("/v1beta/openai/chat/completions", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    made = Google()
    yield made
    await made.web.aclose()


async def test_a_call_that_names_one_reads_it(google: Google) -> None:
    made = await google.make()
    tokens = made["usageMetadata"]["totalTokenCount"]
    usage = (await google.chat(made["name"]))["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == tokens
    system = {"role": "system", "content": TEXT}
    whole = (await google.chat(messages=[system, {"role": "user", "content": "Hi"}]))["usage"]
    assert whole["prompt_tokens"] == usage["prompt_tokens"]
    assert whole["prompt_tokens_details"]["cached_tokens"] == 0


async def test_its_time_ends_unless_it_is_prolonged(google: Google) -> None:
    name = (await google.make())["name"]
    google.now += 599
    await google.web.patch(f"/v1beta/{name}?updateMask=ttl", json={"ttl": "600s"}, headers=KEY)
    google.now += 599
    await google.chat(name)
    google.now += 2
    await google.chat(name, 403)
    gone = await google.web.patch(f"/v1beta/{name}?updateMask=ttl", json={"ttl": "600s"}, headers=KEY)
    assert gone.status_code == 403


async def test_what_lies_there_is_counted_until_it_is_deleted(google: Google) -> None:
    made = await google.make()
    google.now += 120
    await google.web.delete(f"/v1beta/{made['name']}", headers=KEY)
    google.now += 1_000
    contexts = (await google.web.get("/simulator/bill")).json()["contexts"]
    tokens = made["usageMetadata"]["totalTokenCount"]
    assert contexts == {"made_tokens": tokens, "token_seconds": tokens * 120}
    assert (await google.web.get("/v1beta/cachedContents", headers=KEY)).json() == {}


async def test_refusals(google: Google) -> None:
    name = (await google.make())["name"]
    await google.make(400, systemInstruction={"parts": [{"text": "Short."}]})
    await google.make(400, ttl="an hour")
    await google.make(404, model="models/gpt-4o")
    await google.chat(name, 403, key="another")
    await google.chat(name, 403, model="gemini-2.5-pro")
    await google.chat(name, 400, messages=[{"role": "system", "content": "a"}, {"role": "user", "content": "b"}])
    tool = {"type": "function", "function": {"name": "a"}}
    assert "cached content" in (await google.chat(name, 400, tools=[tool]))["error"]["message"]
