"""How a stream of a format begins: with a prelude (ids, roles, pings), with content, or with an error.

Until content has come nothing is lost if the stream is thrown away and asked for elsewhere. No network, no prices.
"""

import re
from typing import Literal

from farthing.wire import sse
from farthing.wire.lenient import anything, member, tidy

Beginning = Literal["prelude", "content", "error"]

_CHAT = re.compile(
    rb'"(?:content|reasoning_content|reasoning|refusal|arguments)"\s*:\s*"[^"]|"tool_calls"\s*:\s*\[\s*\{'
    rb'|"finish_reason"\s*:\s*"|\[DONE\]'
)
_MESSAGES = re.compile(rb'"(?:content_block_delta|message_delta|message_stop)"')
_RESPONSES = re.compile(rb'"response\.(?:[a-z_.]*delta|output_item\.done|completed|incomplete)"')
_CONTENT = {"openai.chat": _CHAT, "anthropic.messages": _MESSAGES, "openai.responses": _RESPONSES}
_ERROR = re.compile(rb'"error"|"response\.failed"')


def beginning(wire: str, data: bytes) -> Beginning:
    """What the first bytes of a stream hold, as far as they have come. A format that is not known has no prelude."""
    pattern = _CONTENT.get(wire)
    if pattern is None:
        return "content"
    found = pattern.search(data)
    before = found.start() if found else len(data)
    if (data.find(b'"error"', 0, before) >= 0 or data.find(b"response.failed", 0, before) >= 0) and error_of(data):
        return "error"
    return "content" if found else "prelude"


def error_of(data: bytes) -> tuple[tuple[str, ...], bytes] | None:
    """The first error event in the bytes: its code and type, and its payload; None if there is none."""
    for payload in sse.payloads(data):
        if _ERROR.search(payload) is None:
            continue
        value = anything(payload)
        kind = member(value, "type")
        inner = member(value, "response", "error") if kind == "response.failed" else member(value, "error")
        if kind == "error" and inner is None:
            inner = value
        if inner is not None:
            return (tidy(member(inner, "code"), 64), tidy(member(inner, "type"), 64)), payload
    return None
