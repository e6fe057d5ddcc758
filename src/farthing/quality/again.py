"""The same request once more, for another model: whole instead of streamed, without a word of who asked.

Only requests that can be asked twice without harm: tools of the caller are only asked for and never run, but those that a
provider runs by itself (searches, MCP servers, computers) would act again, and a conversation kept at the provider would
be added to. Knows nothing of why it is asked again.
"""

from typing import Any

import msgspec

from farthing.wire.lenient import anything
from farthing.wire.question import LEFT_OUT, MARKS

LONGEST = 256 * 1024
"""Bytes of a request that is asked again: no large images, no whole libraries."""

_KEPT_AT_THE_PROVIDER = ("previous_response_id", "conversation", "prompt", "background", "container")
_RUN_BY_THE_PROVIDER = ("web_search_options", "search_parameters", "plugins", "mcp_servers")
_OWN_TOOLS = (None, "function", "custom")
"""Types of tools that the caller runs."""


def again(format: str, body: bytes, model: str) -> bytes | None:
    """The body for `model`; None where the request must not, or need not, be asked again. Never raises."""
    request = anything(body) if len(body) <= LONGEST and format in LEFT_OUT else None
    if not isinstance(request, dict) or not _harmless(request):
        return None
    for name in LEFT_OUT[format]:
        request.pop(name, None)
    for name in ("system", "tools", "messages", "input"):
        _unmark(request.get(name))
    if format == "openai.responses":
        request["store"] = False
    try:
        return msgspec.json.encode({**request, "model": model})
    except RecursionError:
        return None


def _harmless(request: dict[str, Any]) -> bool:
    if any(request.get(name) for name in (*_KEPT_AT_THE_PROVIDER, *_RUN_BY_THE_PROVIDER)):
        return False
    if request.get("n") not in (None, 1) or request.get("audio"):
        return False
    tools = request.get("tools") or []
    return isinstance(tools, list) and all(
        isinstance(tool, dict) and tool.get("type") in _OWN_TOOLS for tool in tools
    )  # fmt: skip


def _unmark(values: Any) -> None:
    """Marks for a provider's cache make a write that nobody will read."""
    for value in values if isinstance(values, list) else ():
        if isinstance(value, dict):
            for mark in MARKS:
                value.pop(mark, None)
            for part in value["content"] if isinstance(value.get("content"), list) else ():
                if isinstance(part, dict):
                    for mark in MARKS:
                        part.pop(mark, None)
