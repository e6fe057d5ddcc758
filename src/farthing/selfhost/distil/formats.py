"""A data set as those who train want it, one call a line. Knows nothing of files and of what is left out.

openai    chats, as OpenAI and Azure fine-tune on
bedrock   bedrock-conversation-2024, for Nova and Llama at Amazon Bedrock
anthropic system and messages, for Claude at Amazon Bedrock
trl       prompt and completion as messages, for TRL's SFTTrainer: the loss is on the completion
axolotl   messages, for `type: chat_template`
eval      prompt and the teacher's answer, for `farthing routes eval` and `farthing distil evaluate`
csv       text, answer and where they are from, with a head
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from farthing.store.captures import Captured

FORMATS = ("openai", "bedrock", "anthropic", "trl", "axolotl", "eval", "csv")
COLUMNS = ("text", "answer", "instructions", "template", "feature", "task", "model", "at_us", "call_id")

AXOLOTL = "datasets:\n  - path: train.jsonl\n    type: chat_template\n    field_messages: messages\n    roles_to_train: [assistant]\n"
"""What Axolotl's own file says of it."""


def written(format: str, calls: Iterable[Captured], system: str | None = None) -> Iterator[bytes]:
    """The lines of a file. `system` instead of each call's own instructions; empty: none at all."""
    if format == "csv":
        yield _row(COLUMNS)
    for call in calls:
        if system is not None:
            call = msgspec.structs.replace(call, instructions=system)
        if format == "csv":
            yield _row([getattr(call, name) for name in COLUMNS])
        else:
            yield msgspec.json.encode(_SHAPES[format](call)) + b"\n"


def suffix(format: str) -> str:
    """How such a file's name ends."""
    return ".csv" if format == "csv" else ".jsonl"


def _openai(call: Captured) -> dict[str, Any]:
    return {"messages": [*_asked(call), {"role": "assistant", "content": call.answer}]}


def _bedrock(call: Captured) -> dict[str, Any]:
    system = {"system": [{"text": call.instructions}]} if call.instructions else {}
    turns = (("user", call.text), ("assistant", call.answer))
    return {
        "schemaVersion": "bedrock-conversation-2024", **system,
        "messages": [{"role": role, "content": [{"text": text}]} for role, text in turns],
    }  # fmt: skip


def _anthropic(call: Captured) -> dict[str, Any]:
    system = {"system": call.instructions} if call.instructions else {}
    turns = (("user", call.text), ("assistant", call.answer))
    return {**system, "messages": [{"role": role, "content": text} for role, text in turns]}


def _trl(call: Captured) -> dict[str, Any]:
    return {"prompt": _asked(call), "completion": [{"role": "assistant", "content": call.answer}]}


def _eval(call: Captured) -> dict[str, Any]:
    return {"messages": _asked(call), "answer": call.answer}


def _asked(call: Captured) -> list[dict[str, str]]:
    system = [{"role": "system", "content": call.instructions}] if call.instructions else []
    return [*system, {"role": "user", "content": call.text}]


def _row(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", "replace")


_SHAPES: dict[str, Callable[[Captured], dict[str, Any]]] = {
    "openai": _openai, "bedrock": _bedrock, "anthropic": _anthropic, "trl": _trl, "axolotl": _openai, "eval": _eval,
}  # fmt: skip
