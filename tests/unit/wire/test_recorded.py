from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.usage import Usage
from farthing.wire import read_recorded
from farthing.wire.recorded import KINDS
from unit.wire.streams import dump

CHAT_USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 2,
    "total_tokens": 11,
    "prompt_tokens_details": {"cached_tokens": 4},
}
GEMINI = {
    "modelVersion": "gemini-2.5-flash",
    "candidates": [{"finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 1000, "cachedContentTokenCount": 700, "candidatesTokenCount": 151,
        "thoughtsTokenCount": 382, "toolUsePromptTokenCount": 20, "totalTokenCount": 1553, "trafficType": "ON_DEMAND_FLEX",
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 500}, {"modality": "AUDIO", "tokenCount": 300},
            {"modality": "VIDEO", "tokenCount": 200},
        ],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 450}, {"modality": "AUDIO", "tokenCount": 250}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 100}, {"modality": "IMAGE", "tokenCount": 51}],
    },
}  # fmt: skip
GEMINI_READ = Usage(
    uncached_in=50, cache_read=450, audio_in=50, cached_audio=250, image_in=200, tool_in=20, out=482, reasoning=382,
    image_out=51,
)  # fmt: skip
BEDROCK_USAGE = {
    "inputTokens": 4, "outputTokens": 23, "totalTokens": 12116, "cacheReadInputTokens": 2455,
    "cacheWriteInputTokens": 9634, "cacheDetails": [{"ttl": "1h", "inputTokens": 9000}],
}  # fmt: skip
BEDROCK_READ = Usage(uncached_in=4, cache_read=2455, w1h=9000, w5m=634, out=23)
REALTIME = {
    "model": "gpt-realtime", "status": "completed",
    "usage": {
        "input_tokens": 1600, "output_tokens": 30, "total_tokens": 1630,
        "input_token_details": {
            "text_tokens": 100, "audio_tokens": 1500, "cached_tokens": 1050,
            "cached_tokens_details": {"text_tokens": 50, "audio_tokens": 1000},
        },
        "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
    },
}  # fmt: skip
REALTIME_READ = Usage(uncached_in=50, cache_read=50, audio_in=500, cached_audio=1000, out=10, audio_out=20)
IMAGES = {
    "created": 1,
    "usage": {
        "input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}, "output_tokens": 1056,
        "total_tokens": 1106,
    },
}  # fmt: skip
TRANSCRIPT = {
    "text": "x",
    "usage": {
        "type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19,
        "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
    },
}  # fmt: skip
SPAN = {
    "gen_ai.provider.name": "anthropic", "gen_ai.response.model": "claude", "gen_ai.usage.input_tokens": 130_213,
    "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read.input_tokens": 128_955,
    "gen_ai.usage.cache_creation.input_tokens": 1253, "gen_ai.response.finish_reasons": ["stop"],
}  # fmt: skip
SPAN_READ = Usage(uncached_in=5, cache_read=128_955, w5m=1253, out=9)
OTLP = {
    "attributes": [
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "130213"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 9}},
        {"key": "gen_ai.usage.cache_read.input_tokens", "value": {"intValue": "128955"}},
        {"key": "gen_ai.usage.cache_creation.input_tokens", "value": {"intValue": "1253"}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "claude"}},
        {"key": "gen_ai.response.finish_reasons", "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}}},
    ]
}


def sse(*values: Any) -> bytes:
    return b"".join(b"data: " + dump(value) + b"\r\n\r\n" for value in values)


@pytest.mark.parametrize(
    ("kind", "body", "usage", "model", "tier", "finish"),
    [
        ("gemini", dump(GEMINI), GEMINI_READ, "gemini-2.5-flash", "flex", "STOP"),
        ("gemini.stream", sse({"modelVersion": "g", "usageMetadata": {"promptTokenCount": 1}}, GEMINI), GEMINI_READ, "g", "flex", "STOP"),
        ("gemini.stream", dump([{"candidates": []}, GEMINI]), GEMINI_READ, "gemini-2.5-flash", "flex", "STOP"),
        ("bedrock.converse", dump({"usage": BEDROCK_USAGE, "stopReason": "end_turn", "serviceTier": {"type": "default"}}), BEDROCK_READ, "", "", "end_turn"),
        ("bedrock.converse.stream", dump([{"messageStart": {}}, {"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": BEDROCK_USAGE, "serviceTier": {"type": "flex"}}}]), BEDROCK_READ, "", "flex", "end_turn"),
        ("bedrock.converse.stream", dump({"messageStart": {}}) + b"\n" + dump({"metadata": {"usage": BEDROCK_USAGE}}), BEDROCK_READ, "", "", ""),
        ("openai.realtime", dump({"type": "response.done", "response": REALTIME}), REALTIME_READ, "gpt-realtime", "", "completed"),
        ("openai.realtime", dump(REALTIME), REALTIME_READ, "gpt-realtime", "", "completed"),
        ("openai.images", dump(IMAGES), Usage(uncached_in=10, image_in=40, image_out=1056), "", "", ""),
        ("openai.transcription", dump(TRANSCRIPT), Usage(uncached_in=4, audio_in=10, out=5), "", "", ""),
        ("openai.transcription", b'{"usage":{"type":"duration","seconds":61.2}}', Usage(requests={"audio_second": 62}), "", "", ""),
        ("openai.batch_line", dump({"custom_id": "1", "response": {"status_code": 200, "body": {"model": "gpt", "choices": [{"finish_reason": "stop"}], "usage": CHAT_USAGE}}}), Usage(uncached_in=5, cache_read=4, out=2), "gpt", "batch", "stop"),
        ("openai.batch_line", dump({"response": {"body": {"object": "response", "model": "gpt", "status": "completed", "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}}}), Usage(uncached_in=3, out=4), "gpt", "batch", "completed"),
        ("anthropic.batch_line", dump({"custom_id": "1", "result": {"type": "succeeded", "message": {"model": "claude", "stop_reason": "end_turn", "usage": {"input_tokens": 3, "cache_read_input_tokens": 8, "output_tokens": 4, "service_tier": "batch"}}}}), Usage(uncached_in=3, cache_read=8, out=4), "claude", "batch", "end_turn"),
        ("anthropic.batch_line", dump({"custom_id": "1", "result": {"type": "expired"}}), Usage(), "", "batch", "expired"),
        ("otel.genai", dump(SPAN), SPAN_READ, "claude", "", "stop"),
        ("otel.genai", dump({"attributes": SPAN}), SPAN_READ, "claude", "", "stop"),
        ("otel.genai", dump(OTLP), SPAN_READ, "claude", "", "stop"),
    ],
)  # fmt: skip
def test_bodies_as_they_were_recorded(kind: str, body: bytes, usage: Usage, model: str, tier: str, finish: str) -> None:
    reading = read_recorded(kind, body)
    assert reading.usage == usage and reading.adds_up and reading.flags == []
    assert (reading.model, reading.tier, reading.finish) == (model, tier, finish)


def test_bedrock_totals_with_and_without_the_cache() -> None:
    without = {**BEDROCK_USAGE, "totalTokens": 27}
    assert read_recorded("bedrock.converse", dump({"usage": without})).adds_up
    assert not read_recorded("bedrock.converse", dump({"usage": {**BEDROCK_USAGE, "totalTokens": 28}})).adds_up


def test_spans_that_count_the_cache_beside_the_input() -> None:
    reading = read_recorded("otel.genai", dump({**SPAN, "gen_ai.usage.input_tokens": 5}))
    assert reading.usage == SPAN_READ


def test_openai_spans_write_for_thirty_minutes() -> None:
    reading = read_recorded("otel.genai", dump({**SPAN, "gen_ai.provider.name": "openai"}))
    assert reading.usage is not None and (reading.usage.w30m, reading.usage.w5m) == (1253, 0)


def test_a_failed_batch_line_has_no_usage() -> None:
    assert read_recorded("openai.batch_line", b'{"response":null,"error":{"code":"x"}}').usage is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"null", b"5", b'"x"', b"\xff", b"[" * 100_000])
def test_what_says_nothing_is_unknown(kind: str, body: bytes) -> None:
    assert read_recorded(kind, body).usage is None


def test_a_kind_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        read_recorded("telegraph", b"{}")


names = st.sampled_from(
    [
        "usage", "usageMetadata", "promptTokenCount", "candidatesTokenCount", "promptTokensDetails", "modality", "tokenCount",
        "cachedContentTokenCount", "candidates", "finishReason", "inputTokens", "outputTokens", "cacheDetails", "ttl",
        "metadata", "messageStop", "stopReason", "response", "body", "result", "message", "type", "seconds", "attributes",
        "key", "value", "intValue", "arrayValue", "values", "gen_ai.usage.input_tokens", "gen_ai.response.finish_reasons",
        "input_tokens", "output_tokens_details", "text_tokens", "modelVersion", "serviceTier", "trafficType",
    ]
)  # fmt: skip
hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
    | st.sampled_from(["AUDIO", "duration", "1h", "9" * 30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@given(value=hostile)
def test_nothing_in_a_body_makes_it_fail(kind: str, value: Any) -> None:
    for body in (
        value, [value], {"usageMetadata": value}, {"usage": value}, {"response": {"body": value, "usage": value}},
        {"result": {"message": {"usage": value}}}, {"gen_ai.usage.input_tokens": value, "gen_ai.usage.output_tokens": 1},
    ):  # fmt: skip
        reading = read_recorded(kind, msgspec.json.encode(body))
        if reading.usage is not None:
            assert all(number >= 0 for number in msgspec.structs.astuple(reading.usage) if isinstance(number, int))
