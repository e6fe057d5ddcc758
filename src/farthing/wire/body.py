"""Read what the steps need from a request's body: one parse into a small typed value, and words for what is wrong.

Knows no format: each gives its own struct. Members that only inform (`user`, `metadata`) are dropped where they have an
unexpected type, and the provider judges them; members that decide (`model`, `stream`, limits) are refused.
"""

import re
from typing import Any, TypeVar

import msgspec

from farthing.model.errors import BadRequest
from farthing.wire.lenient import tidy

T = TypeVar("T", bound=msgspec.Struct)

MODEL_LIMIT = 256
"""Characters of a model's name."""
MOST_OUTPUT = 2**31
METADATA_LIMIT = 16
"""Pairs of metadata that are read, as many as OpenAI allows."""

_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[c-fC-F][0-9a-fA-F]{2})"
)
_NOT_A_NUMBER = re.compile(rb"NaN|Infinity")
_BYTE = re.compile(r"\(byte (\d+)\)")
_KINDS = {
    "model": "a string", "stream": "true or false", "stream_options": "an object", "background": "true or false",
    "stream_options.include_usage": "true or false",
}  # fmt: skip


def parse(body: bytes, decoder: msgspec.json.Decoder[T], soft: frozenset[str]) -> T:
    """The typed body. Raises BadRequest and nothing else, whatever the bytes are."""
    if not body.isascii():
        _check_text(body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(_not_json(body, str(error))) from None
    except RecursionError:
        raise BadRequest("The body is nested too deep") from None
    return _patiently(body, decoder.type, soft)


def checked_model(model: str) -> str:
    """The model's name, if it can stand in headers, logs and URLs."""
    if not model:
        raise BadRequest("`model` is empty; name a model", param="model")
    if len(model) > MODEL_LIMIT or not model.isascii() or not model.isprintable():
        raise BadRequest(f"`model` must be at most {MODEL_LIMIT} printable ASCII characters", param="model")
    return model


def limit(*values: int | None) -> int | None:
    """The first output limit that is given; a negative one is none (some hosts take -1 for no limit), and so is one
    beyond any model."""
    for value in values:
        if value is not None:
            return value if 0 <= value <= MOST_OUTPUT else None
    return None


def pairs(metadata: Any) -> dict[str, str]:
    """Metadata as tags: strings only, bounded in number and length."""
    if not isinstance(metadata, dict):
        return {}
    kept: dict[str, str] = {}
    for name, value in metadata.items():
        if isinstance(value, str) and name:
            kept[tidy(name, 64)] = tidy(value, 512)
            if len(kept) == METADATA_LIMIT:
                break
    return kept


def _check_text(body: bytes) -> None:
    if body.startswith(b"\xef\xbb\xbf"):
        raise BadRequest("The body starts with a byte order mark; send plain UTF-8")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8 (byte {error.start})") from None


def _not_json(body: bytes, reason: str) -> str:
    if not body.strip():
        return "The body is empty; a JSON object is expected"
    reason = reason.removeprefix("JSON is malformed: ").partition(" - at ")[0]
    place = _BYTE.search(reason)
    if place is not None and _NOT_A_NUMBER.match(body, int(place[1])):
        return f"The body is not valid JSON: NaN and Infinity are not JSON numbers (byte {place[1]})"
    if place is None and _LONE_SURROGATE.search(body):
        return "The body is not valid JSON: a \\u escape is one half of a surrogate pair"
    return f"The body is not valid JSON: {reason}"


def _patiently(body: bytes, kind: type[T], soft: frozenset[str]) -> T:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(_not_json(body, str(error))) from None
    except RecursionError:
        raise BadRequest("The body is nested too deep") from None
    if not isinstance(value, dict):
        raise BadRequest(f"The body must be a JSON object, not {_name_of(value)}")
    good: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if name not in value:
            if field.required:
                raise BadRequest(f"`{name}` is missing", param=name)
            continue
        item = value[name]
        try:
            good[field.name] = msgspec.convert(item, field.type)
        except (msgspec.ValidationError, RecursionError) as error:
            if name not in soft:
                raise _wrong(name, item, str(error)) from None
            if name == "metadata":
                good[field.name] = msgspec.convert(pairs(item), field.type)
    return kind(**good)


def _wrong(name: str, item: Any, reason: str) -> BadRequest:
    inner = re.search(r"`\$\.(\w+)`", reason)
    if inner is not None and isinstance(item, dict):
        path = f"{name}.{inner[1]}"
        return BadRequest(f"`{path}` must be {_KINDS.get(path, 'of another type')}", param=path)
    return BadRequest(f"`{name}` must be {_KINDS.get(name, 'a whole number')}, not {_name_of(item)}", param=name)


def _name_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "a number"
        case float():
            return "a fraction"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
