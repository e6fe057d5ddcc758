"""Messages answers told anew. Knows no other format."""

from collections.abc import Iterator
from typing import Any

import msgspec

from farthing.model.call import Ask
from farthing.model.usage import Reading, Usage
from farthing.wire.replay.told import an_object, blank, event, objects, pieces, read, shown
from farthing.wire.translate.usage import for_messages

_KEPT_BLOCKS = ("text", "thinking", "redacted_thinking")
_ENDS = ("end_turn", "stop_sequence")
_TEXT_OF_DELTA = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
_DELTA_OF_TEXT = {text: delta for delta, text in _TEXT_OF_DELTA.items()}
_USAGE_AT_END = (
    "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens", "output_tokens_details",
    "server_tool_use",
)  # fmt: skip


class Messages:
    def storable(self, whole: bytes) -> bool:
        try:
            return _is_storable(read(whole))
        except ValueError:
            return False

    def plain(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes:
        return msgspec.json.encode(_told(whole, zero, call_id))

    def stream(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes:
        return self.events(_told(whole, zero, call_id), ask)

    def events(self, answer: dict[str, Any], ask: Ask) -> bytes:
        blocks = objects(answer.get("content"))
        usage = an_object(answer.get("usage"))
        at_start = {name: value for name, value in usage.items() if name != "output_tokens_details"}
        end = {name: usage[name] for name in _USAGE_AT_END if name in usage}
        stop = {
            name: value for name, value in answer.items() if name in ("stop_reason", "stop_sequence", "stop_details")
        }
        opening = {**answer, **dict.fromkeys(stop), "content": [], "usage": {**at_start, "output_tokens": 0}}
        told = [_event("message_start", message=opening)]
        for at, block in enumerate(blocks):
            told += _block_events(at, block)
        told.append(_event("message_delta", delta=stop, usage={"output_tokens": 0} | end))
        told.append(_event("message_stop"))
        return b"".join(told)

    def assembled(self, payloads: Iterator[bytes], usage: Usage | None) -> dict[str, Any] | None:
        message = _Message()
        for payload in payloads:
            if not message.take(read(payload)):
                return None
            if message.stopped:
                return message.whole(usage)
        return None


class _Message:
    """What the events of a stream amount to."""

    def __init__(self) -> None:
        self.stopped = False
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: list[dict[str, Any]] = []
        self._texts: list[dict[str, list[str]]] = []
        """For each block, its members that come in pieces."""

    def take(self, event: dict[str, Any]) -> bool:
        """Whether it can be part of an answer that is kept."""
        match event.get("type"):
            case "message_start":
                self._message = an_object(event.get("message"))
                self._count(self._message.get("usage"))
            case "content_block_start":
                return self._open(an_object(event.get("content_block")), event.get("index"))
            case "content_block_delta":
                return self._add(an_object(event.get("delta")), event.get("index"))
            case "message_delta":
                self._message |= an_object(event.get("delta"))
                self._count(event.get("usage"))
            case "message_stop":
                self.stopped = True
            case "error":
                return False
        return True

    def whole(self, usage: Usage | None) -> dict[str, Any] | None:
        if not self._message.get("stop_reason"):
            return None
        for block, texts in zip(self._blocks, self._texts, strict=True):
            block |= {name: "".join(parts) for name, parts in texts.items()}
        counted: Any = self._usage
        if not counted and usage is not None:
            counted = msgspec.Raw(for_messages(Reading(usage=usage)))
        return self._message | {"content": self._blocks, "usage": counted}

    def _count(self, usage: Any) -> None:
        """Counts are totals so far; one that is null says nothing."""
        self._usage |= {name: value for name, value in an_object(usage).items() if value is not None}

    def _open(self, block: dict[str, Any], index: Any) -> bool:
        self._blocks.append(block)
        self._texts.append({name: [block[name]] for name in _DELTA_OF_TEXT if isinstance(block.get(name), str)})
        return index == len(self._blocks) - 1 and block.get("type") in _KEPT_BLOCKS

    def _add(self, delta: dict[str, Any], index: Any) -> bool:
        if not self._blocks or index != len(self._blocks) - 1:
            return False
        name = _TEXT_OF_DELTA.get(str(delta.get("type")))
        if name is not None and isinstance(delta.get(name), str):
            self._texts[-1].setdefault(name, []).append(delta[name])
            return True
        if delta.get("type") != "citations_delta":
            return False
        block = self._blocks[-1]
        block["citations"] = [*objects(block.get("citations")), an_object(delta.get("citation"))]
        return True


def _told(whole: bytes, zero: bool, call_id: str) -> dict[str, Any]:
    """The answer with a name of its own. Raises ValueError if it is not storable."""
    answer = read(whole)
    if not _is_storable(answer):
        raise ValueError("an answer that is not storable")
    answer["id"] = f"msg_{call_id}"
    answer["usage"] = shown(answer.get("usage"), zero)
    return answer


def _is_storable(answer: dict[str, Any]) -> bool:
    """Raises ValueError for an answer that is not built as one."""
    blocks = objects(answer.get("content"))
    an_object(answer.get("usage"))
    for block in blocks:
        objects(block.get("citations"))
    return (
        answer.get("type") == "message"
        and answer.get("stop_reason") in _ENDS
        and not answer.get("container")
        and not answer.get("diagnostics")
        and all(block.get("type") in _KEPT_BLOCKS for block in blocks)
        and any(block.get("type") == "text" and not blank(block.get("text")) for block in blocks)
    )


def _block_events(at: int, block: dict[str, Any]) -> Iterator[bytes]:
    texts = {name: text for name in _DELTA_OF_TEXT if isinstance(text := block.get(name), str)}
    citations = objects(block.get("citations"))
    opening = block | dict.fromkeys(texts, "")
    asked = block.get("input")
    if asked is not None:
        opening["input"] = {}
    if citations:
        opening["citations"] = []
    yield _event("content_block_start", index=at, content_block=opening)
    for name, text in texts.items():
        kind = _DELTA_OF_TEXT[name].encode()
        head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
            % (at, kind, name.encode())
        )
        for piece in pieces(text) if name != "signature" else [text]:
            yield head + msgspec.json.encode(piece) + b"}}\n\n"
    if asked is not None:
        delta = {"type": "input_json_delta", "partial_json": msgspec.json.encode(asked).decode()}
        yield _event("content_block_delta", index=at, delta=delta)
    for citation in citations:
        yield _event("content_block_delta", index=at, delta={"type": "citations_delta", "citation": citation})
    yield _event("content_block_stop", index=at)


def _event(kind: str, **more: Any) -> bytes:
    return event({"type": kind, **more}, kind)
