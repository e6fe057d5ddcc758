"""Responses told anew. Knows no other format.

The ids of output items stay: sealed reasoning is bound to the id of its item, and a provider that keeps a response
knows its items by theirs. So does the id of a response that the provider keeps, or its answer could not be the
`previous_response_id` of the next call.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from farthing.model.call import Ask
from farthing.model.usage import Usage
from farthing.wire.replay.told import an_object, blank, objects, pieces, read, shown

_KEPT_ITEMS = ("message", "reasoning")
_OF_THE_FIRST = ("user", "safety_identifier", "prompt_cache_key")
"""Members that an answer repeats from its request, and that say who asked."""
_ENDS = ("completed", "incomplete", "failed")
_DONE = b'"response.completed"'
_ITEM_DONE = b'"response.output_item.done"'


class Responses:
    def storable(self, whole: bytes) -> bool:
        try:
            return _is_storable(read(whole))
        except ValueError:
            return False

    def plain(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes:
        return msgspec.json.encode(_told(whole, ask, zero, call_id, now))

    def stream(self, whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> bytes:
        return self.events(_told(whole, ask, zero, call_id, now), ask)

    def events(self, answer: dict[str, Any], ask: Ask) -> bytes:
        begun = answer | {"status": "in_progress", "output": [], "usage": None}
        if "completed_at" in begun:
            begun["completed_at"] = None
        events = _Events()
        opening = msgspec.Raw(msgspec.json.encode(begun))
        events.add("response.created", response=opening)
        events.add("response.in_progress", response=opening)
        for at, item in enumerate(objects(answer.get("output"))):
            _tell_item(events, at, item)
        status = answer.get("status")
        events.add(f"response.{status if status in _ENDS else 'completed'}", response=answer)
        return b"".join(events.told)

    def assembled(self, payloads: Iterator[bytes], usage: Usage | None) -> dict[str, Any] | None:
        """The last event has it all; some hosts leave the output out there, since the events before it had it."""
        items = []
        for payload in payloads:
            if payload.find(_ITEM_DONE) >= 0:
                items.append(payload)
            if payload.find(_DONE) < 0:
                continue
            event = read(payload)
            if event.get("type") == "response.completed":
                whole = an_object(event.get("response"))
                return whole if whole.get("output") else whole | {"output": _items(items)}
        return None


class _Events:
    """Events with their numbers."""

    def __init__(self) -> None:
        self.told: list[bytes] = []

    def add(self, kind: str, **more: Any) -> None:
        value = msgspec.json.encode({"type": kind, "sequence_number": len(self.told), **more})
        self.told.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), value))

    def add_pieces(self, kind: str, text: str, **more: Any) -> None:
        """A delta for each piece of a text; what repeats is written once."""
        start = b'event: %b\ndata: {"type":"%b","sequence_number":' % (kind.encode(), kind.encode())
        rest = b"," + msgspec.json.encode(more)[1:-1] + b',"delta":'
        for piece in pieces(text):
            self.told.append(start + b"%d" % len(self.told) + rest + msgspec.json.encode(piece) + b"}\n\n")


def _told(whole: bytes, ask: Ask, zero: bool, call_id: str, now: int) -> dict[str, Any]:
    """The answer with a name and a date of its own. Raises ValueError if it is not storable."""
    answer = read(whole)
    if not _is_storable(answer):
        raise ValueError("an answer that is not storable")
    if answer.get("store") is not True:
        answer["id"] = f"resp_{call_id}"
    for name in ("created_at", "completed_at"):
        if name in answer:
            answer[name] = now
    for name in _OF_THE_FIRST:
        if name in answer:
            answer[name] = None
    if "metadata" in answer:
        answer["metadata"] = ask.metadata
    answer["usage"] = shown(answer.get("usage"), zero)
    return answer


def _is_storable(answer: dict[str, Any]) -> bool:
    """Raises ValueError for an answer that is not built as one."""
    items = objects(answer.get("output"))
    for item in items:
        objects(item.get("summary"))
        for part in objects(item.get("content")):
            objects(part.get("annotations"))
    texts = [part for item in items if item.get("type") == "message" for part in objects(item.get("content"))]
    return (
        answer.get("status") == "completed"
        and not any(answer.get(name) for name in ("error", "incomplete_details", "background", "conversation"))
        and not answer.get("moderation")
        and all(item.get("type") in _KEPT_ITEMS for item in items)
        and all(part.get("type") == "output_text" and not part.get("logprobs") for part in texts)
        and any(not blank(part.get("text")) for part in texts)
    )


def _items(payloads: list[bytes]) -> list[Any]:
    """Finished items, in the order of the output."""
    events = [event for event in map(read, payloads) if event.get("type") == "response.output_item.done"]
    if not all(type(event.get("output_index")) is int for event in events):
        raise ValueError("an item without its place")
    return [event.get("item") for event in sorted(events, key=lambda event: event["output_index"])]


def _tell_item(events: _Events, at: int, item: dict[str, Any]) -> None:
    where = {"item_id": item.get("id") or "", "output_index": at}
    opened = {"status": "in_progress", "content": [], "summary": [], "arguments": ""}
    opening = {name: opened[name] if name in opened and value is not None else value for name, value in item.items()}
    events.add("response.output_item.added", output_index=at, item=opening)
    for number, part in enumerate(objects(item.get("summary"))):
        _tell_summary(events, {**where, "summary_index": number}, part)
    for number, part in enumerate(objects(item.get("content"))):
        _tell_part(events, {**where, "content_index": number}, part)
    arguments = item.get("arguments")
    if item.get("type") == "function_call" and isinstance(arguments, str):
        events.add("response.function_call_arguments.delta", **where, delta=arguments)
        events.add("response.function_call_arguments.done", **where, name=item.get("name"), arguments=arguments)
    events.add("response.output_item.done", output_index=at, item=item)


def _tell_summary(events: _Events, where: dict[str, Any], part: dict[str, Any]) -> None:
    def between() -> None:
        events.add_pieces("response.reasoning_summary_text.delta", _text_of(part), **where)
        events.add("response.reasoning_summary_text.done", **where, text=_text_of(part))

    _tell_between(events, "response.reasoning_summary_part", where, part, between)


def _tell_part(events: _Events, where: dict[str, Any], part: dict[str, Any]) -> None:
    """Text of a message, or of reasoning."""
    text = _text_of(part)

    def spoken() -> None:
        events.add_pieces("response.output_text.delta", text, **where, logprobs=[])
        for number, annotation in enumerate(objects(part.get("annotations"))):
            events.add(
                "response.output_text.annotation.added", **where, annotation_index=number, annotation=annotation
            )  # fmt: skip
        events.add("response.output_text.done", **where, text=text, logprobs=[])

    def thought() -> None:
        events.add_pieces("response.reasoning_text.delta", text, **where)
        events.add("response.reasoning_text.done", **where, text=text)

    if part.get("type") == "refusal":
        _tell_refusal(events, where, part)
        return
    between = spoken if part.get("type") == "output_text" else thought
    _tell_between(events, "response.content_part", where, part, between)


def _tell_refusal(events: _Events, where: dict[str, Any], part: dict[str, Any]) -> None:
    events.add("response.content_part.added", **where, part=part | {"refusal": ""})
    events.add("response.refusal.delta", **where, delta=str(part.get("refusal") or ""))
    events.add("response.refusal.done", **where, refusal=part.get("refusal"))
    events.add("response.content_part.done", **where, part=part)


def _tell_between(
    events: _Events, kind: str, where: dict[str, Any], part: dict[str, Any], between: Callable[[], None]
) -> None:  # fmt: skip
    opening = part | {"text": ""}
    if "annotations" in part:
        opening["annotations"] = []
    events.add(f"{kind}.added", **where, part=opening)
    between()
    events.add(f"{kind}.done", **where, part=part)


def _text_of(part: dict[str, Any]) -> str:
    text = part.get("text")
    return text if isinstance(text, str) else ""
