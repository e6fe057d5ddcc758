"""Items made of captured calls: what people really asked, with the slots of the prompt filled as they were.

What was asked last is held against the text of the prompt's last message. A short answer, such as a label, counts as the right
one; other answers are compared with what the prompt as it is says. Knows nothing of stores.
"""

import re
from collections.abc import Iterable

import msgspec

from farthing.lab.items import Item, read_items
from farthing.lab.prompt import Prompt
from farthing.lab.segments import SLOT
from farthing.quality.evalset import EvalError
from farthing.store.captures import Captured

LABEL = 40
"""Characters of the longest answer that counts as right by its words."""


def items_of(prompt: Prompt, calls: Iterable[Captured]) -> list[Item]:
    """Raises EvalError where there is none."""
    text = prompt.messages[-1].text
    if set(SLOT.findall(text)) != prompt.slots:
        raise EvalError("captured calls say what was asked last: all slots must be in the last message")
    form, slots = _form(text)
    lines, looked = [], 0
    for call in calls:
        looked += 1
        found = form.fullmatch(call.text.strip()) if call.turns == 1 and call.is_fair else None
        if found is not None and all(found.groups()):
            inputs = dict(zip(slots, found.groups(), strict=True))
            lines.append(msgspec.json.encode({"input": inputs, **_gold(call.answer)}))
    if not lines:
        raise EvalError(f"{looked:,} calls are captured of it, and none has the form of the prompt's last message")
    return read_items(lines, prompt.slots)


def _form(text: str) -> tuple[re.Pattern[str], list[str]]:
    """What a message looks like whose slots are filled, with a group for each slot, in this order. One that comes again has the
    same words."""
    parts, end, slots = [], 0, list[str]()
    text = text.strip()
    for found in SLOT.finditer(text):
        parts.append(re.escape(text[end : found.start()]))
        if found[1] in slots:
            parts.append(f"(?:\\{slots.index(found[1]) + 1})")
        else:
            parts.append("(.*?)")
            slots.append(found[1])
        end = found.end()
    return re.compile("".join(parts) + re.escape(text[end:]), re.DOTALL), slots


def _gold(answer: str) -> dict[str, str]:
    words = answer.strip()
    return {"answer": words} if 0 < len(words) <= LABEL and "\n" not in words else {}
