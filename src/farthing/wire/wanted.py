"""What a request says about its answer, for whoever checks the answer: a JSON schema, the tools' schemas, the words that it
may rest on. The same for every wire. Knows nothing of answers.
"""

from typing import Any

import msgspec

from farthing.wire.lenient import anything, member

LONGEST = 512 * 1024
"""Bytes of a request that is read; a longer one says nothing here."""


class Wanted(msgspec.Struct, frozen=True):
    json: bool = False
    """JSON is asked for, with or without a schema."""
    schema: dict[str, Any] | None = None
    tools: dict[str, dict[str, Any]] = {}
    """Schemas of the arguments, by the name of the tool. Those that a provider runs itself are not here."""
    words: str = ""
    """All text of the conversation and of tools' results, joined by line ends."""


def wanted(format: str, body: bytes) -> Wanted | None:
    """None for a request that cannot be read. Never raises."""
    request = anything(body) if len(body) <= LONGEST else None
    if not isinstance(request, dict) or format not in _FORMAT_OF:
        return None
    try:
        kind, schema = _FORMAT_OF[format](request)
        texts: list[str] = []
        for name in ("system", "instructions", "messages", "input"):
            _gather(request.get(name), texts)
        return Wanted(
            kind in ("json_schema", "json_object"), schema if isinstance(schema, dict) else None,
            _tools(request.get("tools")), "\n".join(texts),
        )  # fmt: skip
    except RecursionError:
        return None


def _chat_format(request: dict[str, Any]) -> tuple[Any, Any]:
    return (
        member(request, "response_format", "type"), member(request, "response_format", "json_schema", "schema"),
    )  # fmt: skip


def _responses_format(request: dict[str, Any]) -> tuple[Any, Any]:
    return member(request, "text", "format", "type"), member(request, "text", "format", "schema")


def _messages_format(request: dict[str, Any]) -> tuple[Any, Any]:
    asked = member(request, "output_config", "format") or request.get("output_format")
    return member(asked, "type"), member(asked, "schema")


_FORMAT_OF = {
    "openai.chat": _chat_format, "openai.responses": _responses_format, "anthropic.messages": _messages_format,
}  # fmt: skip


def _tools(tools: Any) -> dict[str, dict[str, Any]]:
    """Chat has the function in a member, Responses beside the type, Messages a schema of another name."""
    found: dict[str, dict[str, Any]] = {}
    for tool in tools if isinstance(tools, list) else ():
        function = member(tool, "function")
        name = member(function, "name") or member(tool, "name")
        schema = member(function, "parameters") or member(tool, "parameters") or member(tool, "input_schema")
        if isinstance(name, str) and isinstance(schema, dict):
            found[name] = schema
    return found


def _gather(value: Any, texts: list[str]) -> None:
    """Texts of messages, parts, and results, in their order."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, list):
        for each in value:
            _gather(each, texts)
    elif isinstance(value, dict):
        for name in ("text", "content", "output", "source", "data", "title", "context"):
            inner = value.get(name)
            if name != "data" or value.get("type") == "text":
                _gather(inner, texts)
