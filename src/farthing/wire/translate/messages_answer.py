"""A Messages answer and the events of its stream as typed values: read from providers leniently, written in full.

Knows nothing of chat completions.
"""

import msgspec

NULL = msgspec.Raw(b"null")


# --- read


class StopDetails(msgspec.Struct, gc=False):
    explanation: str | None = None


class Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str = ""
    name: str = ""
    input: msgspec.Raw = NULL


class Message(msgspec.Struct, gc=False):
    id: str
    content: list[Block]
    model: str = ""
    type: str = ""
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: msgspec.Raw = NULL


class MessageStart(msgspec.Struct, gc=False):
    """The message of a `message_start` event, which has no content yet."""

    id: str = ""
    model: str = ""
    usage: msgspec.Raw = NULL


class Delta(msgspec.Struct, gc=False):
    """The delta of a block or of the message; texts are kept as JSON, since they are passed on as they are."""

    type: str = ""
    text: msgspec.Raw = NULL
    partial_json: msgspec.Raw = NULL
    thinking: msgspec.Raw = NULL
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class BlockStart(msgspec.Struct, gc=False):
    type: str = ""
    id: str = ""
    name: str = ""
    text: msgspec.Raw = NULL
    thinking: msgspec.Raw = NULL
    input: msgspec.Raw = NULL


class Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    delta: Delta | None = None
    content_block: BlockStart | None = None
    message: MessageStart | None = None
    usage: msgspec.Raw = NULL
    error: msgspec.Raw = NULL


message_decoder = msgspec.json.Decoder(Message)
event_decoder = msgspec.json.Decoder(Event)


# --- written


class TextOut(msgspec.Struct, tag_field="type", tag="text", gc=False):
    text: str
    citations: None = None


class ThinkingOut(msgspec.Struct, tag_field="type", tag="thinking", gc=False):
    thinking: str
    signature: str = ""
    """Only Claude signs; the empty one says that this is not Claude's."""


class ToolUseOut(msgspec.Struct, tag_field="type", tag="tool_use", gc=False):
    id: str
    name: str
    input: msgspec.Raw


BlockOut = TextOut | ThinkingOut | ToolUseOut


class MessageOut(msgspec.Struct, tag_field="type", tag="message", gc=False):
    id: str
    model: str
    content: list[BlockOut]
    stop_reason: str
    stop_sequence: str | None
    usage: msgspec.Raw
    role: str = "assistant"
