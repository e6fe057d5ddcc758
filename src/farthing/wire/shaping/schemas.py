"""Schemas of tools without what says nothing: `$schema`, `"default": null`, a title that only repeats its member's name.

Libraries that make schemas from code add these to each member. A title that says something else stays, and so does
whatever is no schema: names of members, enums, examples, defaults that are values. What was made of a list of tools is
remembered, since calls repeat it. Knows nothing of what tools do.
"""

import re
from typing import Any, NamedTuple

import msgspec

from farthing.wire.lenient import member

BYTES_A_TOKEN = 5
"""That fall for each token that falls: 3.6 to 4.6 were seen."""
MOST_DEPTH = 60
KEPT = 256
"""Lists of tools that are remembered."""
LONGEST = 256 * 1024

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_ONES = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_WORD = re.compile(r"[\W_]+")
_EDITS = re.compile(
    r"(?:^|[^a-z])(?:multi_?)?edit|str_?replace|search_?replace|apply_?(?:patch|diff)|write_?(?:to_?)?file|text_editor"
    r"|^write$",
    re.IGNORECASE,
)
"""Names of tools that change files by the exact text in them, in the agents that are known."""


class Tools(NamedTuple):
    """What a list of tools comes to."""

    raw: bytes
    """The list as it is to be sent; the same bytes where nothing falls."""
    tokens: int
    edits: bool
    """One of them changes files by the exact text in them: then texts of other tools must keep every byte."""


def tools_of(raw: bytes) -> Tools:
    """The list of tools without noise. Never raises."""
    known = _memo.get(raw)
    if known is None:
        known = _without_noise(raw)
        if len(raw) <= LONGEST:
            if len(_memo) >= KEPT:
                _memo.clear()
            _memo[raw] = known
    return known


_memo: dict[bytes, Tools] = {}


def _without_noise(raw: bytes) -> Tools:
    try:
        tools = msgspec.json.decode(raw)
        if not isinstance(tools, list):
            return Tools(raw, 0, True)
        edits = any(_EDITS.search(_name(tool)) for tool in tools)
        if not _reads_alike(raw, tools):
            return Tools(raw, 0, edits)
        before = len(msgspec.json.encode(tools))
        for tool in tools:
            _clean_tool(tool)
        made = msgspec.json.encode(tools)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Tools(raw, 0, True)
    tokens = (before - len(made)) // BYTES_A_TOKEN
    return Tools(made, tokens, edits) if tokens > 0 else Tools(raw, 0, edits)


def _reads_alike(raw: bytes, tools: list[Any]) -> bool:
    """Whether the parsed list has all that was written: each number as it was spelled, no member twice."""
    written = msgspec.json.format(raw, indent=-1)
    return _STRING.sub(b"", written) == _STRING.sub(b"", msgspec.json.encode(tools))


def _name(tool: Any) -> str:
    for name in (member(tool, "name"), member(tool, "function", "name"), member(tool, "type")):
        if isinstance(name, str):
            return name
    return ""


def _clean_tool(tool: Any) -> None:
    """Where the formats keep a tool's schema; Responses has it in the tool itself."""
    if not isinstance(tool, dict):
        return
    for holder in (tool, tool.get("function")):
        for name in ("parameters", "input_schema"):
            schema = member(holder, name)
            if isinstance(schema, dict):
                _clean(schema, _name(tool), 0)


def _clean(schema: Any, name: str, depth: int) -> None:
    if not isinstance(schema, dict) or depth > MOST_DEPTH:
        return
    if isinstance(schema.get("$schema"), str):
        del schema["$schema"]
    if "default" in schema and schema["default"] is None:
        del schema["default"]
    title = schema.get("title")
    if isinstance(title, str) and name and _plain(title) == _plain(name):
        del schema["title"]
    for key in _MAPS:
        members = schema.get(key)
        if isinstance(members, dict):
            for own, inner in members.items():
                _clean(inner, own, depth + 1)
    for key in _LISTS:
        inners = schema.get(key)
        if isinstance(inners, list):
            for inner in inners:
                _clean(inner, "", depth + 1)
    for key in _ONES:
        _clean(schema.get(key), "", depth + 1)


def _plain(text: str) -> str:
    return _WORD.sub("", text).casefold()
