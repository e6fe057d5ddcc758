"""Helicone's requests, as its export tool writes them."""

import json
from pathlib import Path
from typing import Any

from unit.planner.imports.reads import lines, read


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "request_id": "r-1", "request_created_at": "2026-10-01T12:00:00.000Z", "request_path": "https://api.openai.com/v1/chat/completions",
        "request_body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 64}, "request_user_id": "ada",
        "request_properties": {"feature": "chat", "Helicone-Session-Id": "s-1", "plan": "pro", "project": "shop"}, "request_model": "gpt-4o", "response_id": "x",
        "response_created_at": "2026-10-01T12:00:01.500Z", "response_status": 200, "response_model": "gpt-4o-2024-08-06", "provider": "OPENAI",
        "response_body": {"choices": [{"message": {"role": "assistant", "content": "hello"}}], "usage": {"prompt_tokens": 100, "completion_tokens": 7,
                          "prompt_tokens_details": {"cached_tokens": 64}}},
        "delay_ms": 1500, "time_to_first_token": 300, "total_tokens": 107, "prompt_tokens": 100, "completion_tokens": 7, "cost": 0.0003,
        "cache_enabled": False, "properties": {},
    } | more  # fmt: skip


def test_a_request_with_its_bodies(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(a_row()))
    name, calls, bad, _ = read(tmp_path / "a.jsonl")
    assert name == "helicone" and not bad
    call = calls[0]
    assert call.usage is not None and (call.usage.uncached_in, call.usage.cache_read, call.usage.out) == (36, 64, 7)
    assert (call.user, call.feature, call.session, call.tags, call.max_output) == (
        "ada",
        "chat",
        "s-1",
        {"plan": "pro"},
        64,
    )
    assert call.project == "shop"
    assert (call.duration_us, call.first_byte_us, call.reported_cost) == (1_500_000, 300_000, 300_000)
    assert (call.model, call.asked, call.provider, call.wire) == (
        "gpt-4o-2024-08-06",
        "gpt-4o",
        "openai",
        "openai.chat",
    )


def test_its_csv_doubles_quotes_twice(tmp_path: Path) -> None:
    body = (
        json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": 'say "x"'}]})
        .replace('"', '""')
        .replace('"', '""')
    )
    names = "response_id,response_created_at,response_status,request_created_at,request_body,request_properties,request_user_id,model,prompt_tokens,completion_tokens,latency,cost"
    row = f'"r","2026-10-01T12:00:01Z","200","2026-10-01T12:00:00Z","{body}","","ada","gpt-4o","10","2","900","0.1"'
    (tmp_path / "a.csv").write_text(f"{names}\n{row}\n")
    name, calls, bad, _ = read(tmp_path / "a.csv")
    assert name == "helicone" and not bad
    assert calls[0].duration_us == 900_000 and calls[0].flags == ["cache_not_said"] and b"messages" in calls[0].prompt


def test_an_array_with_cache_hits_and_failures(tmp_path: Path) -> None:
    rows = [
        a_row(cache_reference_id="5f1c0bd6-0000-4000-8000-000000000000", response_body=None), a_row(request_id="2", response_status=500, response_body=None, completion_tokens=None),
        a_row(request_id="3", response_status=-3, response_body=None, prompt_tokens=None, completion_tokens=None), a_row(request_id="4", request_created_at="never"),
    ]  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=2))
    name, calls, bad, _ = read(tmp_path / "a.json")
    assert name == "helicone" and len(bad) == 1
    assert calls[0].cached and [call.usage is None for call in calls] == [False, True, True]
    assert [call.outcome for call in calls] == ["ok", "error", "error"] and calls[1].status == 500
