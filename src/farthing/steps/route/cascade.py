"""A cheap model first, then a check of its answer, then the better model: where answers can be checked, and the check is
known to be right often enough.

With p the share of answers that pass and a the share of passed ones that really are as good: the expected cost is
cheap + (1 - p) * better, the expected quality p * a + (1 - p). Measured on public outcomes, a check that is right nine
times in ten holds quality; one that is right eight times in ten does not pay.
"""

from typing import Protocol

import msgspec

from farthing.model.call import Call
from farthing.model.money import Nano

LEAST_SEEN = 50
"""Checked answers of a model on a kind of work before its pass rate is believed."""


class Checked(Protocol):
    """What a check says of an answer."""

    @property
    def passed(self) -> bool: ...
    @property
    def why(self) -> str: ...


class Seen(msgspec.Struct, frozen=True):
    """What the checks of a model's answers have shown on one kind of work."""

    answers: int
    passed: float
    """Share of answers that pass."""
    right: float
    """Share of passed answers that really are as good, as a lower confidence bound."""


class Checks(Protocol):
    """Who can check answers."""

    def has_check(self, call: Call) -> bool: ...
    def check(self, call: Call, model: str, whole: bytes) -> Checked | None:
        """None where the answer says nothing that could be checked."""

    def record_of(self, tenant: str, scopes: tuple[str, ...], model: str) -> Seen | None: ...


def worth_trying(seen: Seen | None, cheap: Nano, better: Nano, floor: float) -> bool:
    """Whether the cheap model first is cheaper than the better one alone, at a quality that clears the floor."""
    if seen is None or seen.answers < LEAST_SEEN:
        return False
    cost = cheap + (1 - seen.passed) * better
    quality = seen.passed * seen.right + (1 - seen.passed)
    return cost < better and quality >= floor
