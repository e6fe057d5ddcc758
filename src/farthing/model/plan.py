"""A plan: what could be switched on, what each would have saved on the calls of the past, and how sure that is. Plain values.

Amounts are nano-dollars, by month unless said otherwise. Intervals are of 80 %, for a month like those that were replayed.
"""

from typing import Literal

import msgspec

from farthing.model.money import Nano

Risk = Literal["lossless", "guarded", "needs proof"]


class Amount(msgspec.Struct, frozen=True):
    """A saving a month."""

    likely: Nano
    low: Nano
    high: Nano


class Example(msgspec.Struct, frozen=True):
    """One call of the past, and what it would have come to."""

    call: str
    feature: str
    before: Nano
    after: Nano


class Scenario(msgspec.Struct, frozen=True):
    """What comes of a lever if that holds which nobody knows yet."""

    what: str
    a_month: Nano
    consequence: str
    """For answers."""
    settled_by: str = ""
    """What would tell."""


class LeverPlan(msgspec.Struct):
    """One lever."""

    lever: str
    risk: Risk
    toml: str
    caution: str
    effort: str
    alone: Amount
    """If it were the only one."""
    beside: Amount
    """What is lost if it is left out of all."""
    booked: Nano
    """Its part of all together, in the order of the steps."""
    calls: int
    """Calls that it makes cheaper."""
    dearer: int
    """Calls that it makes dearer."""
    examples: list[Example] = []
    against: list[Example] = []
    """The calls that it makes dearest."""
    scenarios: list[Scenario] = []
    is_bound: bool = False
    """The amounts are what it comes to at most; nobody has said which of these calls can do with it."""


class Plan(msgspec.Struct):
    """See the module."""

    since_us: int
    until_us: int
    calls: int
    replayed: int
    left_out: dict[str, int]
    """Calls that could not be asked again, by why."""
    recorded: Nano
    """What the replayed calls cost, by the log's usage and our prices; in their span."""
    base: Nano
    """The same in the replay, with nothing switched on: where the two differ, caches began empty."""
    a_month: Nano
    """What the calls of the store cost in a month, all of them."""
    together: Amount
    levers: list[LeverPlan]
    """The biggest first."""
    notes: list[str] = []
