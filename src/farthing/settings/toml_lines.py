"""Where the keys of a TOML text stand. The standard parser forgets lines; this asks it again, a statement at a time."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

KeyPath = tuple[str | int, ...]
"""Keys from the top of the file to a value; numbers count `[[tables]]`."""


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """Where each key of a TOML text stands."""
    lines: dict[KeyPath, int] = {}
    tables: Counter[KeyPath] = Counter()
    here: KeyPath = ()
    for number, statement in _statements(text):
        parsed = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            here = _header(parsed, tables)
            for depth in range(1, len(here) + 1):
                lines.setdefault(here[:depth], number)
        else:
            for path in _paths(parsed):
                lines.setdefault((*here, *path), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the number of its first line; one that goes on over lines is whole once it can be parsed."""
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not held:
            start = number
        held += line
        try:
            tomllib.loads(held)
        except tomllib.TOMLDecodeError:
            continue
        yield start, held
        held = ""


def _header(parsed: dict[str, Any], tables: Counter[KeyPath]) -> KeyPath:
    """The path of a `[table]` or of the next `[[table]]`; names inside the latter belong to its latest."""
    path: KeyPath = ()
    inner: Any = parsed
    while isinstance(inner, dict) and inner:
        key, inner = next(iter(inner.items()))
        path = (*path, key)
        if isinstance(inner, list):
            tables[path] += 1
        if tables[path]:
            path = (*path, tables[path] - 1)
    return path


def _paths(value: Any) -> Iterator[KeyPath]:
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (key,)
        for path in _paths(inner):
            yield (key, *path)


def dotted(path: KeyPath) -> str:
    """The path as TOML writes it; the second of several `[[tables]]` is `name[2]`."""
    written = ""
    for key in path:
        if isinstance(key, int):
            written += f"[{key + 1}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", key)
            written += ("." if written else "") + (key if plain else f'"{key}"')
    return written
