"""What became of a job's lines as a file has it: JSON lines, or a table with the answers beside the rows that were asked about.

Knows nothing of where lines and files are.
"""

import csv
import io
from typing import Any

import msgspec

from farthing.batch.outcomes import Outcome
from farthing.model.money import exact_dollars
from farthing.wire.said import said

KINDS = ("jsonl", "csv")
OWN = ("answer", "status", "cost_dollars")
"""Columns behind those of the input; one that is there already gets `farthing_` before its name."""
WIRES = ("openai.chat", "anthropic.messages", "openai.responses")


def kind_of(name: str) -> str:
    """By the ending of a file's name."""
    return "csv" if name.lower().endswith(".csv") else "jsonl"


class Writer:
    """Lines of the file. `columns`: of the input, where some of it was written before."""

    def __init__(self, kind: str, columns: list[str]) -> None:
        self.columns = columns
        self._kind = kind
        self._begun = bool(columns)
        self._own: list[str] = []

    def line(self, outcome: Outcome) -> str:
        if self._kind == "jsonl":
            return msgspec.json.encode(outcome).decode("utf-8", "replace") + "\n"
        row = msgspec.json.decode(outcome.row)
        values: dict[str, Any] = row if isinstance(row, dict) else {"custom_id": outcome.custom_id}
        head = ""
        if not self._begun:
            self.columns = list(values)
            head = _csv([*self.columns, *(name if name not in self.columns else f"farthing_{name}" for name in OWN)])
            self._begun = True
        cost = "" if outcome.cost_nano is None else exact_dollars(outcome.cost_nano)
        status = f"{outcome.status}" if outcome.status else outcome.state
        return head + _csv([*(_cell(values.get(name)) for name in self.columns), text_of(outcome), status, cost])


def text_of(outcome: Outcome) -> str:
    """What an answer says; the answer as it is where it says nothing in words; what is wrong where there is none."""
    for wire in WIRES:
        found = said(wire, bytes(outcome.answer))
        if found is not None and (found.text or found.tools):
            return found.text or msgspec.json.encode(found.tools).decode()
    answer = msgspec.json.decode(outcome.answer)
    if answer is None:
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return bytes(outcome.answer).decode("utf-8", "replace")


def _csv(values: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
