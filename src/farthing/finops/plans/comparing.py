"""Two plans side by side: what differs in dollars a month, and whether that is more than chance."""

from typing import NamedTuple

from farthing.finops.plans.document import Document
from farthing.model.money import Nano
from farthing.model.plan import Amount

ALL = "all together"
NONE = Amount(0, 0, 0)


class Line(NamedTuple):
    """One lever in both, beside the others. `None`: it is not in that plan."""

    name: str
    one: Amount | None
    other: Amount | None

    @property
    def more(self) -> Nano:
        """What the other saves more."""
        return (self.other or NONE).likely - (self.one or NONE).likely

    @property
    def is_sure(self) -> bool:
        """Whether the intervals do not touch."""
        one, other = self.one or NONE, self.other or NONE
        return one.high < other.low or other.high < one.low


def lines(one: Document, other: Document) -> list[Line]:
    """All together first, then levers, the biggest difference first."""
    first = {each.lever: each.beside for each in one.plan.levers}
    second = {each.lever: each.beside for each in other.plan.levers}
    found = [Line(name, first.get(name), second.get(name)) for name in dict.fromkeys((*first, *second))]
    whole = Line(ALL, one.plan.together, other.plan.together)
    return [whole, *sorted(found, key=lambda each: (-abs(each.more), each.name))]


def notes(one: Document, other: Document) -> list[str]:
    """What makes them hard to compare, and what was assumed in each."""
    found = []
    if (one.plan.since_us, one.plan.until_us, one.plan.calls) != (
        other.plan.since_us,
        other.plan.until_us,
        other.plan.calls,
    ):
        found.append(f"They are about other calls: {one.plan.calls:,} and {other.plan.calls:,}.")
    for name, document in (("first", one), ("second", other)):
        if document.scenario:
            found.append(f"In the {name}: {'; '.join(document.scenario)}.")
    return found
