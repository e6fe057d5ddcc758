"""OpenTelemetry's GenAI spans: OTLP as JSON (a file of the collector's exporter, a request body), or a span a line as SDKs'
console exporters write it. Attributes in every spelling that instrumentations use, OpenInference's and OpenLLMetry's too.

Only spans of one inference are calls. Spans of agents and workflows repeat the usage of the calls inside them and are passed
over, as are tools. The input holds what the cache read and wrote, unless those are more than it: then they stand beside it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from farthing.model.past import PastCall
from farthing.planner.imports import texts, usages
from farthing.planner.imports.names import place_of, wire_of
from farthing.planner.imports.reading import Sample
from farthing.planner.imports.values import (
    BadRow,
    PassedOver,
    between,
    count,
    duration,
    embedded,
    id_of,
    mapping,
    money,
    name,
    when,
)
from farthing.wire.lenient import encoded

NAME = "otel"
TITLE = "OpenTelemetry GenAI spans"

_CALLS = ("chat", "generate_content", "text_completion", "embeddings", "completion", "inference")
_SENT = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt",
    "gen_ai.client.inference.usage.input_tokens",
)  # fmt: skip
_MADE = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens",
    "llm.token_count.completion", "gen_ai.client.inference.usage.output_tokens",
)  # fmt: skip
_READ = (
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_input_tokens", "gen_ai.usage.input_tokens.cache_read",
    "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cached_tokens", "gen_ai.usage.prompt_tokens_details.cached_tokens", "gen_ai.usage.cached_tokens",
    "llm.usage.cache_read_input_tokens", "llm.token_count.prompt_details.cache_read",
    "gen_ai.client.inference.usage.cache_read.input_tokens",
)  # fmt: skip
_WRITTEN = (
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_write_tokens", "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens", "gen_ai.usage.details.cache_write_tokens",
    "llm.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write",
    "gen_ai.client.inference.usage.cache_write.input_tokens",
)  # fmt: skip
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.details.reasoning_tokens", "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)  # fmt: skip
_MODEL = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "llm.response.model", "llm.request.model")


def looks_like(sample: Sample) -> float:
    for row in sample.rows[:20]:
        if "resourceSpans" in row or "resource_spans" in row:
            return 0.95
        attributes = row.get("attributes")
        if attributes is not None and ("span_id" in row or "spanId" in row or "context" in row):
            return 0.9
        if any(key.startswith(("gen_ai.", "attributes.gen_ai.")) for key in row):
            return 0.85
    return 0.0


def read(row: Mapping[str, Any], where: str) -> Iterator[PastCall]:
    """The calls among the spans of a row. Raises BadRow, PassedOver where there is none."""
    spans = list(_spans(row))
    if not spans:
        raise PassedOver("no span")
    found, last = 0, ""
    for no, (span, resource) in enumerate(spans):
        try:
            call = _call(span, resource, f"{where}-{no:06d}" if no else where)
        except PassedOver as passed:
            last = str(passed)
            continue
        found += 1
        yield call
    if not found:
        raise PassedOver(last)


def _spans(row: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    groups = row.get("resourceSpans", row.get("resource_spans"))
    if groups is None:
        resource = row.get("resource")
        yield row, flat_attributes(resource.get("attributes", resource) if isinstance(resource, dict) else {})
        return
    for group in _list(groups):
        resource = group.get("resource")
        about = flat_attributes(resource.get("attributes") if isinstance(resource, dict) else {})
        for scope in _list(group.get("scopeSpans", group.get("scope_spans", group.get("instrumentationLibrarySpans")))):
            for span in _list(scope.get("spans")):
                yield span, about


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def flat_attributes(value: Any) -> dict[str, Any]:
    """Attributes as one mapping of dotted names, from OTLP's list of typed values or from (nested) objects."""
    found: dict[str, Any] = {}
    if isinstance(value, list):
        for each in value:
            if isinstance(each, dict) and isinstance(each.get("key"), str):
                found[each["key"]] = _typed(each.get("value"), 0)
    elif isinstance(value, dict):
        _flatten(value, "", found, 0)
    return found


def _flatten(value: Mapping[str, Any], prefix: str, found: dict[str, Any], depth: int) -> None:
    for key, each in value.items():
        if isinstance(each, dict) and depth < 8:
            _flatten(each, f"{prefix}{key}.", found, depth + 1)
        else:
            found[f"{prefix}{key}"] = each


def _typed(value: Any, depth: int) -> Any:
    if not isinstance(value, dict) or depth > 16:
        return value
    for kind in ("stringValue", "intValue", "doubleValue", "boolValue", "string_value", "int_value", "double_value"):
        if kind in value:
            return value[kind]
    inner = value.get("arrayValue", value.get("kvlistValue"))
    values = inner.get("values") if isinstance(inner, dict) else None
    if isinstance(values, list):
        if "kvlistValue" in value:
            return {
                str(each.get("key")): _typed(each.get("value"), depth + 1) for each in values if isinstance(each, dict)
            }
        return [_typed(each, depth + 1) for each in values]
    return None


def _call(span: Mapping[str, Any], resource: Mapping[str, Any], where: str) -> PastCall:
    said = flat_attributes(span.get("attributes"))
    if not said:
        said = {
            key.removeprefix("attributes."): each for key, each in span.items() if "gen_ai." in key or "llm." in key
        }
    kind = name(_first(said, "gen_ai.operation.name", "llm.request.type")).lower()
    oi_kind = name(said.get("openinference.span.kind")).upper()
    model_said = name(_first(said, *_MODEL))
    if (kind and kind not in _CALLS) or (oi_kind and oi_kind not in ("LLM", "EMBEDDING")) or not (model_said or kind):
        raise PassedOver(f"a span of {kind or oi_kind.lower() or 'something else'}")
    if not model_said:
        raise BadRow("it names no model")
    provider, model = place_of(
        name(_first(said, "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")), model_said
    )
    at = when(_time(span, "startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime", "timestamp"))
    wire = wire_of(provider, "embedding" if kind == "embeddings" or oi_kind == "EMBEDDING" else "completion")
    sent, made = _count(said, *_SENT), _count(said, *_MADE)
    if wire == texts.EMBEDDINGS and sent is not None:
        made = made or 0
    flags = usages.half(sent, made) if sent is None or made is None else []
    usage = None if flags else usages.flat(
        sent, made, read=_count(said, *_READ) or 0, written=_count(said, *_WRITTEN) or 0,
        reasoning=_count(said, *_REASONING) or 0, bucket=usages.writes_to(provider, model),
    )  # fmt: skip
    error, failed = _failure(span, said)
    prompt, wire = texts.request(_messages(span, said, "input", "prompt"), model, wire, _parameters(said))
    answer = b"" if failed else texts.answer(_messages(span, said, "output", "completion"), wire)
    context = mapping(span.get("context"))
    trace = name(span.get("traceId") or span.get("trace_id") or context.get("trace_id"))
    number = name(span.get("spanId") or span.get("span_id") or context.get("span_id"))
    tier = name(_first(said, "openai.response.service_tier", "gen_ai.openai.response.service_tier")).lower()
    raw = {key: each for key, each in said.items() if ".usage." in key or "token_count" in key}
    return PastCall(
        id=id_of(f"{trace}:{number}" if number else "", where), at_us=at,
        user=name(_first(said, "enduser.id", "user.id", "gen_ai.user.id", "langfuse.user.id")),
        session=name(_first(said, "gen_ai.conversation.id", "session.id", "langfuse.session.id", "thread.id")),
        feature=name(_first(said, "farthing.feature", "feature", "gen_ai.agent.name")),
        project=name(_first(resource, "service.name")), tags=_tags(resource), model=model,
        asked=place_of(provider, name(said.get("gen_ai.request.model")))[1], provider=provider, wire=wire, usage=usage,
        tier=tier if tier in ("flex", "priority", "batch") else "", outcome="error" if failed else "ok", error=error,
        status=_status(said), duration_us=between(at, _time(span, "endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime")),
        first_byte_us=duration(_first(said, "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"), 1_000_000),
        reported_cost=money(_first(said, "gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total", "operation.cost")),
        max_output=texts.limit_of(_parameters(said)), prompt=prompt, answer=answer,
        raw_usage=encoded(raw)[:4096] if raw else b"", flags=flags, source=NAME,
    )  # fmt: skip


def _first(said: Mapping[str, Any], *names: str) -> Any:
    return next((said[each] for each in names if said.get(each) not in (None, "")), None)


def _count(said: Mapping[str, Any], *names: str) -> int | None:
    return count(_first(said, *names))


def _time(span: Mapping[str, Any], *names: str) -> Any:
    found = _first(span, *names)
    if isinstance(found, list) and len(found) == 2 and all(isinstance(each, int) for each in found):
        return found[0] * 1_000_000_000 + found[1]  # seconds and nanoseconds, as the JavaScript SDK has them
    return found


def _failure(span: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[str, bool]:
    status = span.get("status")
    code = status.get("code", status.get("status_code")) if isinstance(status, dict) else status
    failed = code == 2 or str(code).upper().endswith("ERROR") or bool(said.get("error.type"))
    return name(said.get("error.type")) if failed else "", failed


def _status(said: Mapping[str, Any]) -> int:
    code = _first(said, "http.response.status_code", "http.status_code")
    text = str(code) if code is not None else name(said.get("error.type"))
    return int(text) if text.isdigit() and 100 <= int(text) < 600 else 0


def _tags(resource: Mapping[str, Any]) -> dict[str, str]:
    names = {
        "deployment.environment.name": "environment",
        "deployment.environment": "environment",
        "service.version": "version",
    }
    return {tag: name(resource[key]) for key, tag in names.items() if resource.get(key)}


def _parameters(said: Mapping[str, Any]) -> dict[str, Any]:
    names = ("max_tokens", "temperature", "top_p", "seed")
    found = {each: said.get(f"gen_ai.request.{each}") for each in names}
    return {
        key: int(each) if isinstance(each, str) and each.isdigit() else each
        for key, each in found.items()
        if each is not None
    }


def _messages(span: Mapping[str, Any], said: Mapping[str, Any], way: str, old: str) -> Any:
    """Messages of the conventions (parts), of OpenLLMetry (numbered attributes), of OpenInference, or of a span's events."""
    found = embedded(said.get(f"gen_ai.{way}.messages", said.get(f"{way}.value", said.get(f"gen_ai.{old}"))))
    if way == "input" and isinstance(found, list):
        system = embedded(said.get("gen_ai.system_instructions"))
        parts = _words(system)
        found = [{"role": "system", "content": parts}, *found] if parts else found
    if isinstance(found, list) and found and all(isinstance(each, dict) for each in found):
        return [_message(each) for each in found]
    if found:
        return found
    numbered: list[dict[str, Any]] = []
    while (content := said.get(f"gen_ai.{old}.{len(numbered)}.content")) is not None and len(numbered) < 1_000:
        role = said.get(f"gen_ai.{old}.{len(numbered)}.role") or ("user" if way == "input" else "assistant")
        numbered.append({"role": role, "content": embedded(content)})
    if numbered:
        return numbered
    events = (flat_attributes(each.get("attributes")) for each in _list(span.get("events")))
    return next((embedded(each[f"gen_ai.{old}"]) for each in events if each.get(f"gen_ai.{old}")), None)


def _message(value: dict[str, Any]) -> dict[str, Any]:
    parts = value.get("parts")
    if not isinstance(parts, list):
        return {"role": "user", **value}
    return {"role": value.get("role", "user"), "content": _words(parts)}


def _words(parts: Any) -> Any:
    """Text of parts; parts that are no text stay as they are."""
    if not isinstance(parts, list):
        return parts if isinstance(parts, str) else ""
    words = [each.get("content", each.get("text")) for each in parts if isinstance(each, dict)]
    told = [each for each in words if isinstance(each, str)]
    return "\n".join(told) if len(told) == len(words) else parts
