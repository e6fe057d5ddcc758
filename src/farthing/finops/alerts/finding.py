"""What a rule says: this scope, in this period, is out of order, and this much money is at stake. No state, no delivery."""

from typing import Literal

import msgspec

from farthing.model.money import Nano

Level = Literal["warn", "alert", "no-data"]

SEVERITY = {"ok": 0, "no-data": 1, "warn": 2, "alert": 3}
"""Which of two states is worse."""


class Scope(msgspec.Struct, frozen=True, order=True):
    """Whose spending: `total`, or one feature, team, model, user, key, budget."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "total":
            return "all spending"
        return f"{self.kind} {self.name or '(none)'}"


TOTAL = Scope("total")


class Finding(msgspec.Struct, frozen=True):
    """One thing that a rule found. Amounts in nano-dollars; `text` is one sentence for people, without prompts or secrets."""

    rule: str
    scope: Scope
    period: str
    """What it is about in time: a day, a week, a budget's window. (rule, scope, period) is told once."""
    level: Level
    text: str
    value: Nano = 0
    """What was spent, so far or as it goes on."""
    usual: Nano = 0
    """What it would be if all were well."""
    at_stake: Nano = 0
    """What it costs if nobody does anything, as far as that can be said; 0 where it cannot."""
    step: int = 0
    """Rises with each threshold that is passed; a higher one is told again."""
    count: int = 0
    """Events that it stands for, where it counts events."""
    cause: str = ""
    """What drives it: "91 % of the rise is feature agent on model x"."""
    driver: tuple[str, str] = ("", "")
    """Kind and name of what drives it most: findings with the same driver are one incident."""
