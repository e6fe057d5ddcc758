"""What a prompt is tried on: JSON lines, as eval sets have them, with an input for each slot of the prompt.

    input     the text of the prompt's only slot; or an object with a text for each slot. `prompt` is another name for it
    answer    optional: the right answer, or a list of right ones
    check     optional: `json`, `regex:...` and so on, as in the settings

Without an answer and a check the answers of two prompts are compared with one another. Knows nothing of models.
"""

from codecs import BOM_UTF8
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from farthing.quality.evalset import MOST, Case, EvalError, read


class Item(msgspec.Struct, frozen=True):
    inputs: dict[str, str]
    case: Case
    """How an answer is judged."""

    @property
    def is_known(self) -> bool:
        """Whether an answer can be judged by itself."""
        return bool(self.case.answers) or self.case.check != "auto"


class _Line(msgspec.Struct):
    input: str | dict[str, str] = ""
    prompt: str = ""
    answer: Any = ""
    check: str = "auto"


def read_items(lines: Iterable[bytes], slots: Collection[str]) -> list[Item]:
    """The items of a file's lines, in their order, each input once. Raises EvalError."""
    items: list[Item] = []
    seen = set()
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.removeprefix(BOM_UTF8)
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line, type=_Line)
            judged = msgspec.json.encode({"prompt": "-", "answer": found.answer, "check": found.check})
            (case,) = read([judged])
        except msgspec.MsgspecError as error:
            raise EvalError(f"line {number}: {error}") from None
        except EvalError as error:
            raise EvalError(f"line {number}: {str(error).removeprefix('line 1: ')}") from None
        inputs = _inputs(found, slots, number)
        key = tuple(sorted(inputs.items()))
        if key in seen:
            continue
        seen.add(key)
        if len(items) >= MOST:
            raise EvalError(f"line {number}: more than {MOST:,} items")
        items.append(Item(inputs, case))
    if not items:
        raise EvalError("there is no item in it")
    return items


def _inputs(line: _Line, slots: Collection[str], number: int) -> dict[str, str]:
    given = line.input or line.prompt
    if isinstance(given, str):
        if len(slots) != 1:
            raise EvalError(f"line {number}: `input` must be an object with {', '.join(sorted(slots))}")
        given = {next(iter(slots)): given}
    missing = sorted(set(slots) - given.keys())
    if missing or not any(given.values()):
        raise EvalError(f"line {number}: no input for {', '.join(missing or sorted(slots))}")
    return {name: given[name] for name in sorted(slots)}
