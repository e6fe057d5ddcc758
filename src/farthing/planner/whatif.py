"""Changes of settings by hand, as a plan tries them: `routing.quality_floor=0.98`, `cache.ttl=1h`. Knows no setting by name."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_type_hints

import msgspec

from farthing.model.errors import BadRequest
from farthing.settings import Settings
from farthing.steps.defer.asked import seconds_of


def changed(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """The settings with each value put in its place. Raises BadRequest for a place or a value that is none."""
    for path, text in changes.items():
        settings = _set(settings, path.split("."), path, _value(path, text))
    return settings


def _in_seconds(node: msgspec.Struct, name: str, value: Any) -> tuple[str, Any]:
    """`ttl = "1h"` is the setting `ttl_s = 3600`."""
    own = node.__struct_fields__
    name = f"{name}_s" if name not in own and f"{name}_s" in own else name
    seconds = seconds_of(value) if name.endswith("_s") and isinstance(value, str) else None
    return name, value if seconds is None else seconds


def _value(path: str, text: str) -> Any:
    """A number, a list or the like as TOML has it; anything else is a word."""
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        if not text.isprintable():
            raise BadRequest(f"{path}: the value is no text of one line") from None
        return text


def _set(node: Any, names: list[str], path: str, value: Any) -> Any:
    name, rest = names[0], names[1:]
    if isinstance(node, dict):
        if name not in node:
            raise BadRequest(f"{path}: there is no {name!r}")
        return {**node, name: _set(node[name], rest, path, value) if rest else value}
    if isinstance(node, msgspec.Struct) and not rest:
        name, value = _in_seconds(node, name, value)
    if not isinstance(node, msgspec.Struct) or name not in node.__struct_fields__:
        raise BadRequest(f"{path}: there is no setting {name!r}; docs/reference/settings.md has all of them")
    if rest:
        return msgspec.structs.replace(node, **{name: _set(getattr(node, name), rest, path, value)})
    kind = get_type_hints(type(node), include_extras=True)[name]
    try:
        converted = msgspec.convert(
            float(value) if isinstance(value, Decimal) else value, kind, strict=False, dec_hook=_own
        )
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise BadRequest(f"{path}: {error}") from None
    return msgspec.structs.replace(node, **{name: converted})


def _own(kind: type, value: Any) -> Any:
    """Types of our own are made of their text."""
    return kind(str(value))
