"""Values from JSON that may hold anything: the fast way where it is as agreed, the patient way where it is not.

Knows nothing of any format.
"""

from typing import Annotated, Any, TypeVar, get_args

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A number of units that can be believed: whole, not negative, exact in every JSON library."""


def counts(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> tuple[T | None, frozenset[str]]:
    """The typed value in `raw`, and the names of members that were dropped because they were not as agreed.

    None if it is not a JSON object. Never raises.
    """
    try:
        return decoder.decode(raw), _NOTHING
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    value = anything(raw)
    if not isinstance(value, dict):
        return None, _NOTHING
    dropped: set[str] = set()
    return _salvage(value, decoder.type, dropped), frozenset(dropped)


def anything(raw: bytes | msgspec.Raw) -> Any:
    """Whatever JSON says, None if it says nothing. Never raises."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def member(value: Any, *path: str) -> Any:
    """What lies at the path in a tree of dicts, None where it breaks off."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


NULL = msgspec.Raw(b"null")
"""For a raw member that is not there: in a union msgspec does not know Raw."""


def present(raw: msgspec.Raw) -> bool:
    """Whether a raw member is there and not null."""
    return raw is not NULL and bytes(raw) != b"null"


def encoded(value: Any) -> bytes:
    """A value as JSON; `null` for one nested too deep."""
    try:
        return msgspec.json.encode(value)
    except RecursionError:
        return b"null"


def rawly(value: Any) -> msgspec.Raw:
    """A value as a raw member."""
    return NULL if value is None else msgspec.Raw(encoded(value))


def tidy(text: object, limit: int = 256) -> str:
    """A string that can go to logs, headers and rows: one line, printable, bounded. "" for what is no string."""
    if not isinstance(text, str):
        return ""
    if len(text) > limit:
        text = text[:limit]
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def _salvage(value: dict[str, Any], kind: type[T], dropped: set[str]) -> T:
    good: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in value:
            continue
        item = value[field.encode_name]
        try:
            good[field.name] = msgspec.convert(item, field.type)
        except (msgspec.ValidationError, RecursionError):
            inner = _struct_of(field.type)
            dropped.add(field.encode_name)
            if inner is not None and isinstance(item, dict):
                good[field.name] = _salvage(item, inner, dropped)
    return kind(**good)


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    for option in get_args(kind) or (kind,):
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


_NOTHING: frozenset[str] = frozenset()
