"""Whether a value is as a JSON schema says, in bounded time, whatever the schema and the value are.

The validating is jsonschema-rs's: all drafts, and a regular expression engine whose time is linear in the text. It
follows references each time it meets them, so a few hundred bytes of schema can ask for years: a bound of the work is
counted first, and what is above it is not validated. Nothing is fetched: references lead nowhere but into the schema.
"""

import importlib
import logging
from functools import lru_cache
from typing import Any

import msgspec

log = logging.getLogger("farthing.quality")

LONGEST = 64 * 1024
"""Bytes of a schema, and of a value, that are looked at."""
MOST_WORK = 1_000_000
"""Parts of a schema held against parts of a value; some 15 ns each."""
DEEPEST = 64
"""Levels of a value."""
PATTERN_BYTES = 256 * 1024
"""Memory of a compiled pattern; what needs more is refused."""

Node = dict[str, Any]

_HERE_EACH = ("allOf", "anyOf", "oneOf")
_HERE = ("not", "if", "then", "else")
_HERE_NAMED = ("dependentSchemas", "dependencies")
"""Schemas in these are held against the same value."""
_INSIDE = (
    "additionalProperties", "unevaluatedProperties", "propertyNames", "items", "additionalItems", "unevaluatedItems",
    "contains", "contentSchema",
)  # fmt: skip
_INSIDE_EACH = ("items", "prefixItems")
"""Schemas in these are held against what is inside the value."""
_ELSEWHERE = ("$dynamicRef", "$recursiveRef")
"""References whose end is found while validating."""


def fits(schema: Node, value: Any) -> tuple[bool, str] | None:
    """Whether the value is valid, and where it is not. None where that cannot be said: the schema is none, is too long or
    too costly, or needs what a linear engine cannot do. Never raises."""
    try:
        spelled = msgspec.json.encode(schema, order="sorted")
        if len(spelled) > LONGEST or not _affordable(schema, value):
            return None
        validator = _validator(spelled)
        if validator is None:
            return None
        if validator.is_valid(value):
            return True, ""
        error = next(iter(validator.iter_errors(value)))
        return False, f"`{error.kind.name}` at /{'/'.join(_shown(step, spelled) for step in error.instance_path[:8])}"
    except (ValueError, RecursionError):
        return None


def _shown(step: str | int, spelled: bytes) -> str:
    """A name that the schema does not have is the answer's own, and what is said here is kept."""
    return str(step)[:40] if isinstance(step, int) or msgspec.json.encode(step) in spelled else "*"


def matches(pattern: str, text: str) -> bool | None:
    """Whether the regular expression is found in the text, in time linear in it. None for one that is none, that is too
    large, or that looks back or ahead."""
    if len(text.encode("utf-8", "replace")) > LONGEST or len(pattern) > LONGEST:
        return None
    validator = _validator(msgspec.json.encode({"type": "string", "pattern": pattern}))
    return None if validator is None else validator.is_valid(text)


@lru_cache(maxsize=256)
def _validator(spelled: bytes) -> Any:
    library = _library()
    if library is None:
        return None
    try:
        return library.validator_for(
            msgspec.json.decode(spelled), offline=True, validate_formats=False,
            pattern_options=library.RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES),
        )  # fmt: skip
    except (ValueError, library.ReferencingError):
        return None


@lru_cache(maxsize=1)
def _library() -> Any:
    """The library is an extra (15 MB); None where it is not installed. Then nothing is said of schemas and patterns."""
    try:
        return importlib.import_module("jsonschema_rs")
    except ImportError:
        log.warning("answers are not held against schemas: `pip install 'farthing[checks]'` brings what is needed")
        return None


def _affordable(schema: Node, value: Any) -> bool:
    sizes = _sizes(value)
    if len(sizes) > DEEPEST:
        return False
    work = _Work(schema)
    try:
        return sum(size * work.at(schema, level) for level, size in enumerate(sizes)) <= MOST_WORK
    except _TooMuch:
        return False


def _sizes(value: Any) -> list[int]:
    """The weight of each level of a value: its parts, and its strings by their length. Stops below the deepest level."""
    sizes: list[int] = []
    level = [value]
    while level and len(sizes) <= DEEPEST:
        size = 0
        below: list[Any] = []
        for each in level:
            size += 1
            if isinstance(each, str):
                size += len(each) // 32
            elif isinstance(each, dict):
                below += each.values()
                size += len(each)
            elif isinstance(each, list):
                below += each
        sizes.append(size)
        level = below
    return sizes


class _TooMuch(Exception):
    """The bound is passed, or a reference leads in a circle or elsewhere."""


class _Work:
    """How many parts of a schema one part of a value is held against, at most, so many levels down."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._known: dict[tuple[int, int], int] = {}

    def at(self, schema: Any, level: int) -> int:
        """Raises _TooMuch."""
        if not isinstance(schema, dict):
            return 1
        key = (id(schema), level)
        if key not in self._known:
            self._known[key] = MOST_WORK + 1  # whoever comes back here goes in a circle
            here = sum(self.at(each, level) for each in self._here(schema))
            own = len(schema) + len(_listed(schema.get("enum"))) if not level else self._inside(schema, level - 1)
            self._known[key] = here + own
        if self._known[key] > MOST_WORK:
            raise _TooMuch
        return self._known[key]

    def _here(self, schema: Node) -> list[Any]:
        if any(name in schema for name in _ELSEWHERE):
            raise _TooMuch
        found = [each for name in _HERE_EACH for each in _listed(schema.get(name))]
        found += [schema[name] for name in _HERE if name in schema]
        found += [each for name in _HERE_NAMED for each in _named(schema.get(name))]
        if "$ref" in schema:
            found.append(self._referred(schema["$ref"]))
        return found

    def _inside(self, schema: Node, level: int) -> int:
        """Named properties are different values, so only the costliest counts; the others may all meet one value."""
        named = max((self.at(each, level) for each in _named(schema.get("properties"))), default=0)
        others = [schema[name] for name in _INSIDE if isinstance(schema.get(name), dict)]
        others += _named(schema.get("patternProperties"))
        others += [each for name in _INSIDE_EACH for each in _listed(schema.get(name))]
        return named + sum(self.at(each, level) for each in others)

    def _referred(self, reference: Any) -> Any:
        """Where a JSON pointer leads."""
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise _TooMuch
        found: Any = self._root
        for step in reference[2:].split("/") if len(reference) > 1 else ():
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                raise _TooMuch
        return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _named(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []
