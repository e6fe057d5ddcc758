"""Streams and bodies for the tests of `wire/`, as providers send them."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from farthing.model.usage import Reading
from farthing.wire.format import StreamReader


def dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def event(value: Any, name: str = "") -> bytes:
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + dump(value) + b"\n\n"


DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """A chunk of a chat completion."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return event({"id": "c", "object": "chat.completion.chunk", "model": "gpt-4o-mini-1", "choices": [choice], **more})


def usage_chunk(**usage: Any) -> bytes:
    """The chunk that carries nothing but usage."""
    return event(
        {"id": "c", "object": "chat.completion.chunk", "model": "gpt-4o-mini-1", "choices": [], "usage": usage}
    )


def message_event(kind: str, **more: Any) -> bytes:
    """An event of Anthropic's stream."""
    return event({"type": kind, **more}, kind)


def message_start(**usage: Any) -> bytes:
    return message_event(
        "message_start", message={"id": "m", "model": "claude-sonnet-4-5", "content": [], "usage": usage}
    )


def text_delta(text: str) -> bytes:
    return message_event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def message_delta(stop: str | None = "end_turn", **usage: Any) -> bytes:
    return message_event("message_delta", delta={"stop_reason": stop}, usage=usage)


MESSAGE_STOP = message_event("message_stop")


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The data, cut at these places."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return (data[start:end] for start, end in pairwise(edges) if start < end)


def run(reader: StreamReader, reads: Iterator[bytes] | list[bytes]) -> tuple[bytes, Reading, bool]:
    """What the client gets, what the meter reads, whether the stream was whole."""
    out = b"".join(reader.feed(data) for data in reads) + reader.finish()
    return out, reader.reading(), reader.complete
