"""LiteLLM's spend logs as its API and its table have them."""

import csv
import json
from pathlib import Path
from typing import Any

from unit.planner.imports.reads import lines, read


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        "spend": 0.0042, "total_tokens": 140, "prompt_tokens": 120, "completion_tokens": 20, "startTime": "2026-10-01T12:00:00.250000Z",
        "endTime": "2026-10-01T12:00:02.250000Z", "completionStartTime": "2026-10-01T12:00:00.750000Z", "model": "claude-sonnet-4-5",
        "model_id": "m1", "model_group": "smart", "custom_llm_provider": "anthropic", "api_base": "https://api.anthropic.com", "user": "u-1",
        "metadata": {
            "user_api_key_team_alias": "support", "user_api_key_team_id": "t-1", "status": "success",
            "usage_object": {"prompt_tokens": 120, "completion_tokens": 20, "total_tokens": 140, "cache_read_input_tokens": 80,
                             "cache_creation_input_tokens": 30, "prompt_tokens_details": {"cached_tokens": 80, "cache_creation_tokens": 30}},
            "additional_usage_values": {"cache_read_input_tokens": 80}, "cost_breakdown": None,
        },
        "cache_hit": "False", "cache_key": "Cache OFF", "request_tags": ["feature:chat", "beta"], "end_user": "ada", "session_id": "s-1",
        "status": "success", "messages": {}, "response": {}, "proxy_server_request": "{}",
    } | more  # fmt: skip


def test_a_row_of_the_api(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([a_row()]))
    name, calls, bad, _ = read(tmp_path / "a.json")
    assert name == "litellm" and not bad
    call = calls[0]
    assert (call.id, call.provider, call.model, call.asked, call.team, call.user, call.session) == (
        "chatcmpl-1", "anthropic", "claude-sonnet-4-5", "smart", "support", "ada", "s-1",
    )  # fmt: skip
    assert call.usage is not None
    assert (call.usage.uncached_in, call.usage.cache_read, call.usage.w5m, call.usage.out) == (10, 80, 30, 20)
    assert (call.at_us, call.duration_us, call.first_byte_us) == (1_790_856_000_250_000, 2_000_000, 500_000)
    assert call.reported_cost == 4_200_000 and not call.cached
    assert call.feature == "chat" and call.tags == {"beta": "yes"}, "what a tag says is a feature is one"
    assert call.prompt == call.answer == b"" and call.wire == "openai.chat"


def test_pages_of_the_second_api_and_lines_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps({"data": [a_row(), a_row(request_id="2")], "total": 2, "page": 1}, indent=1)
    )
    assert [call.id for call in read(tmp_path / "a.json")[1]] == ["chatcmpl-1", "2"]
    (tmp_path / "b.jsonl").write_bytes(lines(a_row(metadata=json.dumps(a_row()["metadata"]), request_tags='["x"]')))
    name, calls, _, _ = read(tmp_path / "b.jsonl")
    assert name == "litellm" and calls[0].usage is not None and calls[0].usage.cache_read == 80


def test_a_csv_of_the_table(tmp_path: Path) -> None:
    rows = [
        a_row(),
        a_row(request_id="2", metadata={}),
        a_row(request_id="3", metadata={}, prompt_tokens=0, completion_tokens=0),
    ]
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {key: json.dumps(each) if isinstance(each, dict | list) else each for key, each in row.items()}
            )
    name, calls, bad, _ = read(tmp_path / "a.csv")
    assert name == "litellm" and not bad
    assert calls[0].usage is not None and calls[0].usage.cache_read == 80
    assert calls[1].usage is not None and calls[1].usage.uncached_in == 120 and calls[1].flags == ["cache_not_said"]
    assert calls[2].usage is None  # the table's zeros are its default


def test_hits_failures_texts_and_what_is_no_call(tmp_path: Path) -> None:
    body = {"model": "smart", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
    answer = {"choices": [{"message": {"role": "assistant", "content": "hello"}}]}
    failed = {"status": "failure", "error_information": {"error_code": "429", "error_class": "RateLimitError"}}
    (tmp_path / "a.jsonl").write_bytes(lines(
        a_row(cache_hit="True", proxy_server_request=body, response=answer),
        a_row(request_id="2", status="failure", metadata=failed, prompt_tokens=0, completion_tokens=0),
        a_row(request_id="3", call_type="call_mcp_tool"), a_row(request_id="4", startTime=None), a_row(request_id="5", model=""),
        a_row(request_id="6", call_type="aembedding", model="text-embedding-3-small", custom_llm_provider="openai", metadata={}),
        a_row(request_id="7", metadata={}, prompt_tokens=-5),
    ))  # fmt: skip
    _, calls, bad, passed = read(tmp_path / "a.jsonl")
    hit, error, embedding = calls
    assert hit.cached and hit.max_output == 50 and b'"hi"' in hit.prompt and b"hello" in hit.answer
    assert (error.outcome, error.status, error.error, error.usage) == ("error", 429, "RateLimitError", None)
    assert embedding.wire == "openai.embeddings"
    assert passed == ["call_type call_mcp_tool"] and [line for line, _ in bad] == [4, 5, 7]
