"""What of a call and its answer can be learned from: the latest ask as it stands, the instructions around it, the words of
the answer. None for what words alone do not tell: media, tools that were called, answers that were cut or refused."""

from functools import lru_cache
from typing import Any

import msgspec

from farthing.model.asked import Asked
from farthing.model.call import Sample
from farthing.steps.capture.redaction import redact
from farthing.store.captures import Captured
from farthing.wire.asked import asked as read_asked
from farthing.wire.lenient import anything
from farthing.wire.question import question
from farthing.wire.said import said


class Taken(msgspec.Struct, frozen=True):
    """A call that ended well, and its answer, as they went over the wire."""

    call_id: str
    at_us: int
    wire: str
    request: bytes
    answer: bytes
    """Whole, or the events of its stream."""
    tenant: str
    feature: str
    task: str
    model: str
    asked: Asked | None = None
    sample: Sample = ""
    named: str = ""
    """The model that the client asked for."""

    @property
    def size(self) -> int:
        return len(self.request) + len(self.answer)


def read(taken: Taken, *, redacted: bool, most_chars: int, expires_us: int) -> Captured | None:
    """What is kept of it. None if nothing can be learned from it, or it is longer than `most_chars`. Never raises."""
    told = said(taken.wire, taken.answer)
    if told is None or told.tools or told.finish != "stop" or not told.text.strip():
        return None
    found = question(taken.wire, taken.request)
    if found is None or not found.text or found.has_media or found.has_tool_results or found.choices > 1:
        return None
    asked = taken.asked or read_asked(taken.wire, taken.request)
    instructions = instructions_of(taken.wire, taken.request)
    if len(found.text) + len(told.text) + len(instructions) > most_chars:
        return None
    text, answer = found.text, told.text
    if redacted:
        text, answer, instructions = redact(text).text, redact(answer).text, _redacted(instructions)
    loosely = question(taken.wire, taken.request, loosely=True) or found
    return Captured(
        taken.call_id, text, answer, taken.at_us, asked.template if asked is not None else "", taken.tenant,
        taken.feature, taken.task, taken.model, found.turns, instructions, asked.labels if asked is not None else (), expires_us,
        taken.sample, found.beside(taken.named), loosely.beside(taken.named),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _redacted(instructions: str) -> str:
    """Of instructions, which most calls of a feature share and which are long."""
    return redact(instructions).text


def instructions_of(wire: str, request: bytes) -> str:
    """The words of the system prompt, whole; empty where there is none, or it cannot be read."""
    body = anything(request)
    if not isinstance(body, dict):
        return ""
    given = [body.get("system") if wire == "anthropic.messages" else body.get("instructions")]
    listed = body.get("input") if wire == "openai.responses" else body.get("messages")
    for message in listed if isinstance(listed, list) else []:
        if isinstance(message, dict) and message.get("role") in ("system", "developer"):
            given.append(message.get("content"))
    return "\n".join(filter(None, map(_words, given)))


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
