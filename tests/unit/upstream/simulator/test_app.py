"""The server and its bill; bodies that no SDK would send."""

import asyncio
import contextlib
import signal
import socket
import sys
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from farthing.model.errors import Unavailable
from farthing.upstream.simulator import SimulatorSettings, running, serve, tasks

KEY = {"authorization": "Bearer any"}
CLAUDE = {"x-api-key": "any", "anthropic-version": "2023-06-01"}


async def test_the_bill_agrees_with_the_answers(openai: AsyncOpenAI, anthropic: AsyncAnthropic, url: str) -> None:
    messages: Any = [{"role": "user", "content": "Plan a picnic."}]
    usages = [(await openai.chat.completions.create(model="gpt-4o", messages=messages)).usage for _ in range(2)]
    claude = await anthropic.messages.create(model="claude-sonnet-4-6", max_tokens=99, messages=messages)
    async with httpx2.AsyncClient(verify=False) as client:
        totals = (await client.get(f"{url}/simulator/bill")).json()["totals"]
    assert totals["gpt-4o"]["requests"] == 2
    assert totals["gpt-4o"]["output"] == sum(usage.completion_tokens for usage in usages if usage is not None)
    assert totals["claude-sonnet-4-6"]["prompt"] == claude.usage.input_tokens


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'{"a":' * 5000, b"\xff\xfe", b'{"model":"gpt-4o","messages":5}']
)
@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/batches", "/v1/files", "/v1/messages",
     "/v1/messages/count_tokens", "/v1/messages/batches"],
)  # fmt: skip
async def test_nonsense_is_refused(url: str, path: str, body: bytes) -> None:
    headers = CLAUDE if "messages" in path else KEY
    async with httpx2.AsyncClient(verify=False) as client:
        answer = await client.post(url + path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]


async def test_half_a_surrogate_pair_is_counted(url: str) -> None:
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"\\ud800 hi"}]}'
    async with httpx2.AsyncClient(verify=False) as client:
        answer = await client.post(f"{url}/v1/chat/completions", content=body, headers=KEY)
    assert answer.status_code in (200, 400)


async def test_large_bodies_are_refused() -> None:
    async with running(SimulatorSettings(max_body_bytes=1000)) as url, httpx2.AsyncClient(verify=False) as client:
        answer = await client.post(f"{url}/v1/messages", content=b" " * 2000, headers=CLAUDE)
        assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")
        answer = await client.post(f"{url}/v1/chat/completions", content=b" " * 2000, headers=KEY)
        assert answer.status_code == 413


async def test_paths_and_headers_that_there_are_not(url: str) -> None:
    async with httpx2.AsyncClient(verify=False) as client:
        assert (await client.get(f"{url}/v1/songs", headers=KEY)).status_code == 404
        missing = await client.post(f"{url}/v1/messages", json={}, headers={"x-api-key": "any"})
        assert "anthropic-version" in missing.json()["error"]["message"]
        keyless = await client.post(f"{url}/v1/messages", json={}, headers={"anthropic-version": "2023-06-01"})
        assert (keyless.status_code, keyless.json()["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize(("path", "headers"), [("/v1/chat/completions", KEY), ("/v1/messages", CLAUDE)])
async def test_strictness_refuses_unknown_fields(path: str, headers: dict[str, str]) -> None:
    model = "gpt-4o" if headers is KEY else "claude-sonnet-4-6"
    body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "flavour": "mint"}
    for strict, status in ((False, 200), (True, 400)):
        async with running(SimulatorSettings(strict=strict)) as url, httpx2.AsyncClient(verify=False) as client:
            assert (await client.post(url + path, json=body, headers=headers)).status_code == status


async def test_equal_seeds_give_equal_bytes() -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    seen = []
    for seed in (1, 1, 2):
        async with (
            running(SimulatorSettings(seed=seed), clock=lambda: 0.0) as url,
            httpx2.AsyncClient(verify=False) as client,
        ):
            seen.append((await client.post(f"{url}/v1/chat/completions", json=body, headers=KEY)).content)
    assert seen[0] == seen[1] != seen[2]


async def test_leaving_closes_the_port_and_what_is_open() -> None:
    async with running() as url, httpx2.AsyncClient(verify=False) as client:
        port = int(url.rpartition(":")[2])
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "[[simulate: endless]]"}]}
        request = client.build_request("POST", f"{url}/v1/chat/completions", json=body, headers=KEY)
        await client.send(request, stream=True)
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        pass


def test_an_address_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port}"):
            serve(port=port)


async def test_a_served_process_answers_until_it_is_interrupted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = f"from farthing.upstream.simulator import serve; serve(port={port})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    try:
        async with httpx2.AsyncClient(verify=False) as client:
            for _ in range(2400):
                with contextlib.suppress(httpx2.TransportError):
                    listed = await client.get(f"http://127.0.0.1:{port}/v1/models", headers=KEY)
                    break
                await asyncio.sleep(0.05)
            assert listed.status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 10)


async def test_a_model_is_made_worse_and_mended_while_it_runs(openai: AsyncOpenAI, url: str) -> None:
    task = tasks.make("fact", 1, 1)

    async def is_right() -> bool | None:
        said = await openai.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": task.prompt}]
        )  # fmt: skip
        assert said.model == "gpt-4o-mini-2024-07-18"
        return tasks.is_right(task.prompt, said.choices[0].message.content or "")

    async with httpx2.AsyncClient(verify=False) as client:
        at_first = await is_right()
        assert (await client.post(f"{url}/simulator/skills", json={"gpt-4o-mini": -1.0})).status_code == 200
        assert not await is_right()
        for wrong in ({"gpt-9": 0.1}, {"gpt-4o-mini": "worse"}):
            assert (await client.post(f"{url}/simulator/skills", json=wrong)).status_code == 400
        await client.post(f"{url}/simulator/skills", json={})
        assert await is_right() == at_first
