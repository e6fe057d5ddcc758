"""LiteLLM's spend logs: what its API gives (`/spend/logs`, `/spend/logs/v2`), and rows of the table LiteLLM_SpendLogs as
CSV or JSON lines.

The table has no columns for the cache: usage is read from `metadata.usage_object`, and only where there is none from the
two columns. `spend` is kept as what was reported, never taken for the cost.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from farthing.model.past import PastCall
from farthing.model.usage import Reading
from farthing.planner.imports import texts, usages
from farthing.planner.imports.names import place_of, wire_of
from farthing.planner.imports.reading import Sample
from farthing.planner.imports.tagged import named
from farthing.planner.imports.values import (
    BadRow,
    PassedOver,
    between,
    count,
    embedded,
    id_of,
    mapping,
    money,
    name,
    tags_of,
    when,
)

NAME = "litellm"
TITLE = "LiteLLM spend logs"
_MARKS = (
    "request_id",
    "call_type",
    "spend",
    "startTime",
    "endTime",
    "completionStartTime",
    "model_group",
    "custom_llm_provider",
)
_NO_CALLS = ("mcp_tool", "health", "list_", "file", "batch_retrieve", "retrieve", "vector_store", "_delete", "cache")


def looks_like(sample: Sample) -> float:
    columns = set(sample.layout.columns or (sample.rows[0] if sample.rows else ()))
    if not {"request_id", "spend"} <= columns and not {"call_type", "startTime"} <= columns:
        return 0.0
    return min(1.0, 0.4 + 0.15 * sum(each in columns for each in _MARKS))


def read(row: Mapping[str, Any], where: str) -> Iterator[PastCall]:
    """Raises BadRow, PassedOver."""
    kind = name(row.get("call_type"))
    if any(word in kind for word in _NO_CALLS):
        raise PassedOver(f"call_type {kind}")
    at = when(row.get("startTime") or row.get("start_time"))
    metadata = mapping(row.get("metadata"))
    model_said = name(row.get("model"))
    provider, model = place_of(name(row.get("custom_llm_provider")), model_said)
    if not model:
        raise BadRow("it names no model")
    wire = "anthropic.messages" if kind == "anthropic_messages" else wire_of(provider, kind or "completion")
    body = embedded(row.get("proxy_server_request"))
    prompt, wire = texts.request(
        body if isinstance(body, dict) and body else row.get("messages"),
        model,
        wire,
        mapping(row.get("model_parameters")),
    )
    failed = name(row.get("status")).lower() in ("failure", "error") or metadata.get("status") == "failure"
    reading = _usage(row, metadata, provider, model, failed)
    error = mapping(metadata.get("error_information"))
    answer = b"" if failed else texts.answer(row.get("response"), wire)
    call = PastCall(
        id=id_of(row.get("request_id"), where), at_us=at, team=_first(row, metadata, "team_alias", "team_id"),
        project=name(row.get("organization_id")), user=name(row.get("end_user")) or name(row.get("user")),
        key=name(row.get("api_key")), tags=tags_of(row.get("request_tags")), session=name(row.get("session_id")),
        model=model, asked=name(row.get("model_group")), provider=provider, wire=wire, usage=reading.usage,
        tier=reading.tier or _tier(metadata), geo=reading.geo, status=_status(error, failed),
        outcome="error" if failed else "ok", error=name(error.get("error_class") or error.get("error_code")),
        duration_us=between(at, row.get("endTime")), first_byte_us=_first_byte(row, at), reported_cost=money(row.get("spend")),
        max_output=texts.limit_of(body), prompt=prompt, answer=answer,
        cached=name(row.get("cache_hit")).lower() in ("true", "t", "1") or row.get("cache_hit") is True,
        raw_usage=reading.raw, flags=list(reading.flags), source=NAME,
    )  # fmt: skip
    yield named(call)


def _usage(row: Mapping[str, Any], metadata: Mapping[str, Any], provider: str, model: str, failed: bool) -> Reading:
    found = mapping(metadata.get("usage_object"))
    if found:
        extra = mapping(metadata.get("additional_usage_values"))
        merged = {**{key: each for key, each in extra.items() if key not in found}, **found}
        return usages.of_object(merged, provider=provider, model=model)
    sent, made = count(row.get("prompt_tokens")), count(row.get("completion_tokens"))
    if not sent and not made:
        # The columns are zero by default: no usage was written, or none was had.
        return Reading()
    if failed and not made:
        return Reading()
    reading = Reading(usage=usages.flat(sent, made), model=model)
    reading.flags = ["cache_not_said"]
    return reading


def _tier(metadata: Mapping[str, Any]) -> str:
    tier = name(metadata.get("service_tier")).lower()
    return tier if tier in ("flex", "priority", "batch") else ""


def _first(row: Mapping[str, Any], metadata: Mapping[str, Any], alias: str, plain: str) -> str:
    return (
        name(row.get(alias)) or name(metadata.get(f"user_api_key_{alias}")) or name(row.get(plain))
        or name(metadata.get(f"user_api_key_{plain}"))
    )  # fmt: skip


def _first_byte(row: Mapping[str, Any], at: int) -> int:
    """LiteLLM writes the end for calls that did not stream."""
    first = row.get("completionStartTime")
    return between(at, first) if first != row.get("endTime") else 0


def _status(error: Mapping[str, Any], failed: bool) -> int:
    code = name(error.get("error_code"))
    if code.isdigit() and 100 <= int(code) < 600:
        return int(code)
    return 0 if failed else 200
