"""Langfuse's observations, as the blob storage and the API have them."""

import csv
import json
from pathlib import Path
from typing import Any

from unit.planner.imports.reads import lines, read


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "id": "obs-1", "trace_id": "t-1", "project_id": "p", "environment": "production", "type": "GENERATION", "parent_observation_id": "",
        "start_time": "2026-10-01 12:00:00.000000", "end_time": "2026-10-01 12:00:03.000000", "completion_start_time": "2026-10-01 12:00:01.000000",
        "name": "answer", "metadata": {"ls_provider": "openai"}, "level": "DEFAULT", "status_message": "", "version": "", "input": '[{"role":"user","content":"hi"}]',
        "output": '{"role":"assistant","content":"hello"}', "provided_model_name": "gpt-5-mini", "model_parameters": '{"max_tokens": 99}',
        "usage_details": {"input": 40, "input_cached_tokens": 60, "output": 9, "output_reasoning_tokens": 1, "total": 110},
        "cost_details": {"total": 0.001}, "total_cost": 0.001, "user_id": "ada", "session_id": "s", "trace_name": "chat", "tags": ["team:cx"],
    } | more  # fmt: skip


def test_an_enriched_observation(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(a_row()))
    name, calls, bad, _ = read(tmp_path / "a.jsonl")
    assert name == "langfuse" and not bad
    call = calls[0]
    assert call.usage is not None
    assert (call.usage.uncached_in, call.usage.cache_read, call.usage.out, call.usage.reasoning) == (40, 60, 10, 1)
    assert (call.provider, call.model, call.user, call.feature, call.session) == (
        "openai",
        "gpt-5-mini",
        "ada",
        "chat",
        "s",
    )
    assert (call.duration_us, call.first_byte_us, call.reported_cost, call.max_output) == (
        3_000_000,
        1_000_000,
        1_000_000,
        99,
    )
    assert call.team == "cx" and call.tags == {"environment": "production"} and not call.flags
    assert json.loads(call.prompt)["messages"][0]["content"] == "hi" and b"hello" in call.answer


def test_camel_case_csv_and_array(tmp_path: Path) -> None:
    camel = {
        "id": "1", "traceId": "t", "type": "GENERATION", "startTime": "2026-10-01T12:00:00.000Z", "endTime": "2026-10-01T12:00:01.000Z", "model": "claude-sonnet-4-5",
        "parentObservationId": None, "usageDetails": {"input": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 7, "output": 3}, "costDetails": {},
        "userId": "u", "sessionId": "s", "latency": 1.0, "timeToFirstToken": 0.25,
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps({"data": [camel], "meta": {"page": 1}}, indent=1))
    name, calls, _, _ = read(tmp_path / "a.json")
    assert name == "langfuse" and calls[0].usage is not None
    assert (calls[0].usage.uncached_in, calls[0].usage.cache_read, calls[0].usage.w5m) == (5, 100, 7)
    assert calls[0].first_byte_us == 250_000 and calls[0].session == "s"
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(a_row()))
        writer.writeheader()
        writer.writerow(
            {key: json.dumps(each) if isinstance(each, dict | list) else each for key, each in a_row().items()}
        )
    name, calls, bad, _ = read(tmp_path / "a.csv")
    assert name == "langfuse" and not bad and calls[0].usage is not None and calls[0].usage.cache_read == 60


def test_spans_are_passed_over_and_unknown_stays_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(
        a_row(type="SPAN"), a_row(id="2", usage_details={}, usage=None), a_row(id="3", provided_model_name=""), a_row(id="4", level="ERROR", status_message="boom"),
        a_row(id="5", usage_details={"input": -1}), a_row(id="6", usage_details={"input": 40, "input_cached_tokens": 60, "output": 10, "total": 50}),
    ))  # fmt: skip
    _, calls, bad, passed = read(tmp_path / "a.jsonl")
    assert passed == ["an observation of type SPAN"] and [line for line, _ in bad] == [3, 5]
    assert [call.usage is None for call in calls] == [True, False, False]
    assert calls[1].outcome == "error" and calls[1].error == "boom" and not calls[1].answer
    assert calls[2].flags == ["usage_mismatch"]
