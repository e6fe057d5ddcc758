"""GenAI spans as OTLP, as console exporters write them, and in the spellings of several instrumentations."""

import json
from pathlib import Path
from typing import Any

import pytest

from unit.planner.imports.reads import lines, read


def typed(value: Any) -> dict[str, Any]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def otlp(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": list(spans)}]}]}


def a_span(number: str = "b" * 16, **attributes: Any) -> dict[str, Any]:
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
    } | attributes
    return {
        "traceId": "a" * 32, "spanId": number, "name": "chat", "kind": 3, "startTimeUnixNano": "1790856000000000000", "endTimeUnixNano": "1790856002000000000",
        "attributes": [{"key": key, "value": typed(value)} for key, value in said.items()], "status": {},
    }  # fmt: skip


SPELLINGS = [
    {"gen_ai.usage.input_tokens": 130_213, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read.input_tokens": 128_955, "gen_ai.usage.cache_creation.input_tokens": 1_253},
    {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read_input_tokens": 128_955, "gen_ai.usage.cache_creation_input_tokens": 1_253},
    {"gen_ai.usage.prompt_tokens": 130_213, "gen_ai.usage.completion_tokens": 9, "gen_ai.usage.cache_read_tokens": 128_955, "gen_ai.usage.cache_write_tokens": 1_253},
    {"gen_ai.usage.input_tokens": 130_213, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.input_tokens.cached": 128_955, "gen_ai.usage.input_tokens.cache_write": 1_253},
    {"llm.token_count.prompt": 130_213, "llm.token_count.completion": 9, "llm.token_count.prompt_details.cache_read": 128_955, "llm.token_count.prompt_details.cache_write": 1_253},
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_the_same_usage(tmp_path: Path, spelling: dict[str, int]) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(otlp(a_span(**spelling))))
    name, calls, bad, _ = read(tmp_path / "a.jsonl")
    assert name == "otel" and not bad
    usage = calls[0].usage
    assert usage is not None and (usage.uncached_in, usage.cache_read, usage.w5m, usage.out) == (5, 128_955, 1_253, 9)
    assert (calls[0].duration_us, calls[0].project, calls[0].id) == (2_000_000, "shop", f"{'a' * 32}:{'b' * 16}")


def test_a_page_of_many_spans_written_over_many_lines(tmp_path: Path) -> None:
    usage = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 1}
    spans = otlp(
        a_span("1", **usage), a_span("2", **{"gen_ai.operation.name": "invoke_agent"}, **usage), a_span("3", **usage)
    )
    spans["resourceSpans"].append(otlp(a_span("4", **usage))["resourceSpans"][0])
    (tmp_path / "a.json").write_text(json.dumps(spans, indent=2))
    name, calls, bad, _ = read(tmp_path / "a.json")
    assert name == "otel" and not bad and [call.id[-1] for call in calls] == ["1", "3", "4"]


def test_agents_and_tools_are_passed_over_and_half_a_usage_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(
        otlp(a_span(**{"gen_ai.operation.name": "invoke_agent"})), otlp(a_span(**{"gen_ai.operation.name": "execute_tool"})), otlp(),
        otlp(a_span("5", **{"gen_ai.usage.input_tokens": 7})), otlp(a_span("6", **{"error.type": "429"})), otlp(a_span("7", **{"gen_ai.usage.input_tokens": -7})),
    ))  # fmt: skip
    _, calls, bad, passed = read(tmp_path / "a.jsonl")
    assert passed == ["a span of invoke_agent", "a span of execute_tool", "no span"] and [line for line, _ in bad] == [
        6
    ]
    assert calls[0].usage is None and calls[0].flags == ["output_not_said"]
    assert (calls[1].outcome, calls[1].status, calls[1].usage) == ("error", 429, None)


def test_spans_of_console_exporters_and_their_texts(tmp_path: Path) -> None:
    python = {
        "name": "chat gpt-5-mini", "context": {"trace_id": "0xaa", "span_id": "0xbb"}, "start_time": "2026-10-01T12:00:00.000000Z", "end_time": "2026-10-01T12:00:01.000000Z",
        "attributes": {
            "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5-mini", "gen_ai.response.model": "gpt-5-mini-2025-08-07", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 1,
            "gen_ai.system_instructions": '[{"type":"text","content":"be brief"}]', "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
            "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"hello"}]}]', "gen_ai.conversation.id": "c", "enduser.id": "ada", "gen_ai.request.max_tokens": 50,
            "gen_ai.usage.cost": 0.5,
        },
        "resource": {"attributes": {"service.name": "shop", "deployment.environment": "prod"}},
    }  # fmt: skip
    loop = {"traceId": "t", "spanId": "s", "start_time": [1790856000, 5000], "attributes": {"gen_ai": {"system": "openai", "request": {"model": "gpt-4o"}, "usage": {"prompt_tokens": 3, "completion_tokens": 2},
            "prompt": {"0": {"role": "user", "content": "yo"}}, "completion": {"0": {"content": "ha"}}}}}  # fmt: skip
    (tmp_path / "a.jsonl").write_bytes(lines(python, loop))
    name, (first, second), bad, _ = read(tmp_path / "a.jsonl")
    assert name == "otel" and not bad
    assert json.loads(first.prompt)["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
    ]
    assert b"hello" in first.answer and (first.session, first.user, first.max_output, first.reported_cost) == (
        "c",
        "ada",
        50,
        500_000_000,
    )
    assert (first.asked, first.model, first.tags) == ("gpt-5-mini", "gpt-5-mini-2025-08-07", {"environment": "prod"})
    assert b"yo" in second.prompt and b"ha" in second.answer and second.at_us == 1_790_856_000_000_005
