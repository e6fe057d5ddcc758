"""Each field has a fate, refused fields are refused by name, and harmless values of them pass."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from farthing.model.errors import BadRequest, CannotTranslate
from farthing.wire.translate.chat_to_messages import fates as chat_fates
from farthing.wire.translate.messages_to_chat import fates as claude_fates
from farthing.wire.translate.refusal import Fates

from .samples import to_chat, to_claude

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}}
FOUND = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


def _said(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def _answered(block: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [USER, {"role": "assistant", "content": [block]}, USER]}


@pytest.mark.parametrize("fates", [chat_fates.FATES, claude_fates.FATES])
def test_every_field_that_is_read_has_a_fate(fates: dict[type[msgspec.Struct], tuple[str, Fates]]) -> None:
    for kind, (place, table) in fates.items():
        fields = {field.encode_name for field in msgspec.structs.fields(kind)}
        assert set(table) - {"type"} == fields - {"type"}, place


@pytest.mark.parametrize(
    ("module", "fates"), [("chat_request", chat_fates.FATES), ("messages_request", claude_fates.FATES)]
)
def test_every_object_of_a_request_is_in_the_tables(module: str, fates: dict[type[msgspec.Struct], Any]) -> None:
    read = next(iter(fates)).__module__
    assert read.endswith(module)
    seen: set[type[msgspec.Struct]] = set()

    def walk(kind: type[msgspec.Struct]) -> None:
        if kind not in seen:
            seen.add(kind)
            for field in msgspec.inspect.type_info(kind).fields:
                visit(field.type)

    def visit(info: Any) -> None:
        if isinstance(info, msgspec.inspect.StructType):
            walk(info.cls)
        elif isinstance(info, msgspec.inspect.UnionType):
            for inner in info.types:
                visit(inner)
        elif isinstance(info, msgspec.inspect.ListType):
            visit(info.item_type)

    walk(next(kind for kind in fates if kind.__name__ == "Request"))
    only_looked_at = {kind for kind in seen if kind.__name__ == "Edit"}
    assert seen - only_looked_at == set(fates)


def _refused(table: Fates) -> list[str]:
    return [name for name, fate in table.items() if fate.kind == "refused"]


def _harmless(table: Fates) -> list[tuple[str, Any]]:
    return [(name, value) for name, fate in table.items() for value in (None, *fate.passes) if fate.kind == "refused"]


@pytest.mark.parametrize("field", _refused(chat_fates.REQUEST))
@pytest.mark.parametrize("value", [7, "seven", {"a": [1]}, True])
def test_a_setting_that_claude_lacks_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(CannotTranslate) as raised:
        to_claude({field: value})
    assert raised.value.param == field
    assert field in raised.value.message


@pytest.mark.parametrize(("field", "value"), _harmless(chat_fates.REQUEST))
def test_a_setting_that_asks_for_nothing_passes_to_claude(field: str, value: Any) -> None:
    assert to_claude({field: value}) == to_claude({})


@pytest.mark.parametrize("field", _refused(claude_fates.REQUEST))
@pytest.mark.parametrize("value", [7, "seven", {"a": [1]}, True])
def test_a_setting_that_chat_lacks_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(CannotTranslate) as raised:
        to_chat({field: value})
    assert raised.value.param == field


@pytest.mark.parametrize(("field", "value"), _harmless(claude_fates.REQUEST))
def test_a_setting_that_asks_for_nothing_passes_to_chat(field: str, value: Any) -> None:
    assert to_chat({field: value}) == to_chat({})


@pytest.mark.parametrize("name", [n for n, f in chat_fates.REQUEST.items() if f.kind == "dropped"])
def test_what_is_dropped_leaves_no_trace_on_the_way_to_claude(name: str) -> None:
    assert to_claude({name: {"a": "b"}}) == to_claude({})


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"no_such_field": 1}, "no_such_field"),
        ({"messages": [{**USER, "mood": "odd"}]}, "messages[0].mood"),
        ({"messages": [USER, {**USER, "name": "Ann"}]}, "messages[1].name"),
        ({"messages": [{"role": "system", "content": "x", "name": "Ann"}]}, "messages[0].name"),
        ({"messages": [USER, {"role": "assistant", "content": "x", "audio": {"id": "a"}}, USER]}, "messages[1].audio"),
        (
            {"messages": [USER, {"role": "assistant", "function_call": {"name": "f", "arguments": ""}}, USER]},
            "messages[1].function_call",
        ),
        ({"messages": [USER, {"role": "function", "name": "f", "content": "x"}]}, "messages[1].role"),
        ({"messages": [USER, {"role": "assistant", "content": "{"}]}, "messages"),
        (
            _said({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}),
            "messages[0].content[0].input_audio",
        ),
        (_said({"type": "text", "text": "x"}, {"type": "video_url", "video_url": {}}), "messages[0].content[1].type"),
        (_said({"type": "file", "file": {"file_id": "file-1"}}), "messages[0].content[0].file_id"),
        (
            _said({"type": "file", "file": {"file_data": "data:audio/mpeg;base64,AA=="}}),
            "messages[0].content[0].file.file_data",
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice.type"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"temperature": 1.5}, "temperature"),
    ],
)
def test_what_claude_cannot_be_told_is_refused_by_its_place(request_: dict[str, Any], param: str) -> None:
    _check_refusal(to_claude, request_, param)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"no_such_field": 1}, "no_such_field"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": [USER, {"role": "assistant", "content": "{"}]}, "messages"),
        (_said({"type": "container_upload", "file_id": "f"}), "messages[0].content[0].type"),
        (_said({"type": "image", "source": {"type": "file", "file_id": "f"}}), "messages[0].content[0].source"),
        (_said({**IMAGE, "transformations": {"oversized_image": "error"}}), "messages[0].content[0].transformations"),
        (_said({**PDF, "citations": {"enabled": True}}), "messages[0].content[0].citations"),
        (_said({"type": "document", "source": {"type": "url", "url": "https://x"}}), "messages[0].content[0].source"),
        (_said({"type": "document", "source": {"type": "file", "file_id": "f"}}), "messages[0].content[0].source"),
        (_said({**FOUND, "citations": {"enabled": True}}), "messages[0].content[0].citations"),
        (_said({**RESULT, "toolset_name": "computer"}), "messages[0].content[0].toolset_name"),
        (
            _said({**RESULT, "content": [{"type": "tool_reference", "tool_name": "f"}]}),
            "messages[0].content[0].content[0].type",
        ),
        (
            _said({**RESULT, "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}),
            "messages[0].content[0].content[0].source",
        ),
        (
            _answered({**USE, "caller": {"type": "code_execution_20250825", "tool_id": "t"}}),
            "messages[1].content[0].caller",
        ),
        (_answered({**USE, "toolset_name": "browser"}), "messages[1].content[0].toolset_name"),
        (
            _answered({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            "messages[1].content[0].type",
        ),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]}, "tools[0].type"),
        ({"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, "tools[1].type"),
        ({"tools": [{**TOOL, "type": "memory_20250818"}]}, "tools[0].type"),
        ({"tools": [{**TOOL, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [{**TOOL, "allowed_callers": ["code_execution_20250825"]}]}, "tools[0].allowed_callers"),
        (
            {"context_management": {"edits": [{"type": "clear_tool_uses_20250919", "keep": {}}]}},
            "context_management.edits[0].type",
        ),
    ],
)
def test_what_chat_cannot_be_told_is_refused_by_its_place(request_: dict[str, Any], param: str) -> None:
    _check_refusal(to_chat, request_, param)


def _check_refusal(send: Callable[[dict[str, Any]], Any], request: dict[str, Any], param: str) -> None:
    with pytest.raises(CannotTranslate) as raised:
        send(request)
    assert raised.value.param == param
    assert raised.value.message.startswith(f"{param}: ")


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"reasoning_effort": "heroic"}, "reasoning_effort"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            "response_format.json_schema.schema",
        ),
        (
            _said({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}),
            "messages[0].content[0].image_url.url",
        ),
        (
            _said({"type": "image_url", "image_url": {"url": "data:image/png,raw"}}),
            "messages[0].content[0].image_url.url",
        ),
        (_said({"type": "file", "file": {}}), "messages[0].content[0].file.file_data"),
        (
            {
                "messages": [
                    USER,
                    {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "[1]"}}]},
                    {"role": "tool", "tool_call_id": "c", "content": "x"},
                ]
            },
            "messages[1].tool_calls[0].function.arguments",
        ),
    ],
)
def test_what_is_wrong_in_chat_itself_is_an_ordinary_bad_request(request_: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as raised:
        to_claude(request_)
    assert type(raised.value) is BadRequest
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"tools": [{"name": "f", "input_schema": 5}]}, "tools[0].input_schema"),
        (_answered({**USE, "input": "text"}), "messages[1].content[0].input"),
        (
            _said({"type": "document", "source": {"type": "base64", "media_type": "x/y", "data": ""}}),
            "messages[0].content[0].source.media_type",
        ),
    ],
)
def test_what_is_wrong_in_messages_itself_is_an_ordinary_bad_request(request_: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as raised:
        to_chat(request_)
    assert type(raised.value) is BadRequest
    assert raised.value.param == param
