"""Files as rows, one after the other, whatever their size: CSV, JSON lines, JSON arrays, and pages of an API.

A row that cannot be read is handed out as such, with its line and the reason, and reading goes on. Each row says where the
next one begins, so that an import goes on from there. Knows no tool's format.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from farthing.model.errors import BadRequest
from farthing.planner.imports.stream import Stream

LONGEST = 64 * 1024 * 1024
"""Bytes of one line or element; a longer one is passed over as bad."""
LONGEST_FIELD = 16 * 1024 * 1024
"""Characters of one field of a CSV; more means a quote that nobody closed."""
SAMPLE_ROWS = 200

CONTAINERS = (
    "data", "resourceSpans", "observations", "logs", "spans", "requests", "rows", "results", "items", "records", "generations",
)  # fmt: skip
"""Names under which a page of an API holds its rows."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|"|[{}\[\]]', re.DOTALL)
_BRACE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}]', re.DOTALL)
_START = re.compile(rb"[^\s,]")
_decode = msgspec.json.Decoder().decode


class Row(NamedTuple):
    value: Any
    """A list of texts (CSV), what JSON holds, or None where it could not be read."""
    line: int
    begin: int
    """Where it begins in the stream; with `part` this is its name within the file."""
    end: int
    """Where reading goes on after it."""
    last: int = 0
    """The line that it ends on."""
    part: int = 0
    """Which of the rows of one line it is."""
    why: str = ""
    """Why it could not be read."""


class Layout(NamedTuple):
    """How a file is built."""

    kind: str
    """csv, lines, array, page."""
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    container: str = ""
    first: int = 0
    """Where the rows begin."""
    first_line: int = 1


class Sample(NamedTuple):
    """What a file begins with, to tell what it is."""

    name: str
    layout: Layout
    rows: list[dict[str, Any]]
    """The first rows by names of columns."""


def layout_of(path: Path) -> Layout:
    """Raises BadRequest for a file that is empty or none of these, OSError."""
    stream = Stream(path)
    try:
        head = stream.read()
        text = head.lstrip()
        if not text.strip(b"\0"):
            raise BadRequest(f"{path.name} is empty" + (f": {stream.trouble}" if stream.trouble else ""))
        if text[:1] == b"[":
            return Layout("array", first=head.index(b"[") + 1)
        if text[:1] == b"{":
            return _json_layout(head)
        return _csv_layout(head, path.name)
    finally:
        stream.close()


def _json_layout(head: bytes) -> Layout:
    """Lines, unless the first is no document by itself and the file begins as a page does."""
    first = next((line for line in head.splitlines() if line.strip()), b"")
    if _document(first) is None:
        found = _container(head)
        if found is not None:
            return Layout("page", container=found)
    return Layout("lines")


def _container(head: bytes) -> str | None:
    """The name of the first list of objects on the top level."""
    depth, key = 0, b""
    for found in _TOKEN.finditer(head):
        token = found[0]
        if token == b"[" and depth == 1:
            if key.decode("utf-8", "replace") in CONTAINERS and head[found.end() :].lstrip()[:1] in (b"{", b"]", b""):
                return key.decode()
            depth += 1
        elif token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif depth == 1:
            key = token[1:-1]
    return None


def _csv_layout(head: bytes, name: str) -> Layout:
    line = head.split(b"\n", 1)[0]
    text = line.decode("utf-8", "replace").rstrip("\r")
    delimiter = max(",;\t|", key=text.count)
    try:
        columns = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error as error:
        raise BadRequest(f"{name}: its first line cannot be read as names of columns: {error}") from None
    names = tuple(each.strip() for each in columns)
    if len(names) < 2 or (not text.isprintable() and "\t" not in text):
        raise BadRequest(f"{name} is neither JSON nor a table: its first line has no two names of columns")
    if sum(1 for each in names if not each or each[:1].isdigit()) * 2 >= len(names):
        raise BadRequest(f"{name}: the first line holds values, not names of columns; put a line of names before it")
    if len(set(names)) < len(names):
        raise BadRequest(f"{name}: two columns have the same name")
    return Layout("csv", delimiter, names, first=len(line) + 1, first_line=2)


def sample_of(path: Path, layout: Layout | None = None) -> Sample:
    """The first rows that can be read. Raises BadRequest, OSError."""
    layout = layout or layout_of(path)
    stream = Stream(path)
    found: list[dict[str, Any]] = []
    try:
        for row in rows(stream, layout):
            named = by_name(row.value, layout)
            if named is not None:
                found.append(named)
            if len(found) >= SAMPLE_ROWS or row.end > 8 * LONGEST_FIELD:
                break
    finally:
        stream.close()
    return Sample(path.name, layout, found)


def by_name(value: Any, layout: Layout) -> dict[str, Any] | None:
    """A row as columns that say something; None for what is no row."""
    if layout.kind == "csv" and isinstance(value, list):
        return {name: text for name, text in zip(layout.columns, value, strict=True) if text != ""}
    return value if isinstance(value, dict) else None


def rows(stream: Stream, layout: Layout, place: int = 0, line: int = 0) -> Iterator[Row]:
    """All rows from `place` on, which is 0 or the `end` of one, whose `last` is `line`."""
    if layout.kind == "csv":
        return _csv_rows(stream, layout, place or layout.first, line + 1 if place else layout.first_line)
    if layout.kind == "lines":
        return _line_rows(stream, place, line + 1 if place else 1)
    return _element_rows(stream, layout, place, line or 1)


class _Lines:
    """Lines of a stream without their ends, as (line, begin, end). None stands for one that is too long."""

    def __init__(self, stream: Stream, place: int) -> None:
        self._stream = stream
        if place:
            stream.skip_to(place)
        self._place = place

    def __iter__(self) -> Iterator[tuple[bytes | None, int, int]]:
        tail, dropped = b"", 0
        place = self._place
        while data := self._stream.read():
            lines = (tail + data).split(b"\n") if tail else data.split(b"\n")
            tail = lines.pop()
            if dropped and lines:
                end = place + dropped + len(lines[0]) + 1
                yield None, place, end
                place, dropped = end, 0
                del lines[0]
            for line in lines:
                end = place + len(line) + 1
                yield line, place, end
                place = end
            if len(tail) > LONGEST or dropped:
                dropped, tail = dropped + len(tail), b""
        if dropped:
            yield None, place, place + dropped
        elif tail:
            yield tail, place, place + len(tail)


_TOO_LONG = f"it is longer than {LONGEST >> 20} MB"


def _line_rows(stream: Stream, place: int, number: int) -> Iterator[Row]:
    for line, begin, end in _Lines(stream, place):
        if line is None:
            yield Row(None, number, begin, end, number, why=_TOO_LONG)
        elif line and not line.isspace():
            yield from _of_document(line, number, begin, end)
        number += 1


def _of_document(line: bytes, number: int, begin: int, end: int) -> Iterator[Row]:
    """The rows of one document: itself, or what a page of an API holds."""
    try:
        value = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        value = _document(line)
        if value is None:
            cut = end - begin == len(line)  # the file may grow: then the line is read again, whole
            yield Row(None, number, begin, begin if cut else end, number, why=_reason(line, error))
            return
    parts = _parts(value)
    if parts is None:
        yield Row(value, number, begin, end, number)
        return
    name, inner = parts
    for part, each in enumerate(inner):
        value = {name: [each]} if name == "resourceSpans" else each
        yield Row(value, number, begin, end if part == len(inner) - 1 else begin, number, part)


def _parts(value: Any) -> tuple[str, list[Any]] | None:
    if not isinstance(value, dict) or "model" in value or "usage" in value:
        return None
    for name in CONTAINERS:
        inner = value.get(name)
        if isinstance(inner, list) and inner and all(isinstance(each, dict) for each in inner):
            return name, inner
    return None


def _document(line: bytes) -> Any:
    """The JSON document in a line, also one in the encoding of an old Windows; None where there is none."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        line.decode()
    except UnicodeDecodeError:
        try:
            return _decode(line.decode("cp1252", "replace").encode())
        except (msgspec.DecodeError, RecursionError):
            pass
    return None


def _reason(line: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if b"\0" in line:
        return "it holds NUL bytes, as a file does whose writer was killed"
    return f"it is not JSON: {error}"


class _Texts:
    """Lines of a table as texts for the reader of CSV, with the lines of the row that is being read at hand."""

    def __init__(self, lines: Iterator[tuple[bytes | None, int, int]], number: int) -> None:
        self._lines = lines
        self._again: list[tuple[bytes | None, int, int]] = []
        self.taken: list[tuple[bytes | None, int, int]] = []
        self.number = number
        """Of the next line."""

    def __iter__(self) -> "_Texts":
        return self

    def __next__(self) -> str:
        found = self._again.pop() if self._again else next(self._lines)
        self.taken.append(found)
        self.number += 1
        line = found[0]
        if line is None:
            raise csv.Error(_TOO_LONG)
        try:
            return line.decode() + "\n"
        except UnicodeDecodeError:
            return line.decode("cp1252", "replace") + "\n"

    def give_back(self) -> None:
        """Read all but the first line of this row again, each for itself."""
        self.number -= len(self.taken) - 1
        self._again.extend(reversed(self.taken[1:]))
        del self.taken[1:]


def _csv_rows(stream: Stream, layout: Layout, place: int, number: int) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_FIELD)
    texts = _Texts(iter(_Lines(stream, place)), number)
    reader = csv.reader(texts, delimiter=layout.delimiter, strict=True)
    width = len(layout.columns)
    while True:
        texts.taken.clear()
        number = texts.number
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not texts.taken:
                return
            texts.give_back()
            yield Row(None, number, texts.taken[0][1], texts.taken[0][2], number, why=_csv_reason(error))
            reader = csv.reader(texts, delimiter=layout.delimiter, strict=True)
            continue
        begin, end = texts.taken[0][1], texts.taken[-1][2]
        if len(row) == width:
            yield Row(row, number, begin, end, texts.number - 1)
        elif row and any(each.strip() for each in row):
            yield Row(
                None, number, begin, end, number, why=f"it has {len(row)} fields, and the first line names {width}"
            )


def _csv_reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text or "field larger" in text:
        return "a quote is opened and never closed"
    return text if text == _TOO_LONG else f"its quotes are not as in CSV: {text}"


class _Buffer:
    """A stream that is searched: grows until what is searched for is in it, and forgets what was taken."""

    def __init__(self, stream: Stream, place: int, line: int) -> None:
        self._stream = stream
        if place:
            stream.skip_to(place)
        self.data = b""
        self.base = place
        """The place of the first byte of `data`."""
        self.line = line
        self._counted = 0

    def more(self) -> bool:
        """Whether there was more; it reads as much again as it holds."""
        wanted = max(1, len(self.data))
        parts = []
        while wanted > 0 and (data := self._stream.read()):
            parts.append(data)
            wanted -= len(data)
        self.data += b"".join(parts)
        return bool(parts)

    def forget(self, until: int) -> None:
        self.line_at(until)
        self.data, self._counted = self.data[until:], 0
        self.base += until

    def line_at(self, at: int) -> int:
        self.line += self.data.count(b"\n", self._counted, at)
        self._counted = max(self._counted, at)
        return self.line


def _element_rows(stream: Stream, layout: Layout, place: int, line: int) -> Iterator[Row]:
    """The objects in a list, which may be the file itself or a part of each page in it."""
    buffer = _Buffer(stream, place or layout.first, line)
    wrap = layout.container if layout.container == "resourceSpans" else ""
    inside = bool(place) or layout.kind == "array"
    while True:
        if not inside and not _enter(buffer, layout.container):
            return
        yield from _elements(buffer, wrap)
        if layout.kind == "array" or not _leave(buffer):
            return
        inside = False


def _enter(buffer: _Buffer, container: str) -> bool:
    """Go into the list of the next page; False where there is none."""
    key, depth, at = b"", 0, 0
    while True:
        found = _TOKEN.search(buffer.data, at)
        if found is None or found[0] == b'"':
            at = found.start() if found is not None else len(buffer.data)
            if len(buffer.data) > LONGEST or not buffer.more():
                return False
            continue
        token, at = found[0], found.end()
        if token == b"[" and depth == 1 and key == container.encode():
            buffer.forget(at)
            return True
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif depth == 1:
            key = token[1:-1]


def _leave(buffer: _Buffer) -> bool:
    """Go to the end of the page that the list was in; False where the file ends before."""
    depth, at = 1, 0
    while True:
        found = _BRACE.search(buffer.data, at)
        if found is None or found[0] == b'"':
            at = found.start() if found is not None else len(buffer.data)
            if len(buffer.data) > LONGEST or not buffer.more():
                return False
            continue
        at = found.end()
        depth += {b"{": 1, b"}": -1}.get(found[0], 0)
        if depth == 0:
            buffer.forget(at)
            return True


def _elements(buffer: _Buffer, wrap: str) -> Iterator[Row]:
    at = 0
    while True:
        found = _START.search(buffer.data, at)
        if found is None:
            buffer.forget(len(buffer.data))
            at = 0
            if not buffer.more():
                yield _cut(buffer, 0, "the list is not closed: the file was cut")
                return
            continue
        start = found.start()
        if found[0] == b"]":
            buffer.forget(start + 1)
            return
        end = _end_of(buffer, start) if found[0] == b"{" else _end_of_other(buffer, start)
        if end < 0:
            yield _cut(buffer, start, "it is not closed: the file was cut, or it is too long")
            return
        line, begin = buffer.line_at(start), buffer.base + start
        text = buffer.data[start:end]
        value = _document(text) if found[0] == b"{" else None
        if value is None:
            yield Row(None, line, begin, buffer.base + end, buffer.line_at(end), why=_why_none(text))
        else:
            yield Row({wrap: [value]} if wrap else value, line, begin, buffer.base + end, buffer.line_at(end))
        at = end
        if at > 1 << 20:
            buffer.forget(at)
            at = 0


def _cut(buffer: _Buffer, start: int, why: str) -> Row:
    """What is cut at the end of the file is read again, should the file have grown."""
    begin = buffer.base + start
    line = buffer.line_at(start)
    return Row(None, line, begin, begin, line, why=why)


def _why_none(text: bytes) -> str:
    try:
        _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _reason(text, error)
    return "it is no object"


def _end_of(buffer: _Buffer, start: int) -> int:
    """Where the object that begins there ends; -1 where it does not."""
    depth, at = 0, start
    while True:
        for found in _BRACE.finditer(buffer.data, at):
            token = found[0]
            if token == b"{":
                depth += 1
            elif token == b"}":
                depth -= 1
                if depth == 0:
                    return found.end()
            elif token == b'"':
                at = found.start()
                break
            at = found.end()
        if len(buffer.data) - start > LONGEST or not buffer.more():
            return -1


_OTHER_END = re.compile(rb"[,\]]")


def _end_of_other(buffer: _Buffer, start: int) -> int:
    """Where a value that is no object ends: before the next comma or the end of the list."""
    while True:
        found = _OTHER_END.search(buffer.data, start + 1)
        if found is not None:
            return found.start()
        if len(buffer.data) - start > LONGEST or not buffer.more():
            return -1
