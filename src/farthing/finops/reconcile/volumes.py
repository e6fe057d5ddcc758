"""Why the bill counts other units than the ledger. Each step takes from the differences what it explains, and names it; what
is left in the end was never in the ledger, or is not on the bill. Knows no money.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from fractions import Fraction

from farthing.finops.reconcile.bill import DAY_US, is_input, is_tokens
from farthing.finops.reconcile.causes import ABORTED, CACHE, LATE, MISSING, NOT_BILLED, OUTSIDE, TIER, UNPRICED, ZONE
from farthing.finops.reconcile.cells import Cell, Ours, Sides
from farthing.finops.reconcile.ledger import MOST_HOURS

LATEST_DAYS = 3
"""A batch is billed at most so many days after the day that it ran on here."""

WORTH_A_LOOK = Fraction(1, 200)
"""Share of all tokens that must differ by day before another time zone is thought of."""

BETTER = Fraction(1, 4)
"""Another time zone must leave at most this share of the differences."""

Counts = dict[Cell, Fraction]
Explained = dict[str, Counts]
"""Units by cause and cell: what the bill has more than the ledger; below zero where it has less."""


def explain(sides: Sides, at_utc: Ours, at_offset: Callable[[int], Ours]) -> tuple[Explained, int]:
    """Units by cause; and the offset of the bill's days from UTC, in hours. `at_offset` cuts the ledger there."""
    found = _Found(sides, at_utc)
    found.unpriced(at_utc)
    found.outside()
    found.late()
    hours = _best_offset(sides, at_utc, at_offset)
    days = at_utc
    if hours:
        days = at_offset(hours)
        found.zone(at_utc, days)
    found.swapped(TIER, lambda cell: (cell[0], cell[1], cell[3], cell[4]), is_tokens)
    found.swapped(CACHE, lambda cell: (cell[0], cell[1], cell[2], cell[4]), is_input)
    found.unknown(sides, days)
    found.estimated(days)
    found.leave()
    return found.explained, hours


class _Found:
    """What is explained so far, and the differences that are left."""

    def __init__(self, sides: Sides, ours: Ours) -> None:
        self._tells = sides.tells
        billed = sides.billed
        self.rest: Counts = {}
        for cell in sorted(filter(self._tells, billed.keys() | ours.units.keys())):
            mine = ours.units[cell].count if cell in ours.units else 0
            self.rest[cell] = Fraction(billed.get(cell, 0) - mine)
        self.explained: Explained = {}

    def take(self, cause: str, cell: Cell, count: Fraction) -> None:
        if count:
            self.rest[cell] = self.rest.get(cell, Fraction(0)) - count
            self._name(cause, cell, count)

    def _name(self, cause: str, cell: Cell, count: Fraction) -> None:
        counts = self.explained.setdefault(cause, {})
        counts[cell] = counts.get(cell, Fraction(0)) + count

    def unpriced(self, ours: Ours) -> None:
        """They are in the ledger, so they are no difference of units; their money is one."""
        for cell, sums in ours.units.items():
            if sums.unpriced and self._tells(cell):
                self._name(UNPRICED, cell, Fraction(sums.unpriced))

    def outside(self) -> None:
        for cell, rest in list(self.rest.items()):
            if cell[4] == OUTSIDE:
                self.take(OUTSIDE, cell, rest)

    def zone(self, at_utc: Ours, there: Ours) -> None:
        """Batches are left out: what they are late by is told already."""
        for cell in sorted(filter(self._tells, at_utc.units.keys() | there.units.keys())):
            here = at_utc.units[cell].count if cell in at_utc.units else 0
            moved = (there.units[cell].count if cell in there.units else 0) - here
            if cell[2] != "batch":
                self.take(ZONE, cell, Fraction(moved))

    def late(self) -> None:
        """Of batches, what is missing on one day and too much on one of the next; on the last days, what is missing."""
        series: dict[Hashable, list[Cell]] = {}
        for cell in sorted(self.rest):
            if cell[2] == "batch":
                series.setdefault(cell[1:], []).append(cell)
        last = max((cell[0] for cell in self.rest), default=0)
        for cells in series.values():
            for place, cell in enumerate(cells):
                for later in cells[place + 1 :]:
                    if later[0] - cell[0] <= LATEST_DAYS * DAY_US:
                        self._move(LATE, cell, later)
                if self.rest[cell] < 0 and last - cell[0] < LATEST_DAYS * DAY_US:
                    self.take(LATE, cell, self.rest[cell])

    def _move(self, cause: str, less: Cell, more: Cell) -> None:
        count = min(-self.rest[less], self.rest[more])
        if count > 0:
            self.take(cause, less, -count)
            self.take(cause, more, count)

    def swapped(self, cause: str, group: Callable[[Cell], Hashable], which: Callable[[str], bool]) -> None:
        """Units that the bill has in one cell of a group and the ledger in another: as many as both sides have."""
        groups: dict[Hashable, list[Cell]] = {}
        for cell in sorted(self.rest):
            if which(cell[3]) and self.rest[cell]:
                groups.setdefault(group(cell), []).append(cell)
        for cells in groups.values():
            more = sum((self.rest[cell] for cell in cells if self.rest[cell] > 0), Fraction(0))
            less = -sum((self.rest[cell] for cell in cells if self.rest[cell] < 0), Fraction(0))
            both = min(more, less)
            if both:
                for cell in cells:
                    rest = self.rest[cell]
                    self.take(cause, cell, rest * both / (more if rest > 0 else less))

    def unknown(self, sides: Sides, ours: Ours) -> None:
        """Calls of ours that ended without usage explain as much as they can be worth: all, where the bill has no more
        calls than they are, else their share of the calls that we lack."""
        for place, calls in ours.calls.items():
            if not calls.unknown:
                continue
            asked = sides.requests.get(place)
            for cell in [cell for cell in self.rest if (cell[0], cell[1], cell[4]) == place and self.rest[cell] > 0]:
                if asked is not None:
                    lacking = max(asked - calls.known, 0)
                    share = min(Fraction(1), Fraction(calls.unknown, lacking)) if lacking else Fraction(0)
                    self.take(ABORTED, cell, self.rest[cell] * share)
                else:
                    self.take(ABORTED, cell, min(self.rest[cell], self._usual(ours, cell, calls.known) * calls.unknown))

    def _usual(self, ours: Ours, cell: Cell, known: int) -> Fraction:
        """Units of a known call; everything where there is none to go by."""
        if not known:
            return self.rest[cell]
        mine = sum(
            sums.count
            for other, sums in ours.units.items()
            if (other[0], other[1], other[3], other[4]) == (cell[0], cell[1], cell[3], cell[4])
        )
        return Fraction(mine, known)

    def estimated(self, ours: Ours) -> None:
        for cell, sums in ours.units.items():
            rest = self.rest.get(cell, Fraction(0))
            if sums.estimated and rest:
                part = min(abs(rest), Fraction(sums.estimated))
                self.take(ABORTED, cell, part if rest > 0 else -part)

    def leave(self) -> None:
        for cell, rest in list(self.rest.items()):
            self.take(MISSING if rest > 0 else NOT_BILLED, cell, rest)


def _best_offset(sides: Sides, at_utc: Ours, at_offset: Callable[[int], Ours]) -> int:
    """The offset at which days agree best, if it is far better than UTC."""
    if sides.first_day == sides.last_day:
        return 0
    billed = _by_day(sides.billed.items())
    here = _distance(billed, at_utc)
    if here <= WORTH_A_LOOK * sum(billed.values()):
        return 0
    offsets = [hours for hours in range(-MOST_HOURS, MOST_HOURS + 1) if hours]
    best = min(offsets, key=lambda hours: (_distance(billed, at_offset(hours)), abs(hours)))
    return best if _distance(billed, at_offset(best)) <= BETTER * here else 0


def _distance(billed: Mapping[Hashable, int], ours: Ours) -> int:
    mine = _by_day((cell, sums.count) for cell, sums in ours.units.items())
    return sum(abs(billed.get(key, 0) - mine.get(key, 0)) for key in billed.keys() | mine.keys())


def _by_day(counts: Iterable[tuple[Cell, int]]) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    for (day, model, tier, unit, key), count in counts:
        if is_tokens(unit) and key != OUTSIDE and tier != "batch":
            found[day, model, unit] = found.get((day, model, unit), 0) + count
    return found
