"""Ends a stream before its provider does, as the format's own end for an answer that met its limit of output.

Only whole events are passed on, so that the end falls between two of them. Also counts what passed, in tokens and
roughly: at least one an event, and one for every four bytes beyond what an event is wrapped in. No network, no prices.
"""

from typing import Any

import msgspec

from farthing.wire import sse
from farthing.wire.lenient import anything, member, tidy

WIRES = frozenset(("openai.chat", "anthropic.messages", "openai.responses"))
"""Formats whose streams can be ended so."""
WRAPPING = 100
"""Bytes of an event that are not what was generated, at least."""
_encode = msgspec.json.encode


class Cut:
    """Follows one stream."""

    __slots__ = ("_began", "_last", "_tail", "_wire", "tokens")

    def __init__(self, wire: str) -> None:
        self._wire = wire
        self._tail = b""
        self._began = b""
        """The first whole events: who answers."""
        self._last = b""
        self.tokens = 0
        """What passed."""

    def feed(self, data: bytes) -> bytes:
        """The whole events that can be passed on."""
        if self._tail:
            data = self._tail + data
        end = len(data) if sse.ends_whole(data) else sse.boundary(data)
        events, self._tail = data[:end], data[end:]
        if events:
            count = max(1, events.count(b"\n\n"))
            self.tokens += max(count, (len(events) - WRAPPING * count) // 4)
            self._began = self._began or events
            self._last = events
        return events

    def finish(self) -> bytes:
        """What was held back, where the stream came to its own end."""
        rest, self._tail = self._tail, b""
        return rest

    def end(self) -> bytes:
        """The events that end it."""
        match self._wire:
            case "openai.chat":
                return self._chat()
            case "anthropic.messages":
                return self._messages()
            case _:
                return self._responses()

    def _chat(self) -> bytes:
        seen = self._first("choices")
        chunk = {
            "id": tidy(seen.get("id")), "object": "chat.completion.chunk", "created": seen.get("created") or 0,
            "model": tidy(seen.get("model")), "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}],
        }  # fmt: skip
        return b"data: %b\n\ndata: [DONE]\n\n" % _encode(chunk)

    def _messages(self) -> bytes:
        last: Any = {}
        for payload in sse.payloads_backwards(self._last):
            last = anything(payload)
            if str(member(last, "type")).startswith("content_block"):
                break
        out = []
        index = member(last, "index")
        if member(last, "type") in ("content_block_start", "content_block_delta") and isinstance(index, int):
            out.append(_event("content_block_stop", {"index": index}))
        ended = {"delta": {"stop_reason": "max_tokens", "stop_sequence": None}, "usage": {"output_tokens": self.tokens}}
        return b"".join((*out, _event("message_delta", ended), _event("message_stop", {})))

    def _responses(self) -> bytes:
        response = member(self._first("response"), "response")
        response = response if isinstance(response, dict) else {}
        ended = {**response, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        return _event("response.incomplete", {"sequence_number": self.tokens, "response": ended})

    def _first(self, name: str) -> dict[str, Any]:
        """The first event that has a member of this name."""
        for payload in sse.payloads(self._began):
            value = anything(payload)
            if isinstance(value, dict) and name in value:
                return value
        return {}


def _event(kind: str, content: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind, **content}))
