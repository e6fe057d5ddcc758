"""Helicone's requests: what `npx @helicone/export` writes (JSON lines, JSON, CSV) and what its API gives.

Tokens of the cache are not among its columns; where the answer's body was exported, its own usage counts instead.
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
    between,
    count,
    decimal,
    duration,
    id_of,
    mapping,
    money,
    name,
    tags_of,
    when,
)

NAME = "helicone"
TITLE = "Helicone requests"
_MARKS = (
    "request_created_at",
    "response_created_at",
    "response_status",
    "request_properties",
    "request_user_id",
    "response_id",
)


def looks_like(sample: Sample) -> float:
    columns = set(sample.layout.columns or (sample.rows[0] if sample.rows else ()))
    found = sum(each in columns for each in _MARKS)
    return min(1.0, 0.4 + 0.15 * found) if found >= 3 else 0.0


def read(row: Mapping[str, Any], where: str) -> Iterator[PastCall]:
    """Raises BadRow."""
    at = when(row.get("request_created_at") or row.get("created_at"))
    said = name(row.get("response_model") or row.get("model") or row.get("request_model") or row.get("model_override"))
    request_body, response_body = mapping(row.get("request_body")), mapping(row.get("response_body"))
    said = said or name(request_body.get("model"))
    if not said:
        raise BadRow("it names no model")
    provider, model = place_of(name(row.get("provider")).lower().removesuffix("_custom"), said)
    path = name(row.get("request_path") or row.get("target_url"))
    wire = wire_of(provider, path or "completion")
    properties = {**tags_of(row.get("properties")), **tags_of(row.get("request_properties"))}
    status = int(decimal(row.get("response_status")) or 0)  # below zero: cancelled, timed out, refused by Helicone
    failed = status >= 400 or status < 0
    cached = str(row.get("cache_reference_id") or "").strip() not in ("", _NO_CACHE) or _true(row.get("cache_hit"))
    prompt, wire = texts.request(row.get("request_body"), model, wire)
    reading = _usage(row, response_body, provider, model, failed)
    call = PastCall(
        id=id_of(row.get("request_id") or row.get("response_id"), where), at_us=at,
        user=name(row.get("request_user_id") or row.get("user_id")), feature=_taken(properties, "feature", "App", "app"),
        team=_taken(properties, "team", "Team"), session=_taken(properties, "Helicone-Session-Id"),
        task=_taken(properties, "task", "Task"), tags=properties, model=model, asked=name(row.get("request_model")),
        provider=provider, wire=wire, usage=reading.usage, tier=reading.tier, geo=reading.geo,
        status=status if 100 <= status < 600 else 0, outcome="error" if failed else "ok",
        duration_us=duration(row.get("delay_ms") or row.get("latency"), 1_000) or between(at, row.get("response_created_at")),
        first_byte_us=duration(row.get("time_to_first_token"), 1_000),
        reported_cost=money(row.get("cost_usd") or row.get("costUSD") or row.get("cost")),
        max_output=texts.limit_of(request_body), prompt=prompt,
        answer=b"" if failed else texts.answer(row.get("response_body"), wire), cached=cached, raw_usage=reading.raw,
        flags=list(reading.flags), source=NAME,
    )  # fmt: skip
    yield named(call)


_NO_CACHE = "00000000-0000-0000-0000-000000000000"


def _usage(row: Mapping[str, Any], body: Mapping[str, Any], provider: str, model: str, failed: bool) -> Reading:
    said = mapping(body.get("usage")) or mapping(body.get("usageMetadata"))
    if said:
        reading = usages.of_object(said, provider=provider, model=model)
        if reading.usage is not None:
            return reading
    sent, made = count(row.get("prompt_tokens")), count(row.get("completion_tokens"))
    if (not sent and not made) or (failed and not made):
        return Reading()
    read = count(row.get("prompt_cache_read_tokens")) or 0
    written = count(row.get("prompt_cache_write_tokens")) or 0
    usage = usages.flat(sent, made, read=read, written=written, bucket=usages.writes_to(provider, model))
    return Reading(usage=usage, model=model, flags=[] if read or written else ["cache_not_said"])


def _taken(properties: dict[str, str], *names: str) -> str:
    """The first of these properties, which then is no tag any more."""
    for each in names:
        if each in properties:
            return properties.pop(each)
    return ""


def _true(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "1")
