"""What chat hosts send where the format says a string, read patiently: null, numbers, lists of parts, objects."""

import re
import uuid

import msgspec

from farthing.wire.translate import chat_answer as chat
from farthing.wire.translate import decode

_encode = msgspec.json.Encoder().encode
_string = msgspec.json.Decoder(str)
_parts = msgspec.json.Decoder(list[chat.Text])
_ODD_ID_CHARACTER = re.compile(r"[^a-zA-Z0-9_-]")
_QUOTE, _LIST, _OBJECT = b'"[{'


def string_json(raw: msgspec.Raw) -> bytes:
    """The JSON of a string that says something; b"" for all else."""
    text = bytes(raw)
    return text if len(text) > 2 and text[0] == _QUOTE else b""


def string(raw: msgspec.Raw) -> str:
    """A string's value; "" for all else. Raises UpstreamError for a string that cannot be read."""
    text = string_json(raw)
    return decode.answer(_string, text) if text else ""


def content_json(raw: msgspec.Raw) -> tuple[bytes, bytes]:
    """Thought and said, as JSON strings or b"". Raises UpstreamError."""
    text = bytes(raw)
    if text[0] != _LIST:
        return b"", text if len(text) > 2 and text[0] == _QUOTE else b""
    thought, said = _read_parts(text)
    return _encode(thought) if thought else b"", _encode(said) if said else b""


def content(raw: msgspec.Raw) -> tuple[str, str]:
    """Thought and said. Raises UpstreamError."""
    text = bytes(raw)
    return _read_parts(text) if text and text[0] == _LIST else ("", string(raw))


def arguments_json(raw: msgspec.Raw) -> bytes:
    """Arguments of a tool call as a JSON string or b""; some hosts send the object itself. Raises UpstreamError."""
    text = bytes(raw)
    if text and text[0] == _OBJECT:
        return _encode(decode.text(text))
    return string_json(raw)


def arguments(raw: msgspec.Raw) -> str:
    """The arguments of a tool call, "" if there are none. Raises UpstreamError."""
    text = bytes(raw)
    return decode.text(text) if text and text[0] == _OBJECT else string(raw)


def new_id() -> str:
    """For an answer that came without one."""
    return f"msg_{uuid.uuid4().hex}"


def call_id(answer_id: str, number: int) -> str:
    """For a tool call that came without one."""
    return _ODD_ID_CHARACTER.sub("_", f"{answer_id}_call_{number}")


def _read_parts(text: bytes) -> tuple[str, str]:
    thought: list[str] = []
    said: list[str] = []
    for part in decode.answer(_parts, text):
        if part.text:
            said.append(part.text)
        if part.thinking is not chat.NULL:
            inner = bytes(part.thinking)
            thought.append(_read_parts(inner)[1] if inner[:1] == b"[" else string(part.thinking))
    return "".join(thought), "".join(said)
