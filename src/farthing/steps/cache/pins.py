"""Answers that people approve, written for questions before anyone asks them.

A pin is an entry like any other, so a call finds it by the same fingerprints. They are taken from the request that a
plain call would make: the system prompt, one question, the temperatures at which answers may be given again, and what
else its callers send. A call that differs in any of this (another prompt, earlier turns, `max_tokens`) does not find it.
`again` pins an entry that a call has left, and so needs to know none of this. Knows no encoder: vectors are given.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from farthing.model.principal import Principal
from farthing.steps.cache.place import Place
from farthing.steps.cache.policy import Rules, sharing
from farthing.store.entries import Entry, Link, new_entry_id, new_link_id
from farthing.wire.question import Question, question
from farthing.wire.replay import storable

WIRES = ("openai.chat", "openai.responses", "anthropic.messages")
LONGEST = 2_000
"""Characters of a question; longer ones are never compared with others."""

_SAID_ELSEWHERE = {"model", "messages", "input", "system", "instructions"}

Vectors = Mapping[str, bytes]
"""Packed vectors by text; needed where the feature's cache is semantic."""


class CannotPin(ValueError):
    """The words say what is wrong with the pin."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, the questions that it answers, and whose calls get it."""

    questions: tuple[str, ...]
    answer: str
    model: str
    """As callers ask for it."""
    wire: str = "openai.chat"
    system: str = ""
    more: dict[str, Any] = {}
    """Further members of the callers' requests, such as `max_tokens`. They are a part of what an answer depends on."""
    principal: Principal = Principal()
    """Whose calls: tenant, feature, and team, user or key as the feature shares its answers."""
    tags: tuple[str, ...] = ()


class Pinned(msgspec.Struct, frozen=True):
    """What a pin became: `id` is a tag of each of its entries."""

    id: str
    share: str
    """Who gets it, as `sharing` says it; empty where a call had said so before."""
    entries: list[Entry]
    links: list[Link]


def new_pin_id() -> str:
    return "pin-" + secrets.token_hex(6)


def pinned(pin: Pin, rules: Rules, vectors: Vectors, encoder: str, *, now_us: int) -> Pinned:
    """Entries and links of a pin under the rules of its feature: an entry whose links are the further questions, or where
    only exact hits are given, an entry for each question. Raises CannotPin."""
    questions = _checked(pin.questions)
    id = new_pin_id()
    answer = answer_of(pin.wire, pin.model, pin.answer, now_s=now_us // 1_000_000)
    place = Place(
        tenant=pin.principal.tenant, share=sharing(pin.principal, None, rules.share), feature=pin.principal.feature,
        wire=pin.wire, model=pin.model,
    )  # fmt: skip
    made = []
    spelled = questions[:1] if rules.semantic else questions
    for asked in (each for text in spelled for each in _asked(pin, text, rules)):
        made.append(
            Entry(
                id=new_entry_id(), tenant=place.tenant, scope=place.feature, owner=pin.principal.user,
                team=pin.principal.team, format=pin.wire, model=pin.model, asked=pin.model, exact=place.key(asked.exact),
                context=place.group(asked.context), question=asked.text, answer=answer, created_us=now_us,
                source_call=id, tags=(id, *pin.tags), pinned=True, **_vector(vectors, encoder, asked.text),
            )
        )  # fmt: skip
    return Pinned(
        id, place.share, made, [link for entry in made for link in _links(entry, questions[1:], vectors, now_us)]
    )


def again(
    entry: Entry, questions: tuple[str, ...], answer: str, vectors: Vectors, encoder: str, *, now_us: int
) -> Pinned:
    """Approve an entry that a call has left, with further questions; `answer` empty keeps the words that it has.

    The approved one takes the place of the entry, for just the calls that found it. Raises CannotPin.
    """
    more = tuple(text for text in _checked((entry.question, *questions)) if text != entry.question)
    id = new_pin_id()
    body = answer_of(entry.format, entry.model, answer, now_s=now_us // 1_000_000) if answer else entry.answer
    approved = msgspec.structs.replace(
        entry, id=new_entry_id(), answer=body, created_us=now_us, expires_us=0, source_call=entry.source_call or id,
        tags=(id, *entry.tags), pinned=True, **_vector(vectors, encoder, entry.question),
    )  # fmt: skip
    return Pinned(id, "", [approved], list(_links(approved, more, vectors, now_us)))


def answer_of(wire: str, model: str, text: str, *, now_s: int) -> bytes:
    """The whole answer that a plain call of that wire would have got for these words. It used no tokens.

    Raises CannotPin if there are no words or no such wire.
    """
    if wire not in _ANSWERS:
        raise CannotPin(f"no answers are kept for the wire {wire!r}; choose from {', '.join(WIRES)}")
    whole = msgspec.json.encode(_ANSWERS[wire](model, text, now_s))
    if not text.strip() or not storable(wire, whole):
        raise CannotPin("the answer has no words")
    return whole


def _checked(questions: tuple[str, ...]) -> tuple[str, ...]:
    """Each once, in order."""
    found = tuple(dict.fromkeys(text.strip() for text in questions))
    if not found or not all(found):
        raise CannotPin("a question has no words")
    if any(len(text) > LONGEST for text in found):
        raise CannotPin(f"a question is longer than {LONGEST:,} characters, and would never be compared with another")
    return found


def _asked(pin: Pin, text: str, rules: Rules) -> list[Question]:
    """What the calls that a pin is for ask, once for each way of sending it."""
    found: dict[bytes, Question] = {}
    for body in _bodies(pin, text, rules):
        asked = question(pin.wire, msgspec.json.encode(body))
        if asked is None:
            raise CannotPin("no answer can be kept for such a request: it cannot be read, or runs in the background")
        if asked.has_tools or asked.has_media or asked.has_tool_results or asked.choices != 1:
            raise CannotPin("requests with tools, media or several choices are never compared with others")
        found[asked.exact] = asked
    return list(found.values())


def _bodies(pin: Pin, text: str, rules: Rules) -> Iterator[dict[str, Any]]:
    for name in _SAID_ELSEWHERE & pin.more.keys():
        raise CannotPin(f"{name} has an option of its own, or comes from the questions")
    for temperature in _temperatures(pin.more, rules):
        for request in _REQUESTS[pin.wire](pin.system, text):
            yield {"model": pin.model, **request, **temperature, **pin.more}


def _temperatures(more: Mapping[str, Any], rules: Rules) -> list[dict[str, float]]:
    """The common ones at which the feature gives answers again: none said only where 1, its default, is allowed."""
    if "temperature" in more:
        if more["temperature"] is not None and more["temperature"] > rules.max_temperature:
            raise CannotPin(
                f"calls at this temperature are left alone: cache.max_temperature is {rules.max_temperature:g}"
            )
        return [{}]
    return [{"temperature": 0.0}, *([{}] if rules.max_temperature >= 1 else [])]


def _vector(vectors: Vectors, encoder: str, text: str) -> dict[str, Any]:
    return {"vector": vectors[text], "encoder": encoder} if text in vectors else {"vector": b"", "encoder": ""}


def _links(entry: Entry, questions: tuple[str, ...], vectors: Vectors, now_us: int) -> Iterator[Link]:
    for text in questions:
        if text in vectors:
            yield Link(
                id=new_link_id(), tenant=entry.tenant, entry_id=entry.id, question=text, vector=vectors[text],
                source="pin", created_us=now_us,
            )  # fmt: skip


# Requests and answers of each wire.


def _chat_requests(system: str, text: str) -> list[dict[str, Any]]:
    asked = [{"role": "user", "content": text}]
    if not system:
        return [{"messages": asked}]
    return [{"messages": [{"role": role, "content": system}, *asked]} for role in ("system", "developer")]


def _messages_requests(system: str, text: str) -> list[dict[str, Any]]:
    asked = {"messages": [{"role": "user", "content": text}]}
    if not system:
        return [asked]
    return [{"system": system, **asked}, {"system": [{"type": "text", "text": system}], **asked}]


def _responses_requests(system: str, text: str) -> list[dict[str, Any]]:
    instructions = {"instructions": system} if system else {}
    message = {"role": "user", "content": text}
    return [{**instructions, "input": asked} for asked in (text, [message], [{"type": "message", **message}])]


_REQUESTS = {
    "openai.chat": _chat_requests, "openai.responses": _responses_requests, "anthropic.messages": _messages_requests
}  # fmt: skip
"""The spellings in which the SDKs send a system prompt and a question."""


def _chat_answer(model: str, text: str, now_s: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-pinned", "object": "chat.completion", "created": now_s, "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }  # fmt: skip


def _messages_answer(model: str, text: str, now_s: int) -> dict[str, Any]:
    return {
        "id": "msg_pinned", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }  # fmt: skip


def _responses_answer(model: str, text: str, now_s: int) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    message: dict[str, Any] = {
        "id": "msg_pinned",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    return {
        "id": "resp_pinned", "object": "response", "created_at": now_s, "status": "completed", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "model": model, "output": [message],
        "parallel_tool_calls": True, "temperature": None, "tool_choice": "auto", "tools": [], "top_p": None,
        "usage": {
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
        },
    }  # fmt: skip


_ANSWERS = {
    "openai.chat": _chat_answer, "openai.responses": _responses_answer, "anthropic.messages": _messages_answer
}  # fmt: skip
