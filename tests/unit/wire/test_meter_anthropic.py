from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire.meter_anthropic import Tally
from farthing.wire.meter_openai import RAW_LIMIT
from unit.wire.streams import dump

ASK = Ask(model="m")
HOUR = Ask(model="m", cache_ttl="1h")
counts = st.integers(0, 200)


def read(*usages: Any, ask: Ask = ASK) -> Reading:
    tally = Tally()
    for usage in usages:
        tally.take(dump(usage))
    return tally.reading(ask, model="claude-opus", finish="")


def test_the_kinds_of_input_stand_beside_each_other() -> None:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 12, "output_tokens": 7}
    assert read(usage).usage == Usage(uncached_in=3, cache_read=5, w5m=12, out=7)
    assert read(usage, ask=HOUR).usage == Usage(uncached_in=3, cache_read=5, w1h=12, out=7)


def test_the_split_by_time() -> None:
    split = {"ephemeral_5m_input_tokens": 600_000, "ephemeral_1h_input_tokens": 400_000}
    usage = {"input_tokens": 0, "output_tokens": 0, "cache_creation": split}
    assert read({**usage, "cache_creation_input_tokens": 1_000_000}).usage == Usage(w5m=600_000, w1h=400_000)
    assert read(usage).usage == Usage(w5m=600_000, w1h=400_000)


def test_a_split_of_the_first_iteration_only() -> None:
    usage = {
        "input_tokens": 123_201, "cache_read_input_tokens": 426_653, "cache_creation_input_tokens": 184_457,
        "cache_creation": {"ephemeral_5m_input_tokens": 31_490}, "output_tokens": 0,
        "server_tool_use": {"web_search_requests": 5, "web_fetch_requests": 0},
    }  # fmt: skip
    assert read(usage).usage == (
        Usage(uncached_in=123_201, cache_read=426_653, w5m=184_457, requests={"web_search": 5})
    )
    assert read(usage, ask=HOUR).usage == (
        Usage(uncached_in=123_201, cache_read=426_653, w5m=31_490, w1h=152_967, requests={"web_search": 5})
    )


@given(counts, counts, counts)
def test_the_split_never_changes_the_total(total: int, five: int, hour: int) -> None:
    split = {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}
    usage = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": total, "cache_creation": split}
    for ask in (ASK, HOUR):
        found = read(usage, ask=ask).usage
        assert found is not None and found.w5m + found.w1h == total
        if five + hour <= total:
            assert found.w5m >= five and found.w1h >= hour


@pytest.mark.parametrize(
    ("fields", "tier", "geo"),
    [
        ({"service_tier": "standard", "speed": "standard", "inference_geo": "global"}, "", ""),
        ({"service_tier": "standard", "speed": "fast"}, "fast", ""),
        ({"service_tier": "batch", "speed": "fast"}, "batch", ""),
        ({"service_tier": "priority", "inference_geo": "us"}, "priority", "us"),
        ({"service_tier": None, "inference_geo": "not_available"}, "", ""),
    ],
)
def test_tier_speed_and_geography(fields: dict[str, Any], tier: str, geo: str) -> None:
    reading = read({"input_tokens": 1, "output_tokens": 1, **fields})
    assert (reading.tier, reading.geo) == (tier, geo)


class TestIterations:
    def test_a_compaction_is_a_part_of_its_own(self) -> None:
        iterations = [
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500},
            {"type": "message", "input_tokens": 100, "output_tokens": 10},
        ]
        reading = read({"input_tokens": 100, "output_tokens": 10, "iterations": iterations})
        assert reading.usage == Usage(uncached_in=100, out=10)
        assert [(part.model, part.usage) for part in reading.parts] == [
            ("claude-opus", Usage(uncached_in=180_000, out=3500))
        ]

    def test_a_declined_attempt_is_billed_at_its_own_model(self) -> None:
        iterations = [
            {"type": "message", "model": "big", "cache_read_input_tokens": 560_186, "output_tokens": 299},
            {"type": "message", "model": "silent", "input_tokens": 9, "output_tokens": 0},
            {"type": "message", "model": "opus", "input_tokens": 1, "output_tokens": 1},
            {"type": "fallback_message", "model": "opus", "input_tokens": 2, "output_tokens": 3},
        ]
        reading = read({"input_tokens": 3, "output_tokens": 4, "inference_geo": "us", "iterations": iterations})
        assert reading.usage == Usage(uncached_in=3, out=4)
        assert [(part.model, part.geo, part.usage) for part in reading.parts] == [
            ("big", "us", Usage(cache_read=560_186, out=299))
        ]

    def test_an_advisor_is_billed_at_its_own_model(self) -> None:
        iterations = [
            {"type": "message", "input_tokens": 3, "output_tokens": 4},
            {"type": "advisor_message", "model": "haiku", "input_tokens": 5, "output_tokens": 6},
        ]
        reading = read({"input_tokens": 3, "output_tokens": 4, "iterations": iterations})
        assert [(part.model, part.usage) for part in reading.parts] == [("haiku", Usage(uncached_in=5, out=6))]

    def test_iterations_that_cannot_be_read_are_not_guessed(self) -> None:
        assert read({"input_tokens": 3, "output_tokens": 4, "iterations": [5]}).usage is None


class TestHostileNumbers:
    @pytest.mark.parametrize("bad", [-1, 1.5, "5", True, 2**60, [], {}])
    @pytest.mark.parametrize(
        "name", ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
    )
    def test_a_count_that_cannot_be_read_is_unknown(self, name: str, bad: Any) -> None:
        reading = read({"input_tokens": 1, "output_tokens": 1, name: bad})
        assert reading.usage is None and reading.flags == ["usage_unreadable"] and reading.raw

    @pytest.mark.parametrize("bad", [-1, "5", [], {}, 7.5])
    def test_a_detail_that_cannot_be_read_is_left_out(self, bad: Any) -> None:
        reading = read(
            {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": bad}, "speed": 5}
        )
        assert reading.usage == Usage(uncached_in=1, out=1) and reading.flags == ["usage_odd"]

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "iterations", "type", "cache_creation", "model"]), inner), max_leaves=8))  # fmt: skip
    def test_nothing_makes_it_fail(self, usage: Any) -> None:
        reading = read(usage, usage)
        for each in (reading, *reading.parts):
            if each.usage is not None:
                assert all(value >= 0 for value in msgspec.structs.astuple(each.usage) if isinstance(value, int))


def test_raw_usage_is_that_of_the_start_and_the_last_delta() -> None:
    first, second, third = {"input_tokens": 1}, {"output_tokens": 2}, {"output_tokens": 3}
    assert read(first).raw == dump(first)
    assert msgspec.json.decode(read(first, second, third).raw) == [first, third]
    assert len(read({"input_tokens": 1, "x": "y" * 9000}, {"output_tokens": 1}).raw) <= RAW_LIMIT


def test_nothing_is_none() -> None:
    assert read().usage is None
    assert read(None).usage is None
    assert read({}).usage is None
