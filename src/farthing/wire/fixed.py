"""The fixed part of a request, which its template is known by: instructions, tools, the format of the answer.

Knows no wire format: readers hand in raw pieces and the place of a schema. What it finds is remembered by the bytes,
since a template's calls share them.
"""

import re
from hashlib import blake2b
from typing import Any

import msgspec

from farthing.wire.human import QUOTED, words_of_person
from farthing.wire.lenient import anything

RULES = b"1"
"""Of making fingerprints; another number makes all templates new."""
INSTRUCTIONS = 12_000
"""Characters of instructions that count."""
MOST_LABELS = 256


class Fixed(msgspec.Struct, frozen=True):
    template: str = ""
    instructions: str = ""
    tools: int = 0
    schema: bool = False
    json: bool = False
    labels: tuple[str, ...] = ()
    fields: int = 0
    picks: bool = False


class Answering(msgspec.Struct, frozen=True):
    """What the format of the answer asks for."""

    json: bool = False
    strict: bool = False
    """There is a schema."""
    schema: Any = None


class Memo:
    """Remembers values by bytes, up to a size, those that are asked for again longer than others."""

    LONGEST = 256 * 1024
    ENTRY = 600
    """Bytes that an entry takes beside its key."""

    def __init__(self, most_bytes: int = 8 * 1024 * 1024) -> None:
        self._half = most_bytes // 2
        self._young: dict[bytes, Fixed] = {}
        self._old: dict[bytes, Fixed] = {}
        self._bytes = 0

    def get(self, key: bytes) -> Fixed | None:
        found = self._young.get(key)
        if found is None and (found := self._old.pop(key, None)) is not None:
            self.put(key, found)
        return found

    def put(self, key: bytes, value: Fixed) -> None:
        if len(key) > self.LONGEST:
            return
        self._young[key] = value
        self._bytes += 2 * len(key) + self.ENTRY
        if self._bytes > self._half:
            self._old, self._young, self._bytes = self._young, {}, 0


def fixed_part(instructions: str, tools: list[Any], answering: Answering, forced: Any) -> Fixed:
    """`tools` as names or objects that have one; `forced` is the schema of the one tool that must be used."""
    names = sorted(filter(None, map(name_of, tools)))
    schema = answering.schema if answering.strict else forced
    fields, labels = _shape(schema)
    digest = ""
    if instructions or names or answering.json:
        shape = msgspec.json.encode([names, answering.json, _plain(answering.schema)], order="sorted")
        hashed = blake2b(
            RULES + settled(instructions[:INSTRUCTIONS]).encode("utf-8", "replace") + b"\0" + shape, digest_size=8
        )
        digest = hashed.hexdigest()
    return Fixed(
        template=digest,
        instructions=words_of_person(instructions),
        tools=len(tools),
        schema=answering.strict,
        json=answering.json,
        labels=labels if answering.strict else (),
        fields=fields,
        picks=bool(labels),
    )


def settled(text: str) -> str:
    """A text without what changes from call to call: blocks of context; words with a digit or an @ (numbers, times, ids,
    addresses), names of months and days. Its spaces do not count."""
    if "</" in text:
        text = _BLOCK.sub(_unless_quoted, text)
    return " ".join(
        [word for word in text.split() if word not in _DATES and (word.isalpha() or not _CHANGING.search(word))]
    )


_BLOCK = re.compile(r"<([A-Za-z_-]{3,40})>[^<]{0,8000}</\1>")
_CHANGING = re.compile(r"[0-9@]")
_NAMES = """
january february march april may june july august september october november december
jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday
mon tue tues wed thu thur thurs fri sat sun am pm a.m p.m utc gmt cet cest est edt pst pdt
januar februar märz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag uhr
janvier février mars avril juin juillet août septembre octobre novembre décembre
lundi mardi mercredi jeudi vendredi samedi dimanche
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
lunes martes miércoles jueves viernes sábado domingo
"""
_DATES = frozenset(
    written + mark
    for name in _NAMES.split()
    for written in (name, name.capitalize(), name.upper())
    for mark in ("", ",", ".", ":", ";", ")")
)


def _unless_quoted(match: re.Match[str]) -> str:
    return "" if match[1].lower() in QUOTED else match[0]


def name_of(tool: Any) -> str:
    """The name of a tool of any wire; its type, where it is the provider's own."""
    if not isinstance(tool, dict):
        return ""
    inner = tool.get("function")
    name = inner.get("name") if isinstance(inner, dict) else tool.get("name") or tool.get("type")
    return name if isinstance(name, str) else ""


def schema_of(tool: Any) -> Any:
    """The schema of a tool's arguments."""
    if not isinstance(tool, dict):
        return None
    inner = tool.get("function")
    where = inner if isinstance(inner, dict) else tool
    return where.get("parameters") or where.get("input_schema")


def _plain(schema: Any) -> Any:
    """A schema's names and nothing else: descriptions and enums may be filled in for each call."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return sorted(properties) if isinstance(properties, dict) else None


def _shape(schema: Any) -> tuple[int, tuple[str, ...]]:
    """How many values an answer by this schema has, and the labels if it is little more than one of them."""
    if not isinstance(schema, dict):
        return 0, ()
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return (1, _enum(schema)) if schema else (0, ())
    if len(properties) == 1:
        inner = next(iter(properties.values()))
        if isinstance(inner, dict) and not _enum(inner):
            items = inner.get("items") if inner.get("type") == "array" else inner
            if isinstance(items, dict) and isinstance(items.get("properties"), dict):
                return max(1, _shape(items)[0]), ()
    enums = [found for found in map(_enum, properties.values()) if found]
    beside = [name for name, inner in properties.items() if not _enum(inner) and not _is_remark(name, inner)]
    return len(properties), enums[0] if len(enums) == 1 and not beside else ()


def _enum(schema: Any) -> tuple[str, ...]:
    """The labels of an enum, or of a list of its values."""
    if not isinstance(schema, dict):
        return ()
    if schema.get("type") == "array":
        return _enum(schema.get("items"))
    values = schema.get("enum")
    if not isinstance(values, list) or not 1 < len(values) <= MOST_LABELS:
        return ()
    return tuple(values) if all(isinstance(value, str) for value in values) else ()


def _is_remark(name: str, schema: Any) -> bool:
    """A value that goes with a label without being an answer of its own."""
    return (
        name.lower() in _REMARKS and isinstance(schema, dict) and schema.get("type") in ("string", "number", "integer")
    )


_REMARKS = frozenset(
    ("reason", "reasoning", "explanation", "rationale", "why", "confidence", "score", "probability", "certainty")
)


def decoded_list(raw: bytes) -> list[Any]:
    value = anything(raw)
    return value if isinstance(value, list) else []
