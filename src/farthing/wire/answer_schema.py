"""A JSON schema that the answer must satisfy, written into a request that names none, in the words of its format.

Where a request asks for any JSON object it is made narrower; where it asks for a form of its own it stays as it is. Knows
nothing of models, nor of whether its caller wants JSON.
"""

from typing import Any

import msgspec

from farthing.wire import splice

_LOOSE = (b'"json_object"', b'"text"')
"""Types of a form that a schema may take the place of."""
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class AnswerSchema(msgspec.Struct, frozen=True):
    """A schema, as it goes into requests."""

    name: str
    schema: msgspec.Raw
    strict: bool
    """It is of the kind that providers can hold a model to: each object closed, all of its members required."""


def made(name: str, schema: dict[str, Any]) -> AnswerSchema:
    return AnswerSchema(name, msgspec.Raw(msgspec.json.encode(schema)), is_strict(schema))


def is_strict(schema: Any) -> bool:
    """Whether each object in it says that nothing else may be there, and that all of its members must."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, dict):
        return True
    members = schema.get("properties")
    if schema.get("type") == "object" or isinstance(members, dict):
        named = members if isinstance(members, dict) else {}
        required = schema.get("required")
        if schema.get("additionalProperties") is not False or set(named) != set(
            required if isinstance(required, list) else []
        ):
            return False
        return all(map(is_strict, named.values()))
    return all(is_strict(value) for value in schema.values())


def can_carry(wire: str, schema: AnswerSchema) -> bool:
    """Whether requests of the format have a place for it; Messages take strict ones alone."""
    return wire in ("openai.chat", "openai.responses") or (wire == "anthropic.messages" and schema.strict)


def with_schema(wire: str, body: bytes, schema: AnswerSchema) -> bytes:
    """The body with it; `body` itself where it asks for a form of its own."""
    plain = splice.has_plain_names(body)
    if wire == "openai.chat":
        value = b'{"type":"json_schema","json_schema":%s}' % _named(schema)
        return _set(body, b'"response_format"', value, plain)
    if wire == "openai.responses":
        form = b'{"type":"json_schema",%s' % _named(schema)[1:]
        return _set_inside(body, b'"text"', form, plain)
    if splice.value_span(body, b'"output_format"', plain) is not None:
        return body
    return _set_inside(body, b'"output_config"', b'{"type":"json_schema","schema":%s}' % bytes(schema.schema), plain)


def _named(schema: AnswerSchema) -> bytes:
    return msgspec.json.encode({"name": schema.name, "schema": schema.schema, "strict": schema.strict})


def _set(body: bytes, name: bytes, value: bytes, plain: bool) -> bytes:
    place = splice.value_span(body, name, plain)
    if place is None:
        start = splice.first_member(body)
        return splice.replace(body, [(start, start, name + b":" + value + b",")])
    return splice.replace(body, [(*place, value)]) if _is_loose(body[place[0] : place[1]]) else body


def _set_inside(body: bytes, name: bytes, form: bytes, plain: bool) -> bytes:
    """Set the member `format` of a member of the request."""
    place = splice.value_span(body, name, plain)
    if place is None:
        start = splice.first_member(body)
        return splice.replace(body, [(start, start, name + b':{"format":' + form + b"},")])
    value = body[place[0] : place[1]]
    try:
        said = b"null" if value == b"null" else bytes(_members.decode(value).get("format", b"null"))
    except msgspec.DecodeError:
        return body
    return splice.replace(body, [(*place, splice.with_member(value, "format", form))]) if _is_loose(said) else body


def _is_loose(value: bytes) -> bool:
    if value == b"null":
        return True
    try:
        return bytes(_members.decode(value).get("type", b"")) in _LOOSE
    except msgspec.DecodeError:
        return False
