"""The interface of a rule."""

from typing import Protocol

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.seen import Seen


class Rule(Protocol):
    """Looks at what is seen; keeps nothing, decides nothing about whom to tell."""

    name: str

    def __call__(self, seen: Seen) -> list[Finding]: ...
