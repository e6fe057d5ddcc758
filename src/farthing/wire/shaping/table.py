"""Uniform records as a table: a JSON array of objects with the same members becomes a header and a line for each.

A table of comma-separated values in which types can still be told: `null` is an empty cell; a text is quoted where it
could be taken for something else; numbers and truth values keep their spelling. A model must understand it, so it is
used only where somebody says so, and only on results of tools. Knows no wire format.
"""

import re

import msgspec

from farthing.wire.shaping.escapes import FENCE
from farthing.wire.shaping.shaped import Shaped

LEAST_ROWS = 4
"""A header must pay for itself."""
MOST_COLUMNS = 40
CHARS_A_TOKEN = 5
"""Characters that fall for each token that falls, against compact JSON: 3.3 (short values) to 4.9 (long texts)."""

_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_text = msgspec.json.Decoder(str)
_QUOTE = b'"'[0]
_NESTED = b"{["
_BARE_TEXT = re.compile(r"(?!true$|false$|null$)[^\W\d_][^\",\r\n]*(?<! )")
"""A text that is taken for nothing else: it begins with a letter and holds nothing that a table needs for itself."""


def table(text: str) -> Shaped | None:
    """The records of a JSON array as a table; None for anything else, and where no tokens fall."""
    if text[:1] != "[" or FENCE in text:
        return None
    try:
        rows = _rows.decode(text)
        size = len(msgspec.json.format(text, indent=-1))
        if not _are_alike(rows):
            return None
        names = list(rows[0])
        lines = [",".join(map(_cell_of_text, names))]
        lines += [",".join(_cell(bytes(row[name])) for name in names) for row in rows]
    except (msgspec.DecodeError, UnicodeError, RecursionError, _Nested):
        return None
    made = "\n".join(lines)
    tokens = (size - len(made)) // CHARS_A_TOKEN
    return Shaped(made, tokens) if tokens > 0 else None


class _Nested(Exception):
    """A value that is no single cell."""


def _are_alike(rows: list[dict[str, msgspec.Raw]]) -> bool:
    if len(rows) < LEAST_ROWS or not 1 <= len(rows[0]) <= MOST_COLUMNS:
        return False
    names = rows[0].keys()
    return all(row.keys() == names for row in rows)


def _cell(value: bytes) -> str:
    if value[0] == _QUOTE:
        return _cell_of_text(_text.decode(value))
    if value[0] in _NESTED:
        raise _Nested
    return "" if value == b"null" else value.decode()


def _cell_of_text(text: str) -> str:
    if _BARE_TEXT.fullmatch(text) and text.isprintable():
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
