"""Recorded providers: an unchanged call costs what it cost, a shorter one in proportion, another model's by its wordiness."""

from typing import Any

import msgspec
import pytest

from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner.replay.readers import Reading
from farthing.planner.replay.recorded import Recorded
from farthing.upstream.client import Timeouts
from unit.planner.pasts import chat, message

CHAT, MESSAGES = "http://127.0.0.1:1/v1/chat/completions", "http://127.0.0.1:1/v1/messages"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> float:
        return self.seconds

    def passes(self, seconds: float) -> None:
        self.seconds += seconds


async def asked(past: PastCall, body: bytes | None = None, url: str = CHAT, recorded: Recorded | None = None) -> tuple[int, Any]:  # fmt: skip
    clock = Clock()
    provider = recorded or Recorded(clock.now, clock.passes, lambda model, other: 1.5, Reading())
    provider.now = past
    response = await provider.send("POST", url, [], past.prompt if body is None else body, Timeouts())
    return response.status, msgspec.json.decode(await response.read(1_000_000))


async def test_an_unchanged_call_is_as_it_was() -> None:
    status, body = await asked(chat(1, usage=Usage(uncached_in=777, out=55)))
    assert status == 200 and body["choices"][0]["message"]["content"] == "It is on its way (1)."
    assert (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]) == (777, 55)


async def test_so_is_one_over_the_other_wire() -> None:
    status, body = await asked(message(1, max_output=500), url=MESSAGES)
    assert status == 200 and body["content"][0]["text"] == "Good day to you"
    assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (40, 12)


async def test_a_prompt_of_half_the_length_costs_about_half() -> None:
    long = " ".join(f"Line {n} of the report is about parcels." for n in range(80))
    past = chat(1, long, usage=Usage(uncached_in=1_000, out=5))
    half = chat(1, long[: len(long) // 2]).prompt
    status, body = await asked(past, half)
    assert status == 200 and 450 <= body["usage"]["prompt_tokens"] <= 560


async def test_a_prompt_that_goes_to_another_maker_is_counted_as_that_one_counts() -> None:
    long = " ".join(f"Line {n} of the report is about parcels." for n in range(80))
    _, there = await asked(message(1, long), url=MESSAGES)
    past = message(1, long)
    past.usage = Usage(uncached_in=1_150, out=5)
    _, body = await asked(past, chat(1, long).prompt)
    assert there["usage"]["input_tokens"] == 40
    assert 950 <= body["usage"]["prompt_tokens"] <= 1_050


async def test_another_model_writes_as_wordily_as_it_does() -> None:
    past = chat(1, usage=Usage(uncached_in=40, out=100, reasoning=0))
    _, body = await asked(past, chat(1, model="gpt-4o-mini").prompt)
    assert body["usage"]["completion_tokens"] == 150


async def test_a_limit_of_the_request_holds() -> None:
    past = chat(1, usage=Usage(uncached_in=40, out=100), body={"max_tokens": 20})
    _, body = await asked(past)
    assert body["usage"]["completion_tokens"] == 20


async def test_the_second_call_reads_the_first_ones_prefix() -> None:
    clock = Clock()
    provider = Recorded(clock.now, clock.passes, lambda model, other: 1.0, Reading())
    system = " ".join(f"Rule {n}: parcels of kind {n} go to place {n * 7}." for n in range(200))
    first, second = (chat(n, system=system, usage=Usage(uncached_in=3_000, out=5)) for n in (1, 2))
    _, one = await asked(first, recorded=provider)
    _, two = await asked(second, recorded=provider)
    assert one["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert 2_000 <= two["usage"]["prompt_tokens_details"]["cached_tokens"] <= 3_000
    assert two["usage"]["prompt_tokens"] == 3_000


async def test_time_passes_as_it_did_then() -> None:
    clock = Clock()
    await asked(
        chat(1, duration_us=2_500_000), recorded=Recorded(clock.now, clock.passes, lambda model, other: 1.0, Reading())
    )
    assert clock.seconds == 1_002.5


async def test_streams_end_with_their_usage() -> None:
    past = chat(1, body={"stream": True, "stream_options": {"include_usage": True}})
    clock = Clock()
    provider = Recorded(clock.now, clock.passes, lambda model, other: 1.0, Reading())
    provider.now = past
    response = await provider.send("POST", CHAT, [], past.prompt, Timeouts())
    text = (await response.read(1_000_000)).decode()
    assert '"completion_tokens":12' in text and text.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": "nobody", "messages": []}', b'{"model": 3}'])
async def test_what_cannot_be_read_is_refused_as_providers_do(body: bytes) -> None:
    status, said = await asked(chat(1), body)
    assert 400 <= status < 500 and said["error"]


async def test_elsewhere_nobody_answers() -> None:
    assert (await asked(chat(1), url="http://127.0.0.1:1/v1/embeddings"))[0] == 404
