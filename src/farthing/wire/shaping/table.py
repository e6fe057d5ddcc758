"""Uniform records as a table: a JSON array of objects with the same members becomes a header and a line for each.

A whole text becomes a table of comma-separated values in which types can still be told: `null` is an empty cell; a text is
quoted where it could be taken for something else; numbers and truth values keep their spelling. Where the array is a member
of an object, as systems answer, the text stays JSON: the member is an array of rows, of which the first has the names. A model
must understand it, so it is used only where somebody says so. Knows no wire format.
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
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_QUOTE = b'"'[0]
_NESTED = b"{["
_BARE_TEXT = re.compile(r"(?!true$|false$|null$)[^\W\d_][^\",\r\n]*(?<! )")
"""A text that is taken for nothing else: it begins with a letter and holds nothing that a table needs for itself."""


def table(text: str) -> Shaped | None:
    """The records of a JSON array as a table, or those in the members of an object; None for anything else, and where no tokens
    fall."""
    if FENCE in text:
        return None
    if text[:1] == "{":
        return _with_rows(text)
    if text[:1] != "[":
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


def _with_rows(text: str) -> Shaped | None:
    """An object in which each member that is an array of uniform records is one of rows."""
    try:
        plain = msgspec.json.format(text, indent=-1)
        found = _members.decode(plain)
        made = {name: _as_rows(bytes(value)) for name, value in found.items()}
        whole = msgspec.json.encode(made).decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    tokens = (len(plain) - len(whole)) // CHARS_A_TOKEN
    return Shaped(whole, tokens) if tokens > 0 else None


def _as_rows(value: bytes) -> msgspec.Raw:
    if not value.startswith(b"[{"):
        return msgspec.Raw(value)
    try:
        rows = _rows.decode(value)
    except msgspec.ValidationError:  # not all of them are objects
        return msgspec.Raw(value)
    if not _are_alike(rows):
        return msgspec.Raw(value)
    names = list(rows[0])
    return msgspec.Raw(msgspec.json.encode([names, *([row[name] for name in names] for row in rows)]))


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
