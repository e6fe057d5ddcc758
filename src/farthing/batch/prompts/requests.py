"""The requests of a file, whatever is in it: lines of an OpenAI batch, requests of an Anthropic one, or rows of a table with a
template. Each comes as a line of an OpenAI batch, with the row that it was made of beside it.

Everything is checked as a gateway would check it, at the first mistake it ends. The file is read anew each time, a line at
a time; what is held is a digest of each id. Knows nothing of prices and of where requests go.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from farthing.batch.checking import Check, JsonLines
from farthing.batch.prompts.rows import InputError, Row, csv_rows, json_rows, no_json
from farthing.batch.prompts.template import Template, TemplateError, read_template
from farthing.model.call import Ask
from farthing.wire import FORMATS

Kind = Literal["openai", "anthropic", "rows"]
PIECE = 256 * 1024
MOST_LINE = 32 * 1024 * 1024
ROW = "row"
"""Member of a line that holds the row that it was made of; gateways do not look at it."""
_TABLES = (".csv", ".tsv")
_encode = msgspec.json.encode
_ENDPOINTS = {format.path: format.name for format in FORMATS.values() if format.billed}


class Prepared(msgspec.Struct):
    """A request."""

    line: int
    custom_id: str
    body: bytes
    ask: Ask
    data: bytes
    """The line as it is handed in, with its end."""


class Source:
    """A file of requests; `source` makes it."""

    def __init__(self, path: Path, kind: Kind, wire: str, template: Template | None, most: int) -> None:
        self.path = path
        self.kind: Kind = kind
        self.wire = wire
        self._template = template
        self._most = most

    def requests(self) -> Iterator[Prepared]:
        """Raises InputError at the first mistake, OSError."""
        check = Check("openai", FORMATS[self.wire], most_requests=self._most, most_bytes=MOST_LINE)
        number = 0
        for number, text in self._lines():
            yield _checked(check, number, text)
        if not number:
            raise InputError("there is no request in it")

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """With the lines of the file on which they are."""
        with self.path.open("rb") as file:
            if self._template is not None:
                for count, row in enumerate(self._rows(file), 1):
                    yield row.line, _line_of(row, count, self._template, FORMATS[self.wire].path)
                return
            for number, line in numbered(file):
                if self.kind == "openai":
                    yield number, line.strip()
                else:
                    yield number, _from_anthropic(line, number, FORMATS[self.wire].path)

    def _rows(self, file: Iterable[bytes]) -> Iterator[Row]:
        assert self._template is not None
        rows = csv_rows(file) if self.path.suffix.lower() in _TABLES else json_rows(file)
        for place, row in enumerate(rows):
            if not place:
                self._template.check(row.values.keys())
            yield row


def source(path: Path, *, template: Path | None = None, model: str = "", max_tokens: int | None = None, most: int = 1_000_000) -> Source:  # fmt: skip
    """The file as what it looks like. Raises InputError, TemplateError, OSError."""
    kind, first = _kind_of(path)
    if kind != "rows":
        if template is not None or model or max_tokens is not None:
            raise InputError("these are whole requests: a template, a model and a bound are for tables")
        wire = "anthropic.messages" if kind == "anthropic" else _wire_of(first)
        return Source(path, kind, wire, None, most)
    if template is None:
        raise InputError("these are rows of a table: say with --template what to ask of each")
    try:
        text = template.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise TemplateError("it is not UTF-8") from None
    made, wire = read_template(text, template.name, model, max_tokens=max_tokens)
    return Source(path, kind, wire, made, most)


def numbered(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1."""
    for number, line in enumerate(file, 1):
        if line.strip():
            yield number, line


def pieces(requests: Iterable[Prepared]) -> Iterator[bytes]:
    """The lines, put together to pieces that are worth sending."""
    held, size = [], 0
    for each in requests:
        held.append(each.data)
        size += len(each.data)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def rows_of(data: Iterable[bytes]) -> Iterator[bytes]:
    """The rows beside the requests of a file that was handed in, empty for those without; pieces as they come."""
    lines = JsonLines(1 << 40)
    for piece in data:
        for line in lines.feed(piece):
            if line and not line.isspace():
                yield row_of(line)
    for line in lines.end():
        if line and not line.isspace():
            yield row_of(line)


class _WithRow(msgspec.Struct):
    row: msgspec.Raw = msgspec.Raw(b"")


_with_row = msgspec.json.Decoder(_WithRow)


def row_of(line: bytes) -> bytes:
    """The row beside a request, as JSON; empty where there is none."""
    return bytes(_with_row.decode(line).row)


def _checked(check: Check, number: int, text: bytes) -> Prepared:
    found = check.look(text if len(text) <= MOST_LINE else None)
    if check.errors:
        error = check.errors[0]
        if "not parseable" in error.message:
            raise no_json(text, number)
        raise InputError(f"{error.message}" + (f" ({error.param})" if error.param else ""), number)
    if found is None or found.ask is None or found.refusal is not None:
        raise InputError(found.refusal.message if found is not None and found.refusal is not None else "?", number)
    if not found.ask.model:
        raise InputError("the request names no model", number)
    return Prepared(number, found.custom_id, found.body, found.ask, text + b"\n")


def _line_of(row: Row, count: int, template: Template, url: str) -> bytes:
    try:
        body = template.filled(row.values)
    except KeyError as error:
        raise InputError(f"the row has no {error.args[0]!r}", row.line) from None
    if not any(str(row.values[name] if row.values[name] is not None else "").strip() for name in template.names):
        column = list(row.values).index(template.names[0]) + 1
        raise InputError(f"the row has nothing in {', '.join(template.names)}", row.line, column)
    own = row.values.get("custom_id")
    custom_id = own if isinstance(own, str) and own else f"row-{count}"
    return _encode({"custom_id": custom_id, "method": "POST", "url": url, "body": body, ROW: row.values})


class _Anthropic(msgspec.Struct):
    custom_id: str
    params: msgspec.Raw


def _from_anthropic(line: bytes, number: int, url: str) -> bytes:
    try:
        found = msgspec.json.decode(line, type=_Anthropic)
    except msgspec.ValidationError as error:
        raise InputError(f"the line is not a request: {error}", number) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise no_json(line, number) from None
    return _encode({"custom_id": found.custom_id, "method": "POST", "url": url, "body": found.params})


def _kind_of(path: Path) -> tuple[Kind, Any]:
    """By the name of the file, or what its first line has."""
    if path.suffix.lower() in _TABLES:
        return "rows", None
    with path.open("rb") as file:
        number, line = next(numbered(file), (0, b""))
    if not number:
        raise InputError("there is no request in it")
    try:
        first = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise no_json(line, number) from None
    if not isinstance(first, dict):
        raise InputError("each line is a JSON object", number)
    if isinstance(first.get("params"), dict) and "custom_id" in first:
        return "anthropic", first
    return ("openai", first) if isinstance(first.get("body"), dict) and "url" in first else ("rows", first)


def _wire_of(first: Any) -> str:
    found = _ENDPOINTS.get(str(first["url"]))
    if found is None:
        raise InputError(f"the url must be one of {', '.join(_ENDPOINTS)}", 1)
    return found


__all__ = ["InputError", "Prepared", "Source", "TemplateError", "pieces", "row_of", "rows_of", "source"]
