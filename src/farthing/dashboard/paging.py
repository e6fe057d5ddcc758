"""Long lists in parts: which part an address asks for, and where those beside it are. Knows no list."""

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from farthing.dashboard.view import View
from farthing.model.errors import BadRequest

T = TypeVar("T")

PAGE_ROWS = 50


class Part(NamedTuple):
    """One of several parts that are counted from 1."""

    no: int
    of: int
    earlier: str
    """Its address; empty for the first."""
    later: str


def asked(view: View, param: str = "page") -> int:
    """The part that is asked for: what is no number is the first."""
    text = view.query.get(param, "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def part_of(
    view: View, rows: Sequence[T], param: str, kept: dict[str, str | None], size: int = PAGE_ROWS
) -> tuple[Sequence[T], Part]:
    """The rows of the part that the address asks for under `param`, or of the last one; with where its neighbours are,
    which keep what `kept` says. A file has all rows."""
    if "table" in view.params:
        return rows, Part(1, 1, "", "")
    of = max(1, -(-len(rows) // size))
    no = min(asked(view, param), of)

    def at(number: int) -> str:
        return view.href(**(kept | {param: f"{number}" if number > 1 else None}))

    part = Part(no, of, at(no - 1) if no > 1 else "", at(no + 1) if no < of else "")
    return rows[size * (no - 1) : size * no], part


def before_of(view: View, param: str) -> int | None:
    """The number before which a list that is kept by number goes on; None for its beginning. Raises BadRequest."""
    text = view.query.get(param, "")
    if not text:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,14}", text):
        raise BadRequest("This part of the list cannot be found; take its beginning.", param=param)
    return int(text)
