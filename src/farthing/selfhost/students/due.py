"""What a training would be, before it begins: of which scope, on how many calls, and for how long. Trains nothing.

The time is a range: its lower end is that of vectors whose teacher never changed, its upper end that of words, or of open
traffic, learned from twice because the teacher's answers changed (see `training`). The figures are CPU seconds of trainings
of 300 to 4,000 texts on two cores of a server; what an encoder needs comes on top, for short and for long texts.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from farthing.selfhost.students.pairs import Captured, clean
from farthing.store.students import Version

ENCODED_S = (0.002, 0.04)
"""CPU seconds of a text, of some words and of some hundred."""
MOST_FEATURES = 3


class Due(NamedTuple):
    """A scope that is to be trained, and what from."""

    place: tuple[str, str]
    """Tenant and scope."""
    pairs: Sequence[Captured]
    newest: Version | None


class Foretold(msgspec.Struct, frozen=True):
    """What training one scope would be."""

    tenant: str
    scope: str
    features: tuple[str, ...]
    """Whose calls these are, most of them first."""
    version: int
    """The newest one there is; 0 for none."""
    captured: int
    pairs: int
    """Different texts among these, which are what is learned from."""
    why_not: str
    """Why no student would come of it; empty where one may."""
    cpu_s: tuple[float, float]
    """From and to, seconds."""


def foretell(due: Due, *, most: int, least: int, encodes: bool) -> Foretold:
    """`most` and `least`: pairs of a student; `encodes`: whether texts become vectors of an encoder."""
    data = clean(due.pairs, most=most)
    why_not = data.trouble or (f"{data.size:,} calls are too few to learn from" if data.size < least else "")
    return Foretold(
        *due.place, features_of(due.pairs), due.newest.version if due.newest is not None else 0, len(due.pairs), data.size,
        why_not, (0.0, 0.0) if why_not else seconds(data.size, encodes=encodes),
    )  # fmt: skip


def seconds(pairs: int, *, encodes: bool) -> tuple[float, float]:
    """CPU seconds from and to: what goes by the texts, and what goes by the cube of them, as inverting does."""
    thousands = pairs / 1000
    low, high = 0.2 * thousands + 0.08 * thousands**3, 2 * (0.5 + 1.6 * thousands + 0.15 * thousands**3)
    few, many = ENCODED_S if encodes else (0.0, 0.0)
    return low + few * pairs, high + many * pairs


def features_of(pairs: Sequence[Captured]) -> tuple[str, ...]:
    """The features that most of the calls are of, most first."""
    return tuple(name for name, _ in Counter(pair.feature for pair in pairs if pair.feature).most_common(MOST_FEATURES))
