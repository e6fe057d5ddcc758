"""Every setting by its full name, with its value as the file has it. Of a secret only whether there is one."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

import msgspec

from farthing.settings import Secret, Settings, StoreUrl, shown_url
from farthing.settings.tree import describe


class Line(msgspec.Struct, frozen=True):
    """One setting."""

    name: str
    value: str
    default: str
    what: str

    @property
    def is_changed(self) -> bool:
        return self.value != self.default


def lines(settings: Settings) -> Iterator[Line]:
    """Every setting by its full name, in the order of the file. No secret is in it."""
    for field in msgspec.structs.fields(Settings):
        value = getattr(settings, field.name)
        if value != {}:  # tables that there are none of
            yield from _of(field.name, value, Settings, field)


def _of(name: str, value: Any, kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Iterator[Line]:
    if isinstance(value, msgspec.Struct):
        yield from _inside(name, value)
    elif isinstance(value, Mapping) and any(isinstance(each, msgspec.Struct) for each in value.values()):
        for key, each in value.items():
            yield from _inside(f"{name}.{key}", each)
    elif isinstance(value, list) and any(isinstance(each, msgspec.Struct) for each in value):
        for number, each in enumerate(value, 1):
            yield from _inside(f"{name}[{number}]", each)
    else:
        yield Line(name, shown(value), shown(_default(field)), describe(_hints(kind)[field.encode_name]))


@cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _inside(name: str, value: msgspec.Struct) -> Iterator[Line]:
    for field in msgspec.structs.fields(value):
        yield from _of(f"{name}.{field.name}", getattr(value, field.name), type(value), field)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None if field.default is msgspec.NODEFAULT else field.default


def shown(value: Any) -> str:
    """A value as the file has it; of a secret only whether there is one."""
    if isinstance(value, StoreUrl):
        return shown_url(value.reveal()).partition("?")[0]
    if isinstance(value, Secret):
        return "set" if value else "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {shown(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    return "none" if value in (None, "") else str(value)
