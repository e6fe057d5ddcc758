"""A golden case, and an upstream that plays it back: the same bytes as a provider sent, in reads of any size.

Everything else that a case passes is the real thing: the relay, the formats' meters, the price book, the meter step.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from farthing.model.call import Headers
from farthing.model.errors import UpstreamError
from farthing.upstream.client import Timeouts

CASES = Path(__file__).parent / "cases"


class Expect(msgspec.Struct, forbid_unknown_fields=True):
    """What is right. All but `nano` is looked at only where a case says it."""

    nano: int
    state: str = "computed"
    flags: list[str] = []
    """All marks of all attempts, sorted."""
    list_nano: int | None = None
    tier: str | None = None
    model: str | None = None
    usage: dict[str, int] = {}
    """Some buckets of the first attempt."""
    tokens: int | None = None
    """Input and output of the whole call."""
    parts: int = 1
    """Rows that the answer is billed in."""


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One answer of a provider, and what it costs."""

    id: str
    title: str
    source: str
    """Where the expected figure comes from."""
    wire: str
    """A format that the gateway speaks, or a kind of recorded body."""
    provider: str
    """The provider's name in the rate cards."""
    model: str
    expect: Expect
    host: str = ""
    """The provider's name in the table of known hosts, where it is another."""
    at: str = "2026-11-01T12:00:00"
    """When the call began, UTC; it decides which prices hold."""
    request: dict[str, Any] = {}
    """What the request says beside the model and a message."""
    body: Any = None
    """The provider's whole answer. Streams are made from it too, in every shape that providers use."""
    bodies: list[Any] = []
    """Several recorded bodies that are summed."""
    usage: dict[str, Any] | None = None
    """Instead of a body: its usage; the rest is of no weight to the price."""
    top: dict[str, Any] = {}
    """Members of the answer beside that usage."""
    streams: list[list[Any]] = []
    """Streams as they were recorded: events, `[DONE]`, or {repeat, event}."""
    leaves: bool = False
    """The client leaves when the recorded stream is through."""
    breaks: bool = False
    """The provider breaks off there."""
    tier: str = ""
    """The tier that the endpoint says (a batch), where the body does not."""
    geo: str = ""
    rates: dict[str, str] | None = None
    """Rates that the case fixes, in dollars a million; without them the shipped cards count."""
    contract: dict[str, Any] | None = None
    wrong: int | None = None
    """What a peer made of it, in nano-dollars; None where it was not an amount."""
    covered_by: str = ""
    """Where the part of the situation is tested that a parser and a price cannot show."""

    @property
    def at_us(self) -> int:
        return int(datetime.fromisoformat(self.at).replace(tzinfo=UTC).timestamp()) * 1_000_000

    @property
    def answer(self) -> Any:
        """The whole answer, made around `usage` where only that is given."""
        if self.usage is None:
            return self.body
        return {
            **_AROUND.get(self.wire, lambda _: {})(self.model),
            _USAGE.get(self.wire, "usage"): self.usage,
            **self.top,
        }


def load_cases() -> list[Case]:
    return [
        case
        for path in sorted(CASES.glob("*.json"))
        for case in msgspec.json.decode(path.read_bytes(), type=list[Case])
    ]


_USAGE = {"gemini": "usageMetadata"}
_AROUND = {
    "openai.chat": lambda model: {
        "object": "chat.completion", "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
    },
    "openai.responses": lambda model: {"object": "response", "status": "completed", "model": model, "output": []},
    "openai.embeddings": lambda model: {"object": "list", "model": model, "data": []},
    "anthropic.messages": lambda model: {"type": "message", "model": model, "stop_reason": "end_turn"},
    "gemini": lambda model: {"modelVersion": model, "candidates": [{"finishReason": "STOP"}]},
}  # fmt: skip


# -- streams ---------------------------------------------------------------------------------------------------------


def streams_of(case: Case) -> Iterator[tuple[str, bytes]]:
    """The recorded streams of a case, and those that say the same as its body."""
    for number, events in enumerate(case.streams):
        yield f"stream {number}", as_bytes(case.wire, events)
    answer = case.answer
    if answer is not None and case.wire in _STREAMS and not case.leaves and not case.breaks:
        for name, events in _STREAMS[case.wire](answer):
            yield name, as_bytes(case.wire, events)


def as_bytes(wire: str, events: list[Any]) -> bytes:
    """Events as server-sent events; a wire whose events have names gets them."""
    return b"".join(_event(wire, event) for event in events)


def _event(wire: str, event: Any) -> bytes:
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    if "repeat" in event:
        return _event(wire, event["event"]) * int(event["repeat"])
    name = b"" if wire == "openai.chat" else f"event: {event['type']}\n".encode()
    return name + b"data: " + json.dumps(event).encode() + b"\n\n"


def _chat_streams(answer: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Usage in a chunk of its own, and in the chunk with the finish reason."""
    base = {key: value for key, value in answer.items() if key not in ("choices", "usage")}
    base["object"] = "chat.completion.chunk"
    text = {**base, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "ok"}, "finish_reason": None}]}
    stop = {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield "usage apart", [text, stop, {**base, "choices": [], "usage": answer["usage"]}, "[DONE]"]
    yield "usage with the end", [text, {**stop, "usage": answer["usage"]}, "[DONE]"]


def _responses_streams(answer: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    end = "response.incomplete" if answer.get("status") == "incomplete" else "response.completed"
    begun = {**answer, "status": "in_progress", "usage": None}
    yield (
        "usage at the end",
        [
            {"type": "response.created", "sequence_number": 0, "response": begun},
            {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "msg_1", "delta": "ok"},
            {"type": end, "sequence_number": 2, "response": answer},
        ],
    )


_INPUTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def _messages_streams(answer: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """The four ways in which start and delta share the counts."""
    usage = answer["usage"]
    inputs = {key: usage[key] for key in _INPUTS if key in usage}
    split = {key: usage[key] for key in ("cache_creation",) if key in usage}
    rest = {key: value for key, value in usage.items() if key not in (*_INPUTS, "cache_creation", "output_tokens")}
    out = {"output_tokens": usage["output_tokens"]}
    prompt = {"input_tokens": sum(inputs.values())}
    zeros = dict.fromkeys(inputs, 0)
    shapes = {
        "start has the input": ({**inputs, **split, **rest, "output_tokens": 1}, {**out, **rest}),
        "delta repeats it": ({**inputs, **split, **rest, "output_tokens": 1}, {**inputs, **out, **rest}),
        "start has zeros": ({**zeros, "output_tokens": 0}, {**inputs, **split, **out, **rest}),
        "start has the whole prompt": ({**prompt, "output_tokens": 0}, {**inputs, **split, **out, **rest}),
    }
    for name, (start, delta) in shapes.items():
        yield (
            name,
            [
                {"type": "message_start", "message": {**answer, "stop_reason": None, "usage": start}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}},
                {"type": "message_delta", "delta": {"stop_reason": answer["stop_reason"]}, "usage": delta},
                {"type": "message_stop"},
            ],
        )


_STREAMS = {
    "openai.chat": _chat_streams,
    "openai.responses": _responses_streams,
    "anthropic.messages": _messages_streams,
}


# -- upstream --------------------------------------------------------------------------------------------------------


class Playback:
    """An upstream client whose answer is the same bytes, read `size` at a time; then it ends, breaks off, or is silent
    until it is closed."""

    def __init__(self, content: bytes, *, event_stream: bool, size: int, breaks: bool, silent: bool) -> None:
        kind = b"text/event-stream" if event_stream else b"application/json"
        self.answer = PlayedBack([(b"content-type", kind)], content, size, breaks, silent)

    async def send(self, method: str, url: str, headers: Headers, body: bytes, timeouts: Timeouts) -> "PlayedBack":
        return self.answer

    async def close(self) -> None:
        pass


class PlayedBack:
    status = 200

    def __init__(self, headers: Headers, content: bytes, size: int, breaks: bool, silent: bool) -> None:
        self.headers = headers
        self.through = asyncio.Event()
        """All was read, and more is waited for."""
        self.closed = asyncio.Event()
        self._left = content
        self._size = size
        self._breaks = breaks
        self._silent = silent

    async def next(self) -> bytes:
        data, self._left = self._left[: self._size], self._left[self._size :]
        if data:
            return data
        if self._breaks:
            raise UpstreamError("The provider closed the connection.")
        if self._silent:
            self.through.set()
            await self.closed.wait()
        return b""

    async def read(self, limit: int) -> bytes:
        content, self._left = self._left, b""
        return content

    def abort(self) -> None:
        self.closed.set()
