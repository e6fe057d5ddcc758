"""Answers of OpenAI as they were stored: the list of stored completions or responses, results of batches, or bodies that
somebody wrote down, one a line. Messages of a stored completion come from an endpoint of their own; where they were put into
the object as `messages`, the prompt is known.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from farthing.model.past import PastCall
from farthing.model.usage import Reading
from farthing.planner.imports import texts, usages
from farthing.planner.imports.names import place_of
from farthing.planner.imports.reading import Sample
from farthing.planner.imports.values import BadRow, id_of, mapping, name, tags_of, when
from farthing.wire.lenient import encoded
from farthing.wire.meter_openai import tier_served

NAME = "stored-completions"
TITLE = "OpenAI stored completions and batch results"
_OBJECTS = {"chat.completion": texts.CHAT, "response": texts.RESPONSES, "text_completion": ""}
_OF_CALL = ("feature", "team", "project", "user", "task", "session")


def looks_like(sample: Sample) -> float:
    for row in sample.rows[:20]:
        body = _body(row)
        if body.get("object") in _OBJECTS and "model" in body:
            return 0.95
    return 0.0


def _body(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer in a row: itself, or inside a line of a batch's results."""
    if "custom_id" in row:
        return mapping(mapping(row.get("response")).get("body"))
    return row


def read(row: Mapping[str, Any], where: str) -> Iterator[PastCall]:
    """Raises BadRow."""
    body = _body(row)
    kind = body.get("object")
    if kind not in _OBJECTS:
        raise BadRow(f"it is no answer of a model: object is {str(kind)[:40]!r}")
    said = name(body.get("model"))
    if not said:
        raise BadRow("it names no model")
    provider, model = place_of("openai" if "/" not in said else "", said)
    at = when(body.get("created_at") if kind == "response" else body.get("created"))
    wire = _OBJECTS[str(kind)]
    metadata = tags_of(body.get("metadata"))
    own = {each: metadata.pop(each, "") for each in _OF_CALL}
    usage = mapping(body.get("usage"))
    reading = usages.of_object(usage, provider=provider, model=model) if usage else Reading()
    prompt = _prompt(body, model, wire)
    done = {key: each for key, each in body.items() if key not in ("messages", "input")}
    batch = "custom_id" in row
    failed = bool(body.get("error")) or body.get("status") == "failed"
    yield PastCall(
        id=id_of(body.get("id") or row.get("custom_id"), where), at_us=at, feature=own["feature"], team=own["team"],
        project=own["project"], task=own["task"], session=own["session"],
        user=own["user"] or name(body.get("user") or body.get("input_user") or body.get("safety_identifier")), tags=metadata,
        model=model, provider=provider, wire=wire, usage=reading.usage,
        tier="batch" if batch else tier_served(body.get("service_tier")), status=0 if failed else 200,
        outcome="error" if failed else "ok", max_output=texts.limit_of(body), prompt=prompt,
        answer=encoded(done) if done.get("choices") or done.get("output") else b"", raw_usage=reading.raw,
        flags=list(reading.flags), source=NAME,
    )  # fmt: skip


def _prompt(body: Mapping[str, Any], model: str, wire: str) -> bytes:
    kept = {key: body[key] for key in ("tools", "response_format", "temperature", "max_output_tokens") if body.get(key)}
    if wire == texts.RESPONSES:
        if body.get("input") is None:
            return b""
        instructions = {"instructions": body["instructions"]} if body.get("instructions") else {}
        return encoded({"model": model, **instructions, **kept, "input": body["input"]})
    messages = body.get("messages")
    return encoded({"model": model, **kept, "messages": messages}) if isinstance(messages, list) and messages else b""
