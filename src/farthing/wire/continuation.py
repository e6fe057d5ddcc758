"""Goes on with an answer that broke off: what of it was said, the request that asks for the rest, and the rest's stream
as a client that has the beginning can read it.

Only plain text of one answer can be continued, and only by hosts that take the beginning as the last message: not tool
calls, not reasoning, not JSON by a schema, and not the Responses format, which has no word for it. No network, no prices.
"""

from typing import Any

import msgspec

from farthing.wire import sse
from farthing.wire.lenient import anything, member
from farthing.wire.tokens import likely_output

WIRES = {"openai.chat": frozenset({"message", "prefix", "continue"}), "anthropic.messages": frozenset({"message"})}
"""Format of the client -> how hosts take a beginning that its requests can say."""


def can_continue(wire: str, body: bytes) -> bool:
    """Whether an answer to this request could be continued at all."""
    if wire not in WIRES:
        return False
    asked = anything(body)
    if (
        not isinstance(asked, dict)
        or (asked.get("n") or 1) != 1
        or asked.get("response_format")
        or asked.get("output_format")
    ):
        return False
    messages = asked.get("messages")
    return isinstance(messages, list) and bool(messages) and member(messages[-1], "role") != "assistant"


def text_so_far(wire: str, stream: bytes) -> str | None:
    """The text of the whole events in `stream`; None if something else was said too, or the answer had come to its end."""
    parts = []
    for payload in sse.payloads(stream):
        value = anything(payload)
        said = _chat_text(value) if wire == "openai.chat" else _messages_text(value)
        if said is None:
            return None
        parts.append(said)
    return "".join(parts)


def request_for_rest(body: bytes, text: str, how: str) -> bytes:
    """The request with the beginning as its last message."""
    asked = msgspec.json.decode(body)
    message: dict[str, Any] = {"role": "assistant", "content": text.rstrip() if how == "message" else text}
    if how == "prefix":
        message["prefix"] = True
    elif how == "continue":
        asked |= {"continue_final_message": True, "add_generation_prompt": False}
    asked["messages"] = [*asked["messages"], message]
    for name in ("max_tokens", "max_completion_tokens"):
        if isinstance(asked.get(name), int):
            asked[name] = max(1, asked[name] - likely_output(len(text.encode()), 0))
    return msgspec.json.encode(asked)


class Continuation:
    """The stream of the rest, without what the client has seen: the start of the message, and white space that the
    beginning ended with."""

    __slots__ = ("_begun", "_held", "_space", "_wire")

    def __init__(self, wire: str, text: str, how: str) -> None:
        self._wire = wire
        self._space = text[len(text.rstrip()) :] if how == "message" else ""
        self._begun = False
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        if self._begun:
            return data
        self._held += data
        end = sse.boundary(self._held)
        events, self._held = self._held[:end], self._held[end:]
        out = []
        for payload in sse.payloads(events):
            if self._begun:
                out.append(self._event(payload))
                continue
            value = anything(payload)
            text = _chat_text(value) if self._wire == "openai.chat" else _messages_text(value)
            if text == "":
                continue
            self._begun = True
            out.append(self._event(self._without_space(value, text) if text and self._space else payload))
        if self._begun:
            out.append(self._held)
            self._held = b""
        return b"".join(out)

    def _event(self, payload: bytes) -> bytes:
        if self._wire == "openai.chat":
            return b"data: " + payload + b"\n\n"
        kind = member(anything(payload), "type")
        return b"event: %b\ndata: %b\n\n" % (str(kind).encode(), payload)

    def _without_space(self, value: Any, text: str) -> bytes:
        text = text.removeprefix(self._space)
        if self._wire == "openai.chat":
            value["choices"][0]["delta"]["content"] = text
        else:
            value["delta"]["text"] = text
        return msgspec.json.encode(value)


def _chat_text(value: Any) -> str | None:
    """What a chunk adds to the text; None for what cannot be continued, or the end of the answer."""
    choices = member(value, "choices")
    if not isinstance(choices, list):
        return None
    text = ""
    for choice in choices:
        delta = member(choice, "delta")
        if member(choice, "finish_reason") or not isinstance(delta, dict):
            return None
        if any(delta.get(name) for name in delta if name not in ("content", "role")):
            return None
        content = delta.get("content")
        text += content if isinstance(content, str) else ""
    return text


def _messages_text(value: Any) -> str | None:
    kind = member(value, "type")
    if kind in ("message_start", "ping"):
        return ""
    if kind == "content_block_start":
        return "" if member(value, "content_block", "type") == "text" and member(value, "index") == 0 else None
    if kind == "content_block_delta" and member(value, "delta", "type") == "text_delta":
        text = member(value, "delta", "text")
        return text if isinstance(text, str) else None
    return None
