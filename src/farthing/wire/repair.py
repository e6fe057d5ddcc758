"""A request's tools in one canonical spelling, so that equal tools are equal bytes: a provider's cache reads bytes.

Tools are put in the order of their names and the members of their JSON in alphabetical order, without white space between
them. Values stay digit by digit, and arrays inside a tool keep their order, which may mean something. Whoever says anything
about caching by themselves is left alone, and so is what cannot be read twice alike (a member that is there twice).
"""

import json
from collections import OrderedDict
from typing import Any

from farthing.wire import splice
from farthing.wire.blocks import is_marked, value_of

FORMATS = ("openai.chat", "openai.responses", "anthropic.messages")
MEMORY = 256
"""Lists of tools that are remembered: a client sends the same few again and again."""
LONGEST = 256 * 1024
"""Bytes of tools."""


class Repairer:
    """Repairs bodies, and remembers tools. Not for threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, bytes] = OrderedDict()

    def repaired(self, format: str, body: bytes) -> bytes:
        """The body with canonical tools; `body` itself where there is nothing to mend. It is an object that
        was parsed before."""
        if format not in FORMATS or body.find(b'"tools"') < 0 or is_marked(body):
            return body
        span = value_of(body, b'"tools"', splice.has_plain_names(body))
        if span is None or span[1] - span[0] > LONGEST:
            return body
        start, end = span
        raw = body[start:end]
        made = self._known.get(raw)
        if made is None:
            made = self._known[raw] = canonical_tools(raw)
            if len(self._known) > MEMORY:
                self._known.popitem(last=False)
        return body if made == raw else body[:start] + made + body[end:]


def canonical_tools(raw: bytes) -> bytes:
    """A JSON array of tools in its canonical spelling; `raw` itself where it is none, or has no sure one. Never raises."""
    try:
        tools = json.loads(
            raw, object_pairs_hook=_Members, parse_int=_Digits, parse_float=_Digits, parse_constant=_refuse
        )
        if not isinstance(tools, list) or not all(isinstance(each, _Members) for each in tools):
            return raw
        written = sorted((_order(each), _written(each)) for each in tools)
        return f"[{','.join(text for _, text in written)}]".encode()
    except (ValueError, RecursionError):
        return raw


class _Members(dict[str, Any]):
    """An object. Raises ValueError for a member that is there twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        if len(self) != len(pairs):
            raise ValueError("a member is there twice")


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _order(tool: _Members) -> tuple[str, str]:
    function = tool.get("function")
    name = tool.get("name", function.get("name") if isinstance(function, _Members) else None)
    kind = tool.get("type")
    return (name if isinstance(name, str) else "", kind if isinstance(kind, str) else "")


def _written(value: Any) -> str:
    if isinstance(value, _Members):
        return "{" + ",".join(f"{_text(name)}:{_written(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, _Digits):
        return str(value)
    return _text(value)


def _text(value: Any) -> str:
    """A text, true, false or null. Raises UnicodeEncodeError, a ValueError, for what no UTF-8 can say."""
    written = json.dumps(value, ensure_ascii=False)
    written.encode()
    return written
