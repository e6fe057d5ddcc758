"""A line at the end of a system prompt, a stop sequence, a schema: what is written, and what is left alone."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.answer_schema import can_carry, is_strict, made, with_schema
from farthing.wire.hint import with_hint
from farthing.wire.stop import takes, with_stop

HINT = 'Say "less",\nplease.'
PERSON = {"role": "user", "content": "Hi"}
MARK = {"cache_control": {"type": "ephemeral"}}


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def hinted(wire: str, value: object) -> Any:
    body = with_hint(wire, encoded(value), HINT)
    return None if body is None else json.loads(body)


def test_the_line_comes_last_in_the_system_prompt() -> None:
    system = {"role": "system", "content": "Sort."}
    assert hinted("openai.chat", {"messages": [system, PERSON]}) == {
        "messages": [{"role": "system", "content": f"Sort.\n\n{HINT}"}, PERSON]
    }
    part = {"type": "text", "text": "Sort."}
    assert hinted("openai.chat", {"messages": [{"role": "developer", "content": [part]}, PERSON]}) == {
        "messages": [{"role": "developer", "content": [part, {"type": "text", "text": HINT}]}, PERSON]
    }
    assert hinted("openai.chat", {"messages": [PERSON]}) == {
        "messages": [{"role": "system", "content": HINT}, PERSON]
    }  # fmt: skip
    assert hinted("anthropic.messages", {"messages": [PERSON]})["system"] == HINT
    assert hinted("anthropic.messages", {"system": "Sort.", "messages": [PERSON]})["system"] == f"Sort.\n\n{HINT}"
    assert hinted("anthropic.messages", {"system": "", "messages": [PERSON]})["system"] == HINT
    assert hinted("anthropic.messages", {"system": [], "messages": []})["system"] == [{"type": "text", "text": HINT}]
    assert hinted("openai.responses", {"input": "Hi", "instructions": None})["instructions"] == HINT
    assert hinted("openai.responses", {"input": "Hi", "instructions": "Sort."})["instructions"] == f"Sort.\n\n{HINT}"


def test_what_a_client_has_marked_is_not_touched() -> None:
    marked = {"type": "text", "text": "Sort.", **MARK}
    made_ = hinted("anthropic.messages", {"system": [marked], "messages": [PERSON]})
    assert made_["system"] == [marked, {"type": "text", "text": HINT}], "behind the mark"
    chat = {"messages": [{"role": "system", "content": [marked]}, PERSON]}
    assert hinted("openai.chat", chat)["messages"][0]["content"][0] == marked
    for wire, body in (
        ("anthropic.messages", {"system": "Sort.", "messages": [{"role": "user", "content": [marked]}]}),
        ("anthropic.messages", {"system": "Sort.", "messages": [PERSON], **MARK}),
        ("openai.chat", {"messages": [{"role": "system", "content": "Sort.", **MARK}, PERSON]}),
        ("openai.chat", {"messages": [PERSON, {"role": "user", "content": [marked]}]}),
        ("openai.chat", {"messages": [{"role": "system"}, PERSON]}),
        ("openai.chat", {"messages": []}),
        ("openai.chat", {"messages": "x"}),
        ("openai.chat", {"messages": [1]}),
        ("openai.responses", {"input": "Hi", "prompt": {"id": "p"}}),
        ("anthropic.messages", {"system": 3, "messages": [PERSON]}),
        ("openai.embeddings", {"input": "Hi"}),
    ):
        assert hinted(wire, body) is None, body


@given(st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_any_text_and_any_line(text: str, hint: str) -> None:
    body = encoded({"messages": [{"role": "system", "content": text}, PERSON]})
    done = with_hint("openai.chat", body, hint)
    assert done is not None
    assert json.loads(done)["messages"][0]["content"] == (f"{text}\n\n{hint}" if text else hint)
    again = with_hint("openai.chat", body, hint)
    assert done == again, "equal bytes in, equal bytes out"


def test_stop_sequences() -> None:
    assert json.loads(with_stop("openai.chat", b'{"model":"m"}', ("\n",))) == {"stop": ["\n"], "model": "m"}
    assert json.loads(with_stop("openai.chat", b'{"stop":null}', ("\n",))) == {"stop": ["\n"]}
    own = b'{"stop":"END"}'
    assert with_stop("openai.chat", own, ("\n",)) is own
    assert json.loads(with_stop("anthropic.messages", b'{"m":1}', ("#",)))["stop_sequences"] == ["#"]
    assert takes("openai.chat", "gpt-4o", ("\n",)) and not takes("openai.responses", "gpt-4o", ("\n",))
    assert not takes("openai.chat", "claude-sonnet-5", ("\n",)) and takes("openai.chat", "claude-sonnet-5", ("#\n",))


SCHEMA = {
    "type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}, "required": ["a"],
    "additionalProperties": False,
}  # fmt: skip


def test_a_schema_goes_where_the_format_has_it() -> None:
    schema = made("triage", SCHEMA)
    assert schema.strict
    named = {"name": "triage", "schema": SCHEMA, "strict": True}
    for form in ({}, {"response_format": None}, {"response_format": {"type": "json_object"}}):
        done = json.loads(with_schema("openai.chat", encoded({"model": "m", **form}), schema))
        assert done["response_format"] == {"type": "json_schema", "json_schema": named}
    for form in ({}, {"text": None}, {"text": {"verbosity": "low"}}, {"text": {"format": {"type": "text"}}}):
        done = json.loads(with_schema("openai.responses", encoded({"model": "m", **form}), schema))
        assert done["text"]["format"] == {"type": "json_schema", **named}
        assert done["text"].get("verbosity") == ((form.get("text") or {}).get("verbosity"))
    for form in ({}, {"output_config": {"effort": "low"}}):
        done = json.loads(with_schema("anthropic.messages", encoded({"model": "m", **form}), schema))
        assert done["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}
    for wire, body in (
        ("openai.chat", {"response_format": {"type": "json_schema", "json_schema": {}}}),
        ("openai.chat", {"response_format": 3}),
        ("openai.responses", {"text": {"format": {"type": "json_schema"}}}),
        ("openai.responses", {"text": 3}),
        ("anthropic.messages", {"output_format": {"type": "json_schema"}}),
        ("anthropic.messages", {"output_config": {"format": {"type": "json_schema"}}}),
    ):
        raw = encoded(body)
        assert with_schema(wire, raw, schema) is raw, body


def test_which_schemas_models_can_be_held_to() -> None:
    assert is_strict(SCHEMA) and not is_strict({"type": "object"})
    assert not is_strict({**SCHEMA, "required": []})
    assert not is_strict({**SCHEMA, "properties": {"a": {"type": "object"}}})
    assert not is_strict({"anyOf": [SCHEMA, {"type": "object", "properties": {"b": {}}}]})
    loose = made("x", {"type": "object"})
    assert can_carry("openai.chat", loose) and not can_carry("anthropic.messages", loose)
    assert not can_carry("openai.embeddings", made("x", SCHEMA))


@given(st.binary(max_size=60))
def test_what_cannot_be_read_has_no_place_for_a_line(body: bytes) -> None:
    for wire in ("openai.chat", "openai.responses", "anthropic.messages"):
        made_ = with_hint(wire, b'{"messages":[' + body, "x")
        assert made_ is None or isinstance(made_, bytes)
