"""Stored completions and responses, results of batches."""

import json
from pathlib import Path
from typing import Any

from unit.planner.imports.reads import lines, read


def a_completion(**more: Any) -> dict[str, Any]:
    return {
        "object": "chat.completion", "id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "created": 1790856000, "request_id": "req", "tool_choice": None,
        "usage": {"total_tokens": 31, "completion_tokens": 18, "prompt_tokens": 13}, "service_tier": "default", "metadata": {"feature": "chat", "plan": "pro"}, "tools": None,
        "choices": [{"index": 0, "message": {"content": "Mind of circuits hum", "role": "assistant"}, "finish_reason": "stop"}], "response_format": None,
    } | more  # fmt: skip


def test_the_list_of_stored_completions(tmp_path: Path) -> None:
    page = {
        "object": "list",
        "data": [a_completion(), a_completion(id="2", messages=[{"role": "user", "content": "hi"}])],
        "has_more": False,
    }
    (tmp_path / "a.json").write_text(json.dumps(page, indent=2))
    name, calls, bad, _ = read(tmp_path / "a.json")
    assert name == "stored-completions" and not bad
    assert calls[0].usage is not None and (calls[0].usage.uncached_in, calls[0].usage.out) == (13, 18)
    assert (calls[0].feature, calls[0].tags, calls[0].at_us, calls[0].tier) == (
        "chat",
        {"plan": "pro"},
        1_790_856_000_000_000,
        "",
    )
    assert calls[0].prompt == b"" and b"circuits" in calls[0].answer and b"hi" in calls[1].prompt


def test_responses_and_results_of_a_batch(tmp_path: Path) -> None:
    response = {
        "object": "response", "id": "resp-1", "created_at": 1790856000, "model": "gpt-5-mini", "status": "completed", "input": "hi", "instructions": "be brief", "max_output_tokens": 9,
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}], "service_tier": "flex",
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3, "total_tokens": 13},
    }  # fmt: skip
    batch = {
        "id": "b",
        "custom_id": "c-1",
        "response": {"status_code": 200, "body": a_completion(usage=None)},
        "error": None,
    }
    (tmp_path / "a.jsonl").write_bytes(
        lines(response, batch, {"object": "chat.completion", "created": 1}, a_completion(created=None))
    )
    name, calls, bad, _ = read(tmp_path / "a.jsonl")
    assert name == "stored-completions" and [line for line, _ in bad] == [3, 4]
    assert calls[0].usage is not None and (calls[0].usage.uncached_in, calls[0].usage.cache_read) == (6, 4)
    assert (calls[0].tier, calls[0].wire, calls[0].max_output) == (
        "flex",
        "openai.responses",
        9,
    ) and b"be brief" in calls[0].prompt
    assert calls[1].tier == "batch" and calls[1].usage is None
