"""The caches' rules, one by one; then the usage that calls report."""

from array import array
from typing import Any

import anthropic as anthropic_sdk
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from farthing.upstream.simulator.prompt_cache import Block, CacheUse, PromptCaches


def ids(count: int, start: int = 0) -> Any:
    return array("I", range(start, start + count))


def blocks(*tokens: int, marks: dict[int, str]) -> list[Block]:
    return [Block(f"block {at}".encode(), count, marks.get(at, "")) for at, count in enumerate(tokens)]


@pytest.fixture
def caches(clock: Any) -> PromptCaches:
    return PromptCaches(clock)


def test_blocks_are_read_in_steps_from_the_least_on(caches: PromptCaches) -> None:
    def read(prompt: Any) -> int:
        return caches.blocks("a", prompt, least=1024).read

    assert read(ids(1023)) == 0 == read(ids(1023))
    assert read(ids(1300)) == 0
    assert read(ids(1300)) == 1280
    assert read(ids(3000)) == 1280
    assert read(ids(1200)) == 1152
    assert caches.blocks("b", ids(1300), least=1024).read == 0


def test_blocks_match_up_to_the_first_difference(caches: PromptCaches) -> None:
    caches.blocks("a", ids(4000), least=1024)
    other = ids(4000)
    other[2000] = 7
    assert caches.blocks("a", other, least=1024).read == 1920


@pytest.mark.parametrize(("retention", "life"), [("in_memory", 600), ("24h", 86_400)])
def test_blocks_live_while_they_are_read(caches: PromptCaches, clock: Any, retention: str, life: int) -> None:
    def read() -> int:
        return caches.blocks("a", ids(1100), least=1024, retention=retention).read

    read()
    for _ in range(3):
        clock.pass_seconds(life - 1)
        assert read() == 1024
    clock.pass_seconds(life)
    assert read() == 0


def test_an_entry_is_there_once_its_writer_answers(caches: PromptCaches, clock: Any) -> None:
    caches.blocks("a", ids(1100), least=1024, delay=2.0)
    clock.pass_seconds(1)
    assert caches.blocks("a", ids(1100), least=1024, delay=2.0).read == 0
    clock.pass_seconds(2)
    assert caches.blocks("a", ids(1100), least=1024).read == 1024


def test_breakpoints_are_exact_and_writes_are_counted(caches: PromptCaches) -> None:
    assert caches.breakpoints("a", ids(1500), [(1500, "30m")], least=1024) == CacheUse(w30m=1500)
    assert caches.breakpoints("a", ids(2100), [(2100, "30m")], least=1024) == CacheUse(read=1500, w30m=600)
    two = [(3000, "12h"), (3200, "30m")]
    assert caches.breakpoints("a", ids(3200), two, least=1024) == CacheUse(read=2100, w12h=900, w30m=200)
    assert caches.breakpoints("a", ids(3200), [], least=1024) == CacheUse(read=3200)
    assert caches.breakpoints("a", ids(900), [(900, "30m")], least=1024) == CacheUse()


def test_breakpoints_expire_by_their_ttl(caches: PromptCaches, clock: Any) -> None:
    caches.breakpoints("a", ids(2000), [(1500, "12h"), (2000, "30m")], least=1024)
    clock.pass_seconds(1801)
    assert caches.breakpoints("a", ids(2000), [], least=1024).read == 1500
    clock.pass_seconds(43_201)
    assert caches.breakpoints("a", ids(2000), [], least=1024).read == 0


def test_marks_write_what_lies_between_them(caches: PromptCaches) -> None:
    prompt = blocks(2000, 1000, 500, marks={0: "1h", 2: "5m"})
    assert caches.marks("a", prompt, least=1024) == CacheUse(w1h=2000, w5m=1500)
    assert caches.marks("a", prompt, least=1024) == CacheUse(read=3500)
    longer = blocks(2000, 1000, 500, 300, marks={0: "1h", 3: "5m"})
    assert caches.marks("a", longer, least=1024) == CacheUse(read=3500, w5m=300)


def test_marks_below_the_least_do_nothing(caches: PromptCaches) -> None:
    for _ in range(2):
        assert caches.marks("a", blocks(1000, marks={0: "5m"}), least=1024) == CacheUse()


def test_marks_look_back_twenty_blocks(caches: PromptCaches) -> None:
    caches.marks("a", blocks(*[2000] * 1, marks={0: "5m"}), least=1024)
    near = blocks(*[2000] * 20, marks={19: "5m"})
    assert caches.marks("a", near, least=1024).read == 2000
    caches.marks("b", blocks(2000, marks={0: "5m"}), least=1024)
    far = blocks(*[2000] * 21, marks={20: "5m"})
    assert caches.marks("b", far, least=1024).read == 0


def test_a_hit_starts_the_time_anew(caches: PromptCaches, clock: Any) -> None:
    prompt = blocks(2000, marks={0: "5m"})
    caches.marks("a", prompt, least=1024)
    for _ in range(3):
        clock.pass_seconds(299)
        assert caches.marks("a", prompt, least=1024).read == 2000
    clock.pass_seconds(300)
    assert caches.marks("a", prompt, least=1024) == CacheUse(w5m=2000)


def test_the_oldest_entries_go_first(clock: Any) -> None:
    caches = PromptCaches(clock, limit=2)
    for scope in ("a", "b", "c"):
        caches.blocks(scope, ids(1024), least=1024)
    assert [caches.blocks(scope, ids(1024), least=1024).read for scope in ("c", "a")] == [1024, 0]


LONG = " ".join(f"word{number}" for number in range(3000))


async def test_openai_reports_what_it_cached(openai: AsyncOpenAI) -> None:
    async def call(text: str) -> Any:
        messages: Any = [{"role": "system", "content": LONG}, {"role": "user", "content": text}]
        return (await openai.chat.completions.create(model="gpt-4o-mini", messages=messages)).usage

    first, second = await call("One."), await call("Two.")
    assert first.prompt_tokens_details.cached_tokens == 0
    cached = second.prompt_tokens_details.cached_tokens
    assert cached % 128 == 0 and second.prompt_tokens - cached < 256


async def test_openai_reports_writes_from_gpt_5_6_on(openai: AsyncOpenAI) -> None:
    async def call(**options: Any) -> Any:
        messages: Any = [{"role": "user", "content": LONG}]
        answer = await openai.chat.completions.create(model="gpt-5.6-luna", messages=messages, extra_body=options)
        assert answer.usage is not None
        return answer.usage.prompt_tokens_details, answer.usage.prompt_tokens

    details, _ = await call(prompt_cache_options={"mode": "explicit"})
    assert (details.cached_tokens, details.cache_write_tokens) == (0, 0)
    details, prompt = await call()
    assert (details.cached_tokens, details.cache_write_tokens) == (0, prompt)
    details, prompt = await call()
    assert (details.cached_tokens, details.cache_write_tokens) == (prompt, 0)


async def test_anthropic_reports_disjoint_counts(anthropic: AsyncAnthropic) -> None:
    async def call(text: str, ttl: str = "5m") -> Any:
        system: Any = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": ttl}}]
        messages: Any = [{"role": "user", "content": text}]
        answer = await anthropic.messages.create(
            model="claude-sonnet-4-6", max_tokens=100, system=system, messages=messages
        )
        return answer.usage

    first, second = await call("One.", "1h"), await call("Two.", "1h")
    assert first.cache_creation.ephemeral_1h_input_tokens == first.cache_creation_input_tokens > 3000
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_read_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0 < second.input_tokens < 50


async def test_a_top_level_mark_stands_on_the_last_block(anthropic: AsyncAnthropic) -> None:
    usages = [
        (
            await anthropic.messages.create(
                model="claude-sonnet-4-6", max_tokens=10, messages=[{"role": "user", "content": LONG}],
                cache_control={"type": "ephemeral"},
            )
        ).usage
        for _ in range(2)
    ]  # fmt: skip
    assert usages[0].input_tokens == usages[1].input_tokens == 0
    assert usages[1].cache_read_input_tokens == usages[0].cache_creation_input_tokens


@pytest.mark.parametrize("marks", [["5m", "1h"], ["5m"] * 5, ["2h"]])
async def test_anthropic_refuses_marks_that_cannot_be(anthropic: AsyncAnthropic, marks: list[str]) -> None:
    parts: Any = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": ttl}} for ttl in marks]
    with pytest.raises(anthropic_sdk.BadRequestError, match="cache_control"):
        await anthropic.messages.create(
            model="claude-sonnet-4-6", max_tokens=10, messages=[{"role": "user", "content": parts}]
        )
