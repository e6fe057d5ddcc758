"""What this gateway holds of one budget and member: a slice on lease, spent in memory without asking anyone.

    lease in the store = free + reserved by attempts under way + used by calls that the ledger has not written yet

All of it happens on the event loop, between two awaits, so nothing is locked. Knows nothing of stores and calls.
"""

from farthing.model.budget import Budget
from farthing.model.charge import Charge
from farthing.model.windows import Period, Window, window_at
from farthing.store.leases import SHARE, State, Want, before_of

PLENTY = 4
"""A slice is so many of the largest reservations,"""
AHEAD_S = 2.0
"""or what is used in so many seconds."""


class Slice:
    """A lease of one window. It stays when its window is over, until what it reserved has come home."""

    __slots__ = ("flying", "free", "holder", "id")

    def __init__(self, window: str, holder: str) -> None:
        self.id = window
        self.holder = holder
        self.free = 0
        self.flying = 0
        """Reserved by attempts under way."""


class Purse:
    """See the module. Times are microseconds since 1970, as the gateway's clock has them."""

    __slots__ = (
        "asked_at", "budget", "busy_until", "dry_until", "ended", "filling", "left", "left_most", "low", "member", "period",
        "slice", "state", "tight", "used", "wanted_us", "window",
    )  # fmt: skip

    def __init__(self, budget: Budget, member: str) -> None:
        self.budget = budget
        self.member = member
        self.period: Period = budget.period
        self.window = Window("", 0, 0)
        self.slice = Slice("", "")
        self.ended: list[Slice] = []
        """Slices of earlier windows, or that were taken away, with attempts under way."""
        self.left = 0
        """What nobody held when the store was asked last; how dear a reservation may be."""
        self.left_most = 0
        """What could be left at most if all that is reserved came back, when the store said no."""
        self.dry_until = 0.0
        """Until then `left_most` holds (monotonic seconds)."""
        self.busy_until = 0.0
        """Until then the store is not asked again."""
        self.tight = False
        """So little is left that each call asks for itself and gives back at once."""
        self.filling = False
        self.low = 0
        """Below this the next slice is asked for."""
        self.used = 0
        """Reserved since the store was asked last."""
        self.asked_at = 0.0
        self.state = State(budget.amount, 0, 0, 0, 0)
        """As the store saw it last."""
        self.wanted_us = 0
        """When somebody else last wanted more than was left, as far as was heard."""

    def turn(self, now_us: int, holder: str) -> None:
        """Make sure that the slice is one of the window of now."""
        window = self.window
        if window.from_us <= now_us < window.until_us and self.slice.holder == holder:
            return
        if not window.from_us <= now_us < window.until_us:
            self.window = window_at(self.period, now_us)
        self.drop(holder)

    def drop(self, holder: str) -> None:
        """Begin a new slice, empty; what is left of the old one is given back by and by."""
        if self.slice.free or self.slice.flying:
            self.ended.append(self.slice)
        self.slice = Slice(self.window.id, holder)
        self.left = self.left_most = 0
        self.dry_until = self.busy_until = 0.0
        self.tight = False

    def has_plenty(self, most: int) -> bool:
        """Whether all that one attempt could need is little of what is left, and in hand."""
        free = self.slice.free
        return most <= free and SHARE * most <= free + self.left and not self.tight

    def offers(self, likely: int, most: int) -> int:
        """What one attempt may reserve now, between what it is likely to need and all that it could; negative where the
        slice has too little, though there may be more in the store."""
        free = self.slice.free
        if self.tight:
            return min(most, free) if free >= likely else -1
        wanted = min(most, max(likely, (free + self.left) // SHARE))
        return wanted if free >= wanted else -1

    def want(self, now_us: int, now: float, least: int, likely: int, most: int) -> Want:
        """What to ask the store for: what an attempt lacks, and a slice."""
        budget, window, free = self.budget, self.window, self.slice.free
        used = round(AHEAD_S * self.used / max(0.5, now - self.asked_at))
        return Want(
            budget.id, self.member, window.id, window.from_us, window.also, budget.allowed_at(now_us),
            max(0, least - free), max(0, likely - free), max(0, most - free), max(PLENTY * most, used), before_of(budget, self.period, window),
        )  # fmt: skip

    def is_idle(self) -> bool:
        return not (self.slice.free or self.slice.flying or self.ended or self.filling)


class Part:
    """What one budget reserved for one attempt."""

    __slots__ = ("amount", "charge", "purse", "slice")

    def __init__(self, purse: Purse, charge: Charge, amount: int) -> None:
        self.purse = purse
        self.slice = purse.slice
        self.charge = charge
        self.amount = amount
        self.slice.free -= amount
        self.slice.flying += amount
        purse.used += amount
        charge.amount += amount

    def settle(self, used: int) -> int:
        """The attempt is over: what it did not use is free again. May be below nothing where more was used."""
        back = self.amount - used
        self.slice.flying -= self.amount
        self.slice.free += back
        self.charge.amount -= back
        self.amount = used
        return back

    def can_extend(self, more: int) -> bool:
        """Whether the slice has so much more; that of a window that is over has what it had."""
        return self.slice.free >= more

    def extend(self, more: int) -> None:
        """Reserve more for it."""
        self.slice.free -= more
        self.slice.flying += more
        self.purse.used += more
        self.charge.amount += more
        self.amount += more


def charge_of(charges: list[Charge], budget: str, member: str, window: str, holder: str) -> Charge:
    """The call's charge of that budget; several attempts share one."""
    for charge in charges:
        if charge.budget == budget and charge.member == member and charge.window == window and charge.holder == holder:
            return charge
    charge = Charge(budget, member, window, holder, 0)
    charges.append(charge)
    return charge
