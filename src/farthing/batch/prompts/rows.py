"""Rows of a table as they are read: CSV with a head, or JSON lines with an object each, one row at a time.

What is wrong is told with its line and column, both from 1. Knows nothing of templates.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

MOST_FIELD = 16 * 1024 * 1024
"""Characters of one field."""
_DELIMITERS = (",", "\t", ";")


class InputError(Exception):
    """What is wrong with a file, and where; `line` and `column` count from 1, 0: the whole."""

    def __init__(self, says: str, line: int = 0, column: int = 0) -> None:
        place = f"line {line}" + (f", column {column}" if column else "") if line else ""
        super().__init__(f"{place}: {says}" if place else says)
        self.line, self.column = line, column


class Row(NamedTuple):
    line: int
    """On which it begins."""
    values: dict[str, Any]


def csv_rows(data: Iterable[bytes]) -> Iterator[Row]:
    """Raises InputError."""
    texts = _texts(data)
    first = next(texts, "")
    if not first.strip():
        raise InputError("the first line must name the columns", 1)
    csv.field_size_limit(MOST_FIELD)
    reader = csv.reader(_chained(first, texts), delimiter=_delimiter(first), strict=True)
    names = _head(reader)
    line = reader.line_num + 1
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{error}", line) from None
        if values is None:
            return
        if values:
            if len(values) != len(names):
                raise InputError(
                    f"{len(values)} fields, and the head names {len(names)}", line, min(len(values), len(names)) + 1
                )  # fmt: skip
            yield Row(line, dict(zip(names, values, strict=True)))
        line = reader.line_num + 1


def json_rows(data: Iterable[bytes]) -> Iterator[Row]:
    """Raises InputError."""
    for number, text in enumerate(data, 1):
        if not text.strip():
            continue
        try:
            values = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise no_json(text, number) from None
        if not isinstance(values, dict):
            raise InputError("a row is a JSON object", number)
        yield Row(number, values)


def no_json(text: bytes, line: int) -> InputError:
    """Where a line stops being JSON."""
    try:
        json.loads(text.rstrip(b"\r\n"))
    except json.JSONDecodeError as error:
        return InputError(f"this is no JSON: {error.msg}", line, error.colno)
    except UnicodeDecodeError as error:
        return InputError("this is not UTF-8", line, error.start + 1)
    except RecursionError:
        pass
    return InputError("this is no JSON", line)


def _head(reader: Any) -> list[str]:
    try:
        names = [name.strip() for name in next(reader)]
    except csv.Error as error:
        raise InputError(f"{error}", 1) from None
    for place, name in enumerate(names, 1):
        if not name:
            raise InputError("a column has no name", 1, place)
        if name in names[: place - 1]:
            raise InputError(f"there are two columns {name!r}", 1, place)
    return names


def _texts(data: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(data, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError("this is not UTF-8", number, error.start + 1) from None
        yield text


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(head: str) -> str:
    return max(_DELIMITERS, key=lambda each: (head.count(each), each == ","))
