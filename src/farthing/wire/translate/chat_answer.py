"""A chat completion and its chunks as typed values: read from providers leniently, written for clients in full.

Knows nothing of Messages.
"""

import msgspec

NULL = msgspec.Raw(b"null")


# --- read


class Text(msgspec.Struct, gc=False):
    """One part of a content that some hosts send as a list: text, or thinking that itself is a list of texts."""

    type: str = ""
    text: str | None = None
    thinking: msgspec.Raw = NULL


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: msgspec.Raw = NULL


class ToolCall(msgspec.Struct, gc=False):
    id: str | None = None
    index: int | None = None
    function: Function | None = None


class Message(msgspec.Struct, gc=False):
    """A message, or the delta of one; texts are kept as JSON, since they are mostly passed on as they are."""

    content: msgspec.Raw = NULL
    refusal: msgspec.Raw = NULL
    reasoning_content: msgspec.Raw = NULL
    reasoning: msgspec.Raw = NULL
    tool_calls: list[ToolCall] | None = None


class Choice(msgspec.Struct, gc=False):
    message: Message | None = None
    finish_reason: str | None = None
    stop_reason: msgspec.Raw = NULL
    """Some hosts name here the stop sequence that was met."""


class Answer(msgspec.Struct, gc=False):
    """A whole completion."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: msgspec.Raw = NULL
    service_tier: str | None = None


class ChunkChoice(msgspec.Struct, gc=False):
    index: int | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    stop_reason: msgspec.Raw = NULL


class Chunk(msgspec.Struct, gc=False):
    """One chunk of a completion, without what all chunks repeat."""

    choices: list[ChunkChoice] | None = None
    usage: msgspec.Raw = NULL
    service_tier: str | None = None
    error: msgspec.Raw = NULL


class ChunkName(msgspec.Struct, gc=False):
    """What all chunks of a completion repeat."""

    id: str | None = None
    model: str | None = None


answer_decoder = msgspec.json.Decoder(Answer)
chunk_decoder = msgspec.json.Decoder(Chunk)
name_decoder = msgspec.json.Decoder(ChunkName)


# --- written


class FunctionOut(msgspec.Struct, gc=False):
    name: str
    arguments: str


class ToolCallOut(msgspec.Struct, gc=False):
    id: str
    function: FunctionOut
    type: str = "function"


class MessageOut(msgspec.Struct, gc=False):
    content: str | None
    refusal: str | None
    role: str = "assistant"
    tool_calls: list[ToolCallOut] | msgspec.UnsetType = msgspec.UNSET
    reasoning_content: str | msgspec.UnsetType = msgspec.UNSET


class ChoiceOut(msgspec.Struct, gc=False):
    message: MessageOut
    finish_reason: str
    index: int = 0
    logprobs: None = None


class CompletionOut(msgspec.Struct, gc=False):
    id: str
    created: int
    model: str
    choices: list[ChoiceOut]
    object: str = "chat.completion"
    usage: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    service_tier: str | msgspec.UnsetType = msgspec.UNSET
