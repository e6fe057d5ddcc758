"""Langfuse's observations: the blob storage export (CSV, JSON, JSON lines; enriched or not), the export of its pages, and
what its API gives. Names come in snake and in camel case.

Only generations and embeddings are calls; spans, tools and events are passed over. The buckets of `usage_details` stand
side by side: what the cache served is not in `input`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner.imports import texts, usages
from farthing.planner.imports.names import place_of, wire_of
from farthing.planner.imports.reading import Sample
from farthing.planner.imports.tagged import named
from farthing.planner.imports.values import (
    BadRow,
    PassedOver,
    between,
    count,
    duration,
    id_of,
    mapping,
    money,
    name,
    tags_of,
    when,
)
from farthing.wire.lenient import encoded

NAME = "langfuse"
TITLE = "Langfuse observations"
_CALLS = ("GENERATION", "EMBEDDING", "")
_ENOUGH = (
    "trace_id",
    "parent_observation_id",
    "provided_model_name",
    "usage_details",
    "cost_details",
    "completion_start_time",
)


def looks_like(sample: Sample) -> float:
    columns = {_snake(each) for each in sample.layout.columns or (sample.rows[0] if sample.rows else ())}
    found = sum(each in columns for each in _ENOUGH)
    if found < 2 or not columns & {"start_time", "type"}:
        return 0.0
    return min(1.0, 0.35 + 0.15 * found)


def read(row: Mapping[str, Any], where: str) -> Iterator[PastCall]:
    """Raises BadRow, PassedOver."""
    row = {_snake(key): each for key, each in row.items()}
    kind = name(row.get("type")).upper()
    said = name(row.get("provided_model_name") or row.get("model"))
    if kind not in _CALLS or (not kind and not said):
        raise PassedOver(f"an observation of type {kind or '(none)'}")
    if not said:
        raise BadRow("it names no model")
    metadata, parameters = mapping(row.get("metadata")), mapping(row.get("model_parameters"))
    provider, model = place_of(name(metadata.get("ls_provider") or metadata.get("provider") or ""), said)
    at = when(row.get("start_time"))
    wire = wire_of(provider, "embedding" if kind == "EMBEDDING" else "completion")
    failed = name(row.get("level")).upper() == "ERROR"
    prompt, wire = texts.request(row.get("input"), model, wire, parameters)
    details = mapping(row.get("usage_details"))
    usage, flags = _usage(row, details, provider, model)
    call = PastCall(
        id=id_of(row.get("id"), where), at_us=at, user=name(row.get("user_id")),
        feature=name(row.get("trace_name")) or name(row.get("name")), session=name(row.get("session_id")),
        tags=_tags(row), task="", model=model, provider=provider, wire=wire, usage=usage,
        tier=_tier(parameters, metadata), status=0 if failed else 200, outcome="error" if failed else "ok",
        error=name(row.get("status_message")) if failed else "", duration_us=_duration(row, at),
        first_byte_us=between(at, row.get("completion_start_time"))
        or duration(row.get("time_to_first_token"), 1_000_000), reported_cost=_cost(row),
        max_output=texts.limit_of(parameters), prompt=prompt, answer=b"" if failed else texts.answer(row.get("output"), wire),
        raw_usage=encoded(details)[:4096] if details else b"", flags=flags, source=NAME,
    )  # fmt: skip
    yield named(call)


def _snake(key: str) -> str:
    """`traceId` and `Trace ID` are `trace_id`."""
    text = (
        "".join(f"_{char}" if char.isupper() else char for char in key.replace(" ", "")) if not key.isupper() else key
    )
    return text.lower().lstrip("_").replace("_i_d", "_id").replace("__", "_")


def _usage(
    row: Mapping[str, Any], details: Mapping[str, Any], provider: str, model: str
) -> tuple[Usage | None, list[str]]:
    if details:
        usage = usages.exclusive(details, provider=provider, model=model)
        total = count(details.get("total"))
        odd = usage is not None and total is not None and total != usage.total_in + usage.total_out
        return usage, ["usage_mismatch"] if odd else []
    old = mapping(row.get("usage"))
    sent = count(old.get("input") or row.get("input_usage") or row.get("prompt_tokens") or row.get("input_tokens"))
    made = count(
        old.get("output") or row.get("output_usage") or row.get("completion_tokens") or row.get("output_tokens")
    )
    unit = name(old.get("unit")).upper()
    if unit not in ("", "TOKENS") or not (sent or made):
        return None, []
    return usages.flat(sent, made), ["cache_not_said"]


def _cost(row: Mapping[str, Any]) -> int | None:
    details = mapping(row.get("cost_details"))
    for each in (row.get("total_cost"), details.get("total"), row.get("calculated_total_cost")):
        found = money(each)
        if found is not None:
            return found
    return None


def _duration(row: Mapping[str, Any], at: int) -> int:
    return between(at, row.get("end_time")) or duration(row.get("latency"), 1_000_000)


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    tags = tags_of(row.get("tags") or row.get("trace_tags"))
    for key in ("environment", "release", "version"):
        if said := name(row.get(key)):
            tags[key] = said
    return tags


def _tier(parameters: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    tier = name(metadata.get("service_tier") or parameters.get("service_tier")).lower()
    return tier if tier in ("flex", "priority", "batch") else ""
