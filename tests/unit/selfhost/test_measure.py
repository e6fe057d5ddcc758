"""The load test, against the simulator and a server by script."""

import asyncio
from pathlib import Path

import pytest

from farthing.model.errors import BadRequest, UpstreamError
from farthing.selfhost import points
from farthing.selfhost.calibrate import Point
from farthing.selfhost.measure import Plan, Target, calls_of, measure
from farthing.selfhost.points import Measured, of_serving
from farthing.selfhost.roofline import Load
from farthing.upstream.http1 import Http1Client
from farthing.upstream.simulator import SimulatorSettings, running

KEY = "sk-simulated-key"
PLAN = Plan(input_tokens=120, output_tokens=40, levels=(1, 8))


async def test_levels_of_a_server_with_delays() -> None:
    told: list[tuple[int, int]] = []
    async with running(SimulatorSettings(seed=3, latency=0.05)) as url:
        client = Http1Client()
        one, eight = await measure(
            client, Target(f"{url}/v1", "gpt-4o-mini", KEY), PLAN, lambda *what: told.append(what)
        )
        await client.close()
    assert (one.callers, one.calls, one.failures) == (1, calls_of(1), 0)
    assert (eight.callers, eight.calls, eight.failures) == (8, calls_of(8), 0)
    assert told[-1] == (8, 24) and len(told) == 28
    assert one.input_tokens == pytest.approx(120, rel=0.25)
    assert 1 < one.output_tokens <= 40
    assert 0 < one.ttft[0] <= one.ttft[1] and 0 <= one.tpot[0] <= one.tpot[1]
    assert eight.tokens_s > 2 * one.tokens_s  # it waits, and so has room for more


async def test_failures_are_counted_and_the_rest_is_measured() -> None:
    async with running(SimulatorSettings(seed=3, faults={"status-500": 0.3})) as url:
        client = Http1Client()
        (found,) = await measure(client, Target(f"{url}/v1", "gpt-4o-mini", KEY), Plan(60, 20, (8,), seed=2))
        await client.close()
    assert 0 < found.failures < found.calls == 24
    assert found.tokens_s > 0


async def test_a_server_that_refuses_all_is_an_error_in_words() -> None:
    async with running(SimulatorSettings(seed=3)) as url:
        client = Http1Client()
        with pytest.raises(UpstreamError, match="the server answers 404"):
            await measure(client, Target(f"{url}/nowhere", "gpt-4o-mini", KEY), PLAN)
        await client.close()


@pytest.mark.parametrize(
    ("stream", "wrong"),
    [
        (b"data: {\n\n", UpstreamError), (b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n', BadRequest),
        (b"", BadRequest), (b": only a comment\n\n", BadRequest), (b'data: {"choices": 5}\n\n', UpstreamError),
    ],
)  # fmt: skip
async def test_streams_that_say_nothing_are_refused_in_words(stream: bytes, wrong: type[Exception]) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + stream)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Http1Client()
    with pytest.raises(wrong):
        await measure(client, Target(f"http://127.0.0.1:{port}/v1", "m"), PLAN)
    await client.close()
    server.close()


def test_a_key_is_never_shown() -> None:
    assert "sk-secret" not in repr(Target("http://x/v1", "m", "sk-secret"))


def _measured(callers: int, format_: str = "fp8") -> Measured:
    from_day = points.date(2026, 11, 25)
    return Measured("m", "H100", 1, format_, "vllm", from_day, 500, 100, callers, 900.0, 0.1, 0.2, 0.01, 0.02)


def test_measurements_are_kept_and_found_by_their_serving(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    assert points.read(file) == []
    points.add(file, [_measured(1)])
    points.add(file, [_measured(8), _measured(8, "bf16")])
    found = points.read(file)
    assert len(found) == 3
    assert of_serving(found, "H100", 1, "fp8", "vllm") == [
        Point(Load(500, 100, 1), 900.0),
        Point(Load(500, 100, 8), 900.0),
    ]
    assert of_serving(found, "H100", 2, "fp8", "vllm") == of_serving(found, "H100", 1, "fp8", "vllm", "other") == []
    file.write_text("{}")
    with pytest.raises(BadRequest, match="holds no measurements"):
        points.add(file, [])
