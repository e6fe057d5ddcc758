"""Schemas of tools without noise: what says something stays."""

import json
from typing import Any

from farthing.wire.shaping.schemas import tools_of

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Find Orders",
    "type": "object",
    "properties": {
        "title": {"title": "Title", "type": "string", "default": "none"},
        "user_id": {"title": "User Id", "anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "default": {"title": "What to assume", "enum": [None, "a"], "default": "a"},
    },
    "$defs": {"Order": {"title": "Order", "type": "object", "properties": {"x": {"const": None, "examples": [None]}}}},
}
CLEAN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "default": "none"},
        "user_id": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "default": {"title": "What to assume", "enum": [None, "a"], "default": "a"},
    },
    "$defs": {"Order": {"type": "object", "properties": {"x": {"const": None, "examples": [None]}}}},
}


def test_noise_goes_in_the_syntax_of_each_format() -> None:
    for tool, clean in (
        ({"type": "function", "function": {"name": "find_orders", "parameters": SCHEMA}},
         {"type": "function", "function": {"name": "find_orders", "parameters": CLEAN}}),
        ({"name": "find_orders", "input_schema": SCHEMA}, {"name": "find_orders", "input_schema": CLEAN}),
        ({"type": "function", "name": "find_orders", "parameters": SCHEMA},
         {"type": "function", "name": "find_orders", "parameters": CLEAN}),
    ):  # fmt: skip
        made = tools_of(json.dumps([tool]).encode())
        assert json.loads(made.raw) == [clean]
        assert made.tokens > 0
        assert tools_of(made.raw).raw == made.raw


def test_a_list_without_noise_or_with_odd_numbers_keeps_its_bytes() -> None:
    for raw in (
        b'[ {"name": "f", "input_schema": {"type": "object"}} ]',
        b'[{"name":"f","input_schema":{"title":"F","maximum":1.50}}]',
        b'[{"name":"f","input_schema":{"title":"F","type":"object","type":"object"}}]',
        b'[{"name":"f","input_schema":{"title":7,"properties":["title"]}}]', b'{"a":1}', b"[1, null]", b"[",
    ):  # fmt: skip
        assert tools_of(raw).raw == raw
        assert tools_of(raw).tokens == 0


def test_tools_that_edit_files_by_their_text_are_known() -> None:
    def edits(name: str) -> bool:
        return tools_of(json.dumps([{"name": name, "input_schema": {}}]).encode()).edits

    assert all(
        map(edits, ("Edit", "str_replace_based_edit_tool", "apply_patch", "edit_file", "MultiEdit", "write_to_file"))
    )
    assert not any(map(edits, ("get_weather", "credit_score", "search", "insert_row", "editor_of_journal"[3:])))
