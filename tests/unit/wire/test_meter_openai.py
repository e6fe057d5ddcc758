from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire.meter_openai import RAW_LIMIT, dollars_from_json, read_usage, tier_served
from unit.wire.streams import dump

ASK = Ask(model="m", cache_ttl="30m")
counts = st.integers(0, 200)


def read(usage: Any, dialect: str = "", ask: Ask = ASK, model: str = "") -> Reading:
    return read_usage(dump(usage), ask, dialect, model=model)


def test_cache_reads_and_writes_are_inside_the_prompt() -> None:
    details = {"cached_tokens": 90, "cache_write_tokens": 6}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "prompt_tokens_details": details}
    assert read(usage).usage == Usage(uncached_in=4, cache_read=90, w30m=6, out=10)


@pytest.mark.parametrize(
    ("ttl", "model", "dialect", "bucket"),
    [
        ("30m", "gpt-5.6", "", "w30m"),
        ("12h", "gpt-5.6", "", "w12h"),
        ("5m", "gpt-5.6", "", "w30m"),
        ("5m", "anthropic/claude-opus", "openrouter", "w5m"),
        ("1h", "anthropic/claude-opus", "openrouter", "w1h"),
        ("30m", "x", "anthropic_compat", "w5m"),
    ],
)
def test_a_write_without_a_split_has_the_time_that_was_asked_for(
    ttl: str, model: str, dialect: str, bucket: str
) -> None:
    usage = {"prompt_tokens": 2219, "completion_tokens": 5, "prompt_tokens_details": {"cache_write_tokens": 2216}}
    expected = Usage(uncached_in=3, out=5)
    setattr(expected, bucket, 2216)
    assert read(usage, dialect, Ask(model="m", cache_ttl=ttl), model).usage == expected


def test_cached_tokens_overlap_images() -> None:
    details = {"text_tokens": 1319, "image_tokens": 1142, "cached_tokens": 2432}
    usage = {"prompt_tokens": 2461, "completion_tokens": 303, "total_tokens": 2764, "prompt_tokens_details": details}
    assert read(usage, "xai").usage == Usage(cache_read=2432, image_in=29, out=303)


def test_cached_audio_by_kind() -> None:
    details = {
        "text_tokens": 100, "audio_tokens": 1500, "cached_tokens": 1050,
        "cached_tokens_details": {"text_tokens": 50, "audio_tokens": 1000},
    }  # fmt: skip
    usage = {"input_tokens": 1600, "output_tokens": 30, "total_tokens": 1630, "input_token_details": details}
    usage["output_token_details"] = {"text_tokens": 10, "audio_tokens": 20}
    assert read(usage).usage == (
        Usage(uncached_in=50, cache_read=50, audio_in=500, cached_audio=1000, out=10, audio_out=20)
    )


@given(counts, counts, counts, counts, counts, counts)
def test_the_buckets_sum_to_the_prompt_whatever_overlaps(
    prompt: int, cached: int, written: int, audio: int, image: int, out: int
) -> None:
    details = {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio, "image_tokens": image}
    usage = {"prompt_tokens": prompt, "completion_tokens": out, "total_tokens": prompt + out}
    reading = read({**usage, "prompt_tokens_details": details})
    assert reading.usage is not None and reading.usage.total_in == prompt and reading.adds_up
    assert all(value >= 0 for value in msgspec.structs.astuple(reading.usage) if isinstance(value, int))
    consistent = cached + written <= prompt and audio + image <= prompt
    assert consistent == (reading.flags == [])
    if consistent:
        assert reading.usage.cached_in == cached and reading.usage.written == written


def test_reasoning_is_inside_the_output() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 300, "total_tokens": 305}
    usage["completion_tokens_details"] = {"reasoning_tokens": 298, "rejected_prediction_tokens": 1}
    assert read(usage).usage == Usage(uncached_in=5, out=300, reasoning=298)


@pytest.mark.parametrize("dialect", ["", "xai"])
def test_reasoning_is_outside_where_the_total_says_so(dialect: str) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1310}
    reading = read({**usage, "completion_tokens_details": {"reasoning_tokens": 300}}, dialect)
    assert reading.usage == Usage(uncached_in=1000, out=310, reasoning=300) and reading.adds_up


def test_xai_without_a_total() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 300}}
    assert read(usage, "xai").usage == Usage(uncached_in=1000, out=310, reasoning=300)
    assert read(usage).usage == Usage(uncached_in=1000, out=10, reasoning=10)


def test_gemini_counts_thoughts_in_the_total_only() -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 151, "total_tokens": 553}
    assert read(usage, "gemini").usage == Usage(uncached_in=20, out=533, reasoning=382)
    assert not read(usage).adds_up


def test_deepseek_hits_and_misses() -> None:
    usage = {"prompt_tokens": 1000, "prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100}
    assert read({**usage, "completion_tokens": 10, "total_tokens": 1010}).usage == (
        Usage(uncached_in=100, cache_read=900, out=10)
    )
    del usage["prompt_tokens"]
    assert read(usage).usage == Usage(uncached_in=100, cache_read=900)


def test_cached_tokens_at_the_top() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 1, "cached_tokens": 60}
    assert read(usage, "anthropic_compat").usage == Usage(uncached_in=40, cache_read=60, out=1)


def test_tools_that_xai_ran() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "server_side_tool_usage_details": {"x_search_calls": 2, "web_search_calls": 0}}  # fmt: skip
    reading = read(usage, "xai")
    assert reading.usage is not None and reading.usage.requests == {"x_search": 2}


class TestReportedCost:
    @pytest.mark.parametrize(("ticks", "nano"), [(75_360_000, 7_536_000), (14, 1), (15, 2), (25, 2), (0, 0)])
    def test_ten_ticks_are_a_nano_dollar(self, ticks: int, nano: int) -> None:
        usage = {"prompt_tokens": 12929, "completion_tokens": 29, "cost_in_usd_ticks": ticks}
        assert read(usage, "xai").reported_nano == nano

    @pytest.mark.parametrize(
        ("cost", "nano"),
        [
            (b"0.0001234567895", 123457),
            (b"1.5e-7", 150),
            (b"0", 0),
            (b'"0.25"', 250_000_000),
            (b'{"total_cost":0.006}', 6_000_000),
        ],
    )
    def test_dollars_are_read_without_a_float(self, cost: bytes, nano: int) -> None:
        raw = b'{"prompt_tokens":1,"completion_tokens":1,"cost":' + cost + b"}"
        assert read_usage(raw, ASK, "openrouter").reported_nano == nano
        assert read_usage(raw, ASK, "openrouter").flags == []
        assert read_usage(raw, ASK, "").flags == ["cost_unit_assumed"]

    @pytest.mark.parametrize("cost", [b"-1", b"true", b"[]", b'"x"', b'"NaN"', b"1e99", b"{}", b'{"total_cost":[]}'])
    def test_what_is_no_price_is_left_out(self, cost: bytes) -> None:
        raw = b'{"prompt_tokens":1,"completion_tokens":1,"cost":' + cost + b"}"
        reading = read_usage(raw, ASK, "openrouter")
        assert reading.reported_nano is None and reading.usage == Usage(uncached_in=1, out=1)

    def test_own_keys_at_openrouter_are_billed_by_both(self) -> None:
        raw = b'{"prompt_tokens":1,"cost":0.1,"is_byok":true,"cost_details":{"upstream_inference_cost":0.2}}'
        assert read_usage(raw, ASK, "openrouter").reported_nano == 300_000_000

    def test_an_amount_beyond_reason_is_none(self) -> None:
        assert dollars_from_json(b"1e11") is None


class TestHostileNumbers:
    @pytest.mark.parametrize("bad", [-1, 1.5, "5", True, 2**60, 1e300, [], {}])
    def test_a_total_that_cannot_be_read_is_unknown(self, bad: Any) -> None:
        reading = read({"prompt_tokens": bad, "completion_tokens": 5})
        assert reading.usage is None and reading.flags == ["usage_unreadable"] and reading.raw

    @pytest.mark.parametrize("bad", [-1, 1.5, "5", True, 2**60, [], {}])
    def test_a_detail_that_cannot_be_read_is_left_out(self, bad: Any) -> None:
        usage = {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": bad, "audio_tokens": 2},
        }
        reading = read(usage)
        assert reading.usage == Usage(uncached_in=7, audio_in=2, out=5) and reading.flags == ["usage_odd"]

    def test_null_is_absent(self) -> None:
        usage = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": None, "cost": None, "x": None}
        assert read(usage) == Reading(usage=Usage(uncached_in=9, out=5), raw=dump(usage))

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens", "cost", "is_byok", "cost_details", "upstream_inference_cost"]), inner), max_leaves=8))  # fmt: skip
    def test_nothing_makes_it_fail(self, usage: Any) -> None:
        reading = read_usage(msgspec.json.encode(usage), ASK, "openrouter")
        if reading.usage is not None:
            assert all(value >= 0 for value in msgspec.structs.astuple(reading.usage) if isinstance(value, int))

    @given(st.binary(max_size=30))
    def test_nor_any_bytes(self, raw: bytes) -> None:
        read_usage(raw, ASK)

    def test_raw_usage_is_bounded(self) -> None:
        assert len(read({"prompt_tokens": 1, "x": "y" * 9000}).raw) == RAW_LIMIT


def test_tiers_in_one_vocabulary() -> None:
    served = {None: "", "default": "", "auto": "", "fast": "priority", "flex": "flex", "on_demand": "", "new": "new"}
    assert {tier: tier_served(tier) for tier in served} == served
