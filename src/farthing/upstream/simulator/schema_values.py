"""Values that satisfy a JSON schema and look like real ones: a city for `city`, an e-mail address for `email`.

Covers what the providers accept for tools and structured outputs: types, enum, const, properties, items, anyOf, oneOf,
allOf, $ref, formats, patterns, bounds of numbers, lengths and counts. Knows nothing of prompts: what a caller found in
one (names, numbers, an answer) comes as `Hints`.
"""

import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from farthing.upstream.simulator import pattern_values

Schema = Mapping[str, Any]

_DEEPEST = 12
"""Below this depth of a recursive schema only what is required is filled in, as short as it may be."""

_END = 3 * _DEEPEST
"""Only a schema that no value satisfies gets this deep."""
_MOST = 10_000
"""Items and characters that a schema can ask for."""

_PEOPLE = ("Ada Novak", "Ben Okafor", "Carla Ruiz", "Dmitri Sokolov", "Emma Lindqvist", "Farid Haddad", "Grace Kim")
_CITIES = ("Paris", "Rome", "Oslo", "Lisbon", "Vienna", "Nairobi", "Toronto", "Osaka")
_COUNTRIES = ("France", "Italy", "Norway", "Portugal", "Austria", "Kenya", "Canada", "Japan")
_WORDS = ("billing", "delivery", "contract", "renewal", "onboarding", "invoice", "outage", "refund", "upgrade", "audit")

_LOOKS: dict[str, Sequence[str]] = {
    "city": _CITIES, "location": _CITIES, "place": _CITIES, "destination": _CITIES, "origin": _CITIES,
    "country": _COUNTRIES, "name": _PEOPLE, "customer": _PEOPLE, "person": _PEOPLE, "author": _PEOPLE,
    "email": ("ada.novak@example.com", "ben.okafor@example.com", "carla.ruiz@example.com"),
    "phone": ("+43 1 5550101", "+39 06 5550199", "+1 416 555 0134"),
    "currency": ("EUR", "USD", "GBP"), "language": ("en", "de", "fr"), "unit": ("celsius", "metric"),
    "url": ("https://example.com/orders/1042", "https://example.com/help"),
    "date": ("2025-03-14", "2025-06-02", "2025-11-28"), "time": ("09:30", "14:15", "18:00"),
    "path": ("src/main.py", "docs/index.md", "tests/test_api.py"), "file": ("report.pdf", "invoice.pdf"),
    "status": ("open", "closed", "pending"), "priority": ("low", "medium", "high"),
}  # fmt: skip

_FORMATS: dict[str, Sequence[str]] = {
    "date": _LOOKS["date"], "email": _LOOKS["email"], "uri": _LOOKS["url"], "url": _LOOKS["url"],
    "date-time": ("2025-03-14T09:30:00Z", "2025-06-02T14:15:00Z"), "time": ("09:30:00Z", "14:15:00Z"),
    "duration": ("P3D", "PT45M"), "hostname": ("api.example.com", "mail.example.com"),
    "ipv4": ("192.0.2.17", "198.51.100.4"), "ipv6": ("2001:db8::17", "2001:db8::4"),
    "uuid": ("7f1c2f0e-5d7a-4c1b-9a55-0c6f3a9d2b11", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"),
}  # fmt: skip

_ANSWER_NAMES = ("answer", "result", "label", "category", "classification", "sentiment", "value", "output", "summary")


class Hints(msgspec.Struct):
    """What a prompt offers; used up in order."""

    words: list[str] = []
    """Names, cities, quoted texts: for strings."""
    numbers: list[float] = []
    answer: str = ""
    """What should stand in the field that asks for the answer."""


def value(schema: Schema | bool, dice: random.Random, hints: Hints | None = None) -> Any:
    """A value that satisfies `schema`; the same dice give the same value. A schema that nothing satisfies gets the
    nearest try: it is the caller's mistake, not ours to refuse."""
    root = schema if isinstance(schema, Mapping) else {}
    return _Maker(root, dice, hints or Hints()).make(schema, "", 0)


class _Maker:
    def __init__(self, root: Schema, dice: random.Random, hints: Hints) -> None:
        self.root = root
        self.dice = dice
        self.words = list(hints.words)
        self.numbers = list(hints.numbers)
        self.answer = hints.answer

    def make(self, schema: Schema | bool, name: str, depth: int) -> Any:
        if depth > _END:
            return None
        if not isinstance(schema, Mapping):
            return self._word(name)
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._choice(schema["enum"], name)
        for union in ("anyOf", "oneOf"):
            if isinstance(schema.get(union), list) and schema[union]:
                return self.make(self._branch(schema[union], depth), name, depth + 1)
        return self._of_type(self._type(schema, depth), schema, name, depth)

    def _resolved(self, schema: Schema, depth: int) -> Schema:
        """References followed, `allOf` merged."""
        for _ in range(20):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            rest = {key: part for key, part in schema.items() if key != "$ref"}
            schema = {**self._at(reference), **rest}
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        merged: dict[str, Any] = {key: part for key, part in schema.items() if key != "allOf"}
        for part in parts:
            if isinstance(part, Mapping) and depth < _DEEPEST * 2:
                _merge(merged, self._resolved(part, depth + 1))
        return merged

    def _at(self, reference: str) -> Schema:
        found: Any = self.root
        for step in reference.removeprefix("#").split("/"):
            if step:
                found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def _branch(self, branches: list[Any], depth: int) -> Any:
        """Never `null` unless the schema goes too deep."""
        nulls = [branch for branch in branches if isinstance(branch, Mapping) and branch.get("type") == "null"]
        if depth >= _DEEPEST and nulls:
            return nulls[0]
        return next((branch for branch in branches if branch not in nulls), branches[0])

    def _type(self, schema: Schema, depth: int) -> str:
        named = schema.get("type")
        if isinstance(named, list):
            if depth >= _DEEPEST and "null" in named:
                return "null"
            return next((str(one) for one in named if one != "null"), "null")
        if isinstance(named, str):
            return named
        if "properties" in schema:
            return "object"
        return "array" if "items" in schema else "string"

    def _of_type(self, kind: str, schema: Schema, name: str, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer":
                return int(self._number(schema, whole=True))
            case "number":
                return self._number(schema, whole=False)
            case "boolean":
                return self.dice.random() < 0.5
            case "null":
                return None
        return self._string(schema, name)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = schema.get("required")
        required = [one for one in required if isinstance(one, str)] if isinstance(required, list) else []
        made = {}
        for name, inner in properties.items():
            if name in required or (depth < _DEEPEST // 2 and self.dice.random() < 0.5):
                made[name] = self.make(inner, name, depth + 1)
        more = schema.get("additionalProperties", True)
        for name in required:
            if name not in made:
                made[name] = self.make(more if isinstance(more, Mapping) else True, name, depth + 1)
        return made

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        fixed = schema.get("prefixItems")
        made = [self.make(inner, name, depth + 1) for inner in fixed] if isinstance(fixed, list) else []
        least = _size(schema, "minItems", 0)
        most = _size(schema, "maxItems", max(least, 3))
        wanted = least if depth >= _DEEPEST // 2 else max(least, min(most, self.dice.randint(1, 3)))
        items = schema.get("items", True)
        tries = 0
        while items is not False and len(made) < wanted and tries < 50:
            tries += 1
            one = self.make(items, name, depth + 1)
            if not (schema.get("uniqueItems") and one in made):
                made.append(one)
        return made

    def _number(self, schema: Schema, *, whole: bool) -> float:
        step = _number(schema, "multipleOf") or 0.0
        step = step if step > 0 else 1 if whole else 0.01
        low, high = _bounds(schema, step)
        hinted = [number for number in self.numbers if low <= number <= high and _fits(number, step)]
        if hinted:
            self.numbers.remove(hinted[0])
            return hinted[0]
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        return _tidy(step * (first + self.dice.randint(0, max(0, last - first))))

    def _string(self, schema: Schema, name: str) -> str:
        if isinstance(schema.get("pattern"), str):
            return pattern_values.matching(schema["pattern"], self.dice)
        known = _FORMATS.get(str(schema.get("format")))
        made = self.dice.choice(known) if known else self._word(name)
        least, most = _size(schema, "minLength", 0), _size(schema, "maxLength", _MOST)
        while len(made) < least:
            made += f" {self.dice.choice(_WORDS)}" if made else self.dice.choice(_WORDS)
        return made[:most]

    def _choice(self, options: list[Any], name: str) -> Any:
        if self.answer:
            for option in options:
                if isinstance(option, str) and option.lower() == self.answer.lower():
                    return option
        for word in self.words:
            if word in options:
                return word
        return self.dice.choice(options)

    def _word(self, name: str) -> str:
        plain = name.lower()
        if self.answer and plain in _ANSWER_NAMES:
            return self.answer
        if self.words and _wants_words(plain):
            return self.words.pop(0)
        for part in reversed(re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name)):
            if part.lower() in _LOOKS:
                return self.dice.choice(_LOOKS[part.lower()])
        if plain.endswith("id") or plain == "key":
            return f"{self.dice.choice(_WORDS)[:3].upper()}-{self.dice.randint(1000, 9999)}"
        return self.words.pop(0) if self.words else self.dice.choice(_WORDS)


def _merge(into: dict[str, Any], part: Schema) -> None:
    for key, inner in part.items():
        if key == "properties" and isinstance(into.get(key), Mapping) and isinstance(inner, Mapping):
            into[key] = {**into[key], **inner}
        elif key == "required" and isinstance(into.get(key), list) and isinstance(inner, list):
            into[key] = [*into[key], *(one for one in inner if one not in into[key])]
        else:
            into[key] = inner


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    lows = [
        bound for bound in (_number(schema, "minimum"), _number(schema, "exclusiveMinimum", step)) if bound is not None
    ]
    highs = [
        bound for bound in (_number(schema, "maximum"), _number(schema, "exclusiveMaximum", -step)) if bound is not None
    ]
    low = max(lows) if lows else min([1.0, *highs])
    return low, min(highs) if highs else max(low, 1.0) * 100


def _size(schema: Schema, key: str, default: int) -> int:
    size = _number(schema, key)
    return default if size is None else min(_MOST, max(0, int(size)))


def _number(schema: Schema, key: str, inward: float = 0.0) -> float | None:
    bound = schema.get(key)
    return bound + inward if isinstance(bound, (int, float)) and not isinstance(bound, bool) else None


def _fits(number: float, step: float) -> bool:
    return abs(number / step - round(number / step)) < 1e-9


def _tidy(number: float) -> float:
    return round(number, 9)


def _wants_words(plain: str) -> bool:
    """Dates, addresses and ids are not found among the names of a prompt."""
    parts = set(re.split(r"[_\W]+", plain))
    return not parts & {
        "date",
        "time",
        "email",
        "phone",
        "url",
        "id",
        "unit",
        "units",
        "currency",
        "language",
        "status",
    }
