"""Writes TOML: values, keys and tables, for the files that commands make."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from re import fullmatch
from typing import Any


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if fullmatch(r"[A-Za-z0-9_-]+", name) else text(name)


def text(value: str) -> str:
    """A string; what JSON escapes is escaped the same way, and DEL, which JSON leaves."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def value(what: Any) -> str:
    """A value in one line. Raises TypeError for what TOML has no form for."""
    if isinstance(what, bool):
        return "true" if what else "false"
    if isinstance(what, str):
        return text(what)
    if isinstance(what, int | float | Decimal | date):
        return str(what)
    if isinstance(what, Mapping):
        inner = ", ".join(f"{key(name)} = {value(each)}" for name, each in what.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(what, Sequence):
        return f"[{', '.join(value(each) for each in what)}]"
    raise TypeError(f"TOML has no {type(what).__name__}")


def table(name: str, pairs: Mapping[str, Any], *, array: bool = False) -> str:
    """A `[table]`, or one of `[[tables]]`, with its keys."""
    head = f"[[{name}]]" if array else f"[{name}]"
    return "\n".join([head, *(f"{key(each)} = {value(what)}" for each, what in pairs.items())]) + "\n"
