"""The load test, against the simulator and servers by script, most of them bad."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from farthing.model.errors import BadRequest, FarthingError, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.selfhost import points
from farthing.selfhost.asking import Target, check
from farthing.selfhost.calibrate import Point
from farthing.selfhost.measure import Level, Plan, calls_of, measure
from farthing.selfhost.points import Measured, of_serving
from farthing.selfhost.roofline import Load
from farthing.upstream.http1 import Http1Client
from farthing.upstream.simulator import SimulatorSettings, running

KEY = "sk-simulated-key"
PLAN = Plan(input_tokens=120, output_tokens=40, levels=(1, 8))


async def measured(
    target: Target, plan: Plan, told: Callable[[int, int], None] = lambda callers, done: None
) -> list[Level]:
    client = Http1Client()
    try:
        return [level async for level in measure(client, target, plan, told)]
    finally:
        await client.close()


async def test_levels_of_a_server_with_delays() -> None:
    told: list[tuple[int, int]] = []
    async with running(SimulatorSettings(seed=3, latency=0.05)) as url:
        target = Target(f"{url}/v1", "gpt-4o-mini", KEY)
        one, eight = await measured(target, PLAN, lambda *what: told.append(what))
    assert (one.callers, one.calls, one.failures) == (1, calls_of(1), 0)
    assert (eight.callers, eight.calls, eight.failures) == (8, calls_of(8), 0)
    assert told[-1] == (8, 24) and len(told) == 28
    assert one.input_tokens == pytest.approx(120, rel=0.25)
    assert 1 < one.output_tokens <= 40
    assert 0 < one.ttft[0] <= one.ttft[1] and 0 <= one.tpot[0] <= one.tpot[1]
    assert eight.tokens_s > 2 * one.tokens_s  # it waits, and so has room for more


async def test_failures_are_counted_and_the_rest_is_measured() -> None:
    async with running(SimulatorSettings(seed=3, faults={"status-500": 0.3})) as url:
        (found,) = await measured(Target(f"{url}/v1", "gpt-4o-mini", KEY), Plan(60, 20, (8,), seed=2))
    assert 0 < found.failures < found.calls == 24
    assert found.tokens_s > 0 and not found.holds and "500" in found.trouble


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
WORDS = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
COUNTS = b'data: {"choices":[],"usage":{"prompt_tokens":300,"completion_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"
GOOD = STREAM + WORDS + END + COUNTS + DONE
Behave = Callable[[int, asyncio.StreamWriter], Awaitable[None]]
"""Gets the number of the call and where to answer."""


def status(number: int, message: str = "no such thing", more: bytes = b"") -> bytes:
    body = b'{"error":{"message":"%b"}}' % message.encode()
    return b"HTTP/1.1 %d No\r\ncontent-length: %d\r\n%b\r\n%b" % (number, len(body), more, body)


def says(*answers: bytes) -> Behave:
    """These in turn, the last one for ever."""

    async def behave(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(number, len(answers)) - 1])
        writer.close()

    return behave


async def hangs(number: int, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(600)


async def trickles(number: int, writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM)
    while not writer.is_closing():
        writer.write(b": still there\n")
        await asyncio.sleep(0.05)


async def floods(number: int, writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM + b"data: ")
    while not writer.is_closing():
        writer.write(b"x" * 65_536)
        await writer.drain()


async def goes_on(number: int, writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM)
    while not writer.is_closing():
        writer.write(WORDS * 50)
        await writer.drain()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(behave: Behave) -> AsyncIterator[str]:
    calls = 0
    writers: list[asyncio.StreamWriter] = []
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        writers.append(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length is not None else 0)
            calls += 1
            await behave(calls, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has had enough

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    server.close()
    for writer in writers:
        writer.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_good_server_by_script_and_one_that_sends_nothing_where_it_may() -> None:
    nulls = (
        STREAM
        + b'data: {"choices":null,"usage":null}\n\ndata: {"choices":[{"delta":null}]}\n\n'
        + WORDS
        + COUNTS
        + DONE
    )
    for answer in (GOOD, nulls, STREAM + WORDS + END + COUNTS):
        async with serving(says(answer)) as url:
            (level,) = await measured(Target(url, "m"), Plan(levels=(2,)))
        assert (level.failures, level.output_tokens, level.input_tokens) == (0, 5, 300) and level.holds


@pytest.mark.parametrize(
    ("behave", "wrong", "words"),
    [
        (says(status(404, "The model does not exist")), UpstreamError, "404: The model does not exist; is --model"),
        (says(status(401)), UpstreamError, "--key env:NAME"), (says(status(429)), UpstreamError, "fewer --callers"),
        (says(status(500)), UpstreamError, "500: no such thing; its log says why"),
        (says(b"HTTP/1.1 500 No\r\ncontent-length: 5\r\n\r\n" + b"[" * 5), UpstreamError, "answers 500; its log"),
        (says(status(302, more=b"location: https://other/v1/chat/completions\r\n")), UpstreamError, "lives at https://other/v1"),
        (says(b"\x16\x03\x01 no http"), UpstreamError, "is not HTTP/1.1"),
        (says(STREAM + b"data: {not json\n\n"), UpstreamError, "no JSON"), (says(STREAM + b'data: {"choices": 5}\n\n'), UpstreamError, "no JSON"),
        (says(STREAM + WORDS + DONE), BadRequest, "reports no usage"), (says(STREAM + DONE), BadRequest, "reports no usage"),
        (says(STREAM), UpstreamError, "broke off"), (says(STREAM + b": only a comment\n\n"), UpstreamError, "broke off"),
        (says(STREAM.replace(b"text/event-stream", b"application/json") + b"{}"), BadRequest, "does not stream: it answers application/json"),
        (says(STREAM + b'data: {"error":{"message":"overloaded"}}\n\n' + DONE), UpstreamError, "with an error: overloaded"),
        (says(STREAM + WORDS + COUNTS), UpstreamError, "broke off"),  # some count from the first piece on
        (says(GOOD.replace(b":5}", b":0}")), UpstreamError, "wrote nothing"), (says(GOOD.replace(b":5}", b":-5}")), UpstreamError, "wrote nothing"),
        (says(GOOD.replace(b":5}", b":5000000000}")), UpstreamError, "cannot be"), (says(GOOD.replace(b":300", b":3000000")), UpstreamError, "cannot be"),
        (says(GOOD.replace(b":5}", b":null}")), UpstreamError, "wrote nothing"), (floods, UpstreamError, "a line without an end"),
        (hangs, UpstreamTimeout, "--patience"), (trickles, UpstreamTimeout, "--patience"), (goes_on, UpstreamTimeout, "--patience"),
    ],
)  # fmt: skip
async def test_a_bad_server_is_told_in_words_what_is_wrong_with_it(
    behave: Behave, wrong: type[FarthingError], words: str
) -> None:
    async with serving(behave) as url:
        with pytest.raises(wrong) as told:
            await measured(Target(url, "m", patience_s=0.5 if wrong is UpstreamTimeout else 60.0), PLAN)
    assert words in told.value.message and "sk-" not in told.value.message


async def test_where_nobody_listens_and_where_nobody_is_let_in() -> None:
    async with serving(says(GOOD)) as url:
        pass
    with pytest.raises(UpstreamUnreachable, match="Is it running there, and is it http or https"):
        await measured(Target(url, "m"), PLAN)
    async with serving(says(GOOD)) as url:
        with pytest.raises(UpstreamError, match="https"):
            await measured(Target(url.replace("http", "https"), "m", patience_s=0.5), PLAN)


async def test_broken_calls_are_in_no_figure() -> None:
    """Of 6 calls 3 break off after a count that would be taken for theirs."""
    broken = STREAM + WORDS + COUNTS.replace(b":5}", b":1}")
    async with serving(says(GOOD, GOOD, broken, GOOD, broken, GOOD, broken)) as url:
        (level,) = await measured(Target(url, "m"), Plan(levels=(2,)))
    assert (level.calls, level.failures, level.output_tokens) == (6, 3, 5) and not level.holds


async def test_what_is_measured_is_there_before_the_rest_fails() -> None:
    found: list[Level] = []
    async with serving(says(*[GOOD] * 5, status(500))) as url:
        client = Http1Client()
        with pytest.raises(UpstreamError, match="500"):
            async for level in measure(client, Target(url, "m"), PLAN):
                found.append(level)
        await client.close()
    assert [level.callers for level in found] == [1]


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "http://", "ftp://x/v1", "http://x:99999/v1", "http://x:y/v1", "http://[::1/v1", "http://x/v\u00e9", "http://x y/v1", "http://x/\n"],
)  # fmt: skip
def test_what_is_no_url_is_told_so(url: str) -> None:
    with pytest.raises(BadRequest, match="is no URL of a server"):
        check(url)


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
    for work in (points.check, lambda file: points.add(file, [])):
        with pytest.raises(BadRequest, match="holds no measurements"):
            work(file)
    with pytest.raises(BadRequest, match="cannot be written"):
        points.check(tmp_path / "nowhere" / "kept.json")
    with pytest.raises(BadRequest, match="cannot be written"):
        points.add(tmp_path / "nowhere" / "kept.json", [])
