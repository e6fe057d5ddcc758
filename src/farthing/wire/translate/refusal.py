"""The fate of each field of a request: carried over, dropped because that is harmless, or refused with the reason.

The tables made of these values drive the translation of requests and the reference page alike. Knows no format.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeVar

import msgspec

from farthing.model.errors import BadRequest, CannotTranslate


class Fate(NamedTuple):
    """What happens to a field; `note` says where it goes, why dropping it is harmless, or why it is refused."""

    kind: Literal["carried", "dropped", "refused"]
    note: str
    passes: tuple[object, ...] = ()
    """Values of a refused field that pass, because they ask for nothing; null always passes."""


Fates = Mapping[str, Fate]
"""By field name, for one kind of object."""


def carried(to: str) -> Fate:
    return Fate("carried", to)


def dropped(why: str) -> Fate:
    return Fate("dropped", why)


def refused(why: str, *passes: object) -> Fate:
    return Fate("refused", why, passes)


class Refusal(Exception):
    """A field that stops the translation; it grows its path from the inside out, so that good requests build none."""

    def __init__(self, field: str, why: str, error: type[BadRequest] = CannotTranslate) -> None:
        super().__init__(field, why)
        self.field = field
        self.why = why
        self.error = error

    def inside(self, outer: str) -> "Refusal":
        """The same, seen from the object that holds the field's object at `outer`."""
        self.field = f"{outer}.{self.field}" if self.field else outer
        return self

    def spoken(self) -> BadRequest:
        return self.error(f"{self.field}: {self.why}", param=self.field)


T = TypeVar("T")


def each(items: Iterable[T], turn: Callable[[T], None], where: str) -> None:
    """Do `turn` for each item; a Refusal gets the item's place in `where`."""
    for at, item in enumerate(items):
        try:
            turn(item)
        except Refusal as refusal:
            raise refusal.inside(f"{where}[{at}]") from None


class Gate:
    """Lets an object pass if none of its refused fields says anything. Raises Refusal with the field's name."""

    __slots__ = ("_checks",)

    def __init__(self, fates: Fates) -> None:
        self._checks = tuple((name, fate.passes, fate.note) for name, fate in fates.items() if fate.kind == "refused")

    def check(self, thing: msgspec.Struct) -> None:
        for name, passes, why in self._checks:
            value = getattr(thing, name)
            if value is not None and not (passes and _among(value, passes)):
                raise Refusal(name, why)


def _among(value: object, passes: tuple[object, ...]) -> bool:
    """Whether `value` is one of `passes`, with true and 1 kept apart."""
    return any(value == good and isinstance(value, bool) == isinstance(good, bool) for good in passes)
