"""The tables of fates as the tables of the reference page, so that the page cannot say anything else than the code.

`python -m farthing.wire.translate.reference docs/reference/translation.md` writes them into the page.
"""

import re
import sys
from pathlib import Path

import msgspec

from farthing.wire.translate import errors, stops
from farthing.wire.translate.chat_to_messages import fates as to_messages
from farthing.wire.translate.messages_to_chat import fates as to_chat
from farthing.wire.translate.refusal import Fate, Fates

_MARKED = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with each marked table as the code has it. Raises KeyError for a mark that is not known."""
    tables = {
        "chat-to-messages": _objects(to_messages.FATES),
        "messages-to-chat": _objects(to_chat.FATES),
        "finish-reasons": _rows("Messages", "chat", stops.FINISH_OF_STOP),
        "stop-reasons": _rows("chat", "Messages", stops.STOP_OF_FINISH),
        "errors": _errors(),
    }
    return _MARKED.sub(lambda mark: f"{mark[1]}{tables[mark[2]]}{mark[3]}", page)


def _objects(fates: dict[type[msgspec.Struct], tuple[str, Fates]]) -> str:
    lines = []
    for place, table in fates.values():
        if table:
            lines += [f"### {place}\n", "| field | fate | |", "| --- | --- | --- |"]
            lines += [f"| `{name}` | {fate.kind} | {_note(fate)} |" for name, fate in table.items()]
            lines.append("")
    return "\n" + "\n".join(lines) + "\n"


def _note(fate: Fate) -> str:
    note = fate.note.replace("|", "\\|")
    if not fate.passes:
        return note
    values = ", ".join(f"`{msgspec.json.encode(value).decode()}`" for value in fate.passes)
    return f"{note} (passes: {values})"


def _rows(left: str, right: str, table: dict[str, str]) -> str:
    lines = [f"| {left} | {right} |", "| --- | --- |", *(f"| `{key}` | `{value}` |" for key, value in table.items())]
    return "\n" + "\n".join(lines) + "\n\n"


def _errors() -> str:
    lines = ["| status | Messages | chat | code |", "| --- | --- | --- | --- |"]
    for status, kind in errors.BY_STATUS.items():
        lines.append(f"| {status} | `{kind.messages}` | `{kind.chat}` | {f'`{kind.code}`' if kind.code else ''} |")
    return "\n" + "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(filled(path.read_text()))
