"""Chat completions told anew. Knows no other format."""

from collections.abc import Iterator
from typing import Any

import msgspec

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire import sse
from farthing.wire.replay.told import an_object, blank, event, objects, pieces, read, shown
from farthing.wire.translate.usage import for_chat

_NOT_KEPT = ("refusal", "tool_calls", "function_call", "audio", "images")
"""Members of a message that make an answer one that is not kept."""
_STREAMED = ("reasoning_content", "reasoning", "thinking", "content")
"""Texts that come in pieces, in this order."""
_DROPPED = frozenset({"reasoning_details"})
"""Members of deltas that a whole answer can do without: reasoning over again, in pieces that each host numbers its own
way."""
_REPEATED = frozenset({"id", "object", "created", "model", "service_tier", "system_fingerprint", "usage"})
"""Members that every chunk has; what else an answer has (citations, filter results) is told in its first and last."""
_OF_CHUNKS = frozenset({"choices", "obfuscation", "object"})


class Chat:
    def storable(self, whole: bytes) -> bool:
        try:
            return _message_of(read(whole)) is not None
        except ValueError:
            return False

    def plain(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes:
        answer, _ = _told(whole, ask, call_id, now)
        _show_usage(answer, zero)
        return msgspec.json.encode(answer)

    def stream(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes:
        answer, message = _told(whole, ask, call_id, now)
        usage = answer.pop("usage", None)
        (choice,) = answer.pop("choices")
        answer["object"] = "chat.completion.chunk"
        frame: dict[str, Any] = {**answer, "usage": None} if ask.wants_usage else answer
        delta, rest = _opening(message)
        first = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        told = [event({**frame, "choices": [first]})]
        told += _deltas({name: value for name, value in frame.items() if name in _REPEATED}, message)
        if rest:
            told.append(event({**frame, "choices": [{**first, "delta": rest}]}))
        last = {name: value for name, value in choice.items() if name != "message"}
        told.append(event({**frame, "choices": [{**last, "index": 0, "delta": {}}]}))
        if ask.wants_usage and isinstance(usage, dict):
            told.append(event({**frame, "choices": [], "usage": shown(usage, zero)}))
        told.append(b"data: [DONE]\n\n")
        return b"".join(told)

    def events(self, answer: dict[str, Any], ask: Ask) -> bytes:
        """Each choice in two chunks: what it says, and how it ended."""
        usage = answer.pop("usage", None)
        choices = objects(answer.pop("choices", None))
        frame: dict[str, Any] = {**answer, "object": "chat.completion.chunk"}
        if ask.wants_usage:
            frame["usage"] = None
        told = []
        for at, choice in enumerate(choices):
            said = dict(choice)
            message = {"role": "assistant", **an_object(said.pop("message", None))}
            calls = objects(message.get("tool_calls"))
            if calls:
                message["tool_calls"] = [{"index": number, **each} for number, each in enumerate(calls)]
            first = {"index": at, "delta": message, "logprobs": said.pop("logprobs", None), "finish_reason": None}
            told.append(event({**frame, "choices": [first]}))
            told.append(event({**frame, "choices": [{"index": at, "delta": {}, "logprobs": None} | said]}))
        if ask.wants_usage and isinstance(usage, dict):
            told.append(event({**frame, "choices": [], "usage": usage}))
        told.append(b"data: [DONE]\n\n")
        return b"".join(told)

    def assembled(self, payloads: Iterator[bytes], usage: Usage | None) -> dict[str, Any] | None:
        chunks = _Chunks()
        for payload in payloads:
            if payload.startswith(sse.DONE):
                break
            if not chunks.take(read(payload)):
                return None
        return chunks.whole(usage)


class _Chunks:
    """What the chunks of a stream amount to."""

    def __init__(self) -> None:
        self._frame: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._others: dict[str, Any] = {}

    def take(self, chunk: dict[str, Any]) -> bool:
        """Whether it can be part of an answer that is kept."""
        if chunk.get("error"):
            return False
        for name, value in chunk.items():
            if value is not None and name not in _OF_CHUNKS:
                self._frame[name] = value
        for choice in objects(chunk.get("choices")):
            if choice.get("index", 0) != 0 or choice.get("logprobs"):
                return False
            for name, value in choice.items():
                if value is not None and name != "delta":
                    self._choice[name] = value
            for name, value in an_object(choice.get("delta")).items():
                if value is not None and not self._add(name, value):
                    return False
        return True

    def whole(self, usage: Usage | None) -> dict[str, Any] | None:
        if not self._choice.get("finish_reason"):
            return None
        message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
        message |= {name: "".join(texts) for name, texts in self._texts.items()}
        choice = {"index": 0, "message": message | self._others, "logprobs": None} | self._choice
        whole = {"id": "", "object": "chat.completion"} | self._frame | {"choices": [choice]}
        if "usage" not in whole and usage is not None:
            whole["usage"] = msgspec.Raw(for_chat(Reading(usage=usage)))
        return whole

    def _add(self, name: str, value: Any) -> bool:
        """A member of a delta. Only what is known to come in pieces is put together."""
        if name in _STREAMED and isinstance(value, str):
            self._texts.setdefault(name, []).append(value)
        elif name == "annotations" and isinstance(value, list):
            self._others.setdefault(name, []).extend(value)
        elif name != "role" and name not in _DROPPED and value:
            return False
        return True


def _told(whole: bytes, ask: Ask, call_id: str, now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer with a name of its own, and the message in it. Raises ValueError if it is not storable."""
    answer = read(whole)
    message = _message_of(answer)
    if message is None:
        raise ValueError("an answer that is not storable")
    answer["id"] = f"chatcmpl-{call_id}"
    answer["created"] = now
    if "metadata" in answer:
        answer["metadata"] = ask.metadata
    return answer, message


def _message_of(answer: dict[str, Any]) -> dict[str, Any] | None:
    """The message of an answer that is storable."""
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return None
    if choice.get("finish_reason") != "stop" or choice.get("logprobs"):
        return None
    if answer.get("error") or answer.get("moderation") or any(message.get(name) for name in _NOT_KEPT):
        return None
    return None if blank(message.get("content")) else message


def _show_usage(answer: dict[str, Any], zero: bool) -> None:
    if "usage" in answer:
        answer["usage"] = shown(answer["usage"], zero)


def _opening(message: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What opens the stream of a message, and what is told in one go when its texts are."""
    opening = {"role": "assistant", "content": ""}
    rest = {}
    for name, value in message.items():
        if name in _NOT_KEPT:
            opening[name] = value
        elif name != "role" and value and not (name in _STREAMED and isinstance(value, str)):
            rest[name] = value
    return opening, rest


def _deltas(frame: dict[str, Any], message: dict[str, Any]) -> Iterator[bytes]:
    """Most of the stream, so all that repeats is written once."""
    head = b"data: " + msgspec.json.encode(frame)[:-1] + b',"choices":[{"index":0,"delta":{"'
    tail = b'},"logprobs":null,"finish_reason":null}]}\n\n'
    for name in _STREAMED:
        text = message.get(name)
        if isinstance(text, str):
            start = head + name.encode() + b'":'
            for piece in pieces(text):
                yield start + msgspec.json.encode(piece) + tail
