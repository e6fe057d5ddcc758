"""Answers that are given again: which ones may be, what a stream amounts to, how a whole answer is told anew.

A whole answer is the JSON that a plain call gets; it stands for streamed calls too. Told anew it has an id and a date of
its own, and nothing in it of who asked first. Knows nothing of questions, nor of where answers are kept.

What is dropped on the way: log probabilities, tool calls, sound and several choices make an answer one that is not kept.
Reasoning is kept where it is text or sealed (thinking with its signature, reasoning items), since the first client got it
too. Citations and annotations are kept.
"""

from typing import Literal

from farthing.model.call import Ask
from farthing.wire.replay import chat, messages, responses
from farthing.wire.replay.told import Collector, Wire, read

_WIRES: dict[str, Wire] = {
    "openai.chat": chat.Chat(), "openai.responses": responses.Responses(), "anthropic.messages": messages.Messages()
}  # fmt: skip


def storable(format: str, whole: bytes) -> bool:
    """Whether an answer may be given to others: complete, in text, ended by the model itself. Not one that was cut,
    filtered or refused, that calls tools, or that says an error. Never raises."""
    wire = _WIRES.get(format)
    return wire is not None and wire.storable(whole)


def whole_from_stream(format: str) -> Collector:
    """Collects a stream of that format. Raises KeyError for one that has no streams."""
    return Collector(_WIRES[format])


def replay(
    format: str, whole: bytes, ask: Ask, *, usage: Literal["original", "zero"], call_id: str, now: int
) -> bytes:  # fmt: skip
    """The answer told anew, plain or as a whole stream, as `ask` wants it. `now`: Unix seconds.

    `usage` shows what the answer used when it was made, or zeros. Raises KeyError for a format that is not known and
    ValueError for an answer that is not storable.
    """
    wire = _WIRES[format]
    tell = wire.stream if ask.stream else wire.plain
    try:
        return tell(whole, ask, usage == "zero", call_id, now)
    except RecursionError:
        raise ValueError("an answer that is nested too deep") from None


def as_stream(format: str, whole: bytes, ask: Ask) -> bytes:
    """Any whole answer as the stream that its client asked for, first told now: nothing of it is changed or left out. Raises
    KeyError for a format that has no streams and ValueError for what is no answer."""
    try:
        return _WIRES[format].events(read(whole), ask)
    except RecursionError:
        raise ValueError("an answer that is nested too deep") from None


__all__ = ["Collector", "as_stream", "replay", "storable", "whole_from_stream"]
