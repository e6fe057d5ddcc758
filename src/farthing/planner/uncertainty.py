"""How sure a saving is that was seen on some calls: an interval of 80 % for a month that is yet to come.

Calls of one conversation, or of one day, go together, so their sums are what varies:

    variance V of the sum over n days  =  n x the variance of a day's sum, working days and weekends apart
    over n conversations               =  n x the mean square of one's sum, since how many there are varies too (compound Poisson)
    the largest square that was seen   =  counts half as much again: few groups seldom show how large one can be
    of the month, t spans long, beside t times what was seen  =  (t + t squared) x V: both are draws

A month with more calls varies more. So V grows with the sum, as it does for counts, and the interval reaches further up than down
(Nelson's prediction interval of Poisson counts, with V / sum in place of one). A saving that was small by chance else has an
interval that is narrow by the same chance.

Days are the groups where there are enough of them, else conversations. Knows nothing of levers.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from farthing.model.past import PastCall
from farthing.model.plan import Amount

FEWEST_DAYS = 10
FEWEST_ALIKE = 4
"""Days of one kind, to be told apart from others."""
DAY_US = 86_400_000_000
Z80 = 1.2816
"""Of the normal law, for the middle 80 %; a little more where groups are few."""


class Groups(NamedTuple):
    """Which group each call is of."""

    names: Sequence[str]
    are_days: bool = False


def groups(calls: Sequence[PastCall]) -> Groups:
    days = [str(past.at_us // DAY_US) for past in calls]
    if len(set(days)) >= FEWEST_DAYS:
        return Groups(days, are_days=True)
    return Groups(
        [past.session or f"{past.user}\0{past.feature}\0{day}" for past, day in zip(calls, days, strict=True)]
    )


def amount(saved: Sequence[int], group: Groups, times: float) -> Amount:
    """The saving of all calls, `times` as often; `saved` in nano-dollars a call."""
    sums: dict[str, int] = {}
    for each, name in zip(saved, group.names, strict=True):
        sums[name] = sums.get(name, 0) + each
    return amount_of(sums, group.are_days, times)


def amount_of(sums: Mapping[str, int], are_days: bool, times: float, *, by_chance: bool = False) -> Amount:
    """The same of sums of groups; names of days are their numbers since 1970. `by_chance`: conversations were thrown into all
    of these groups, so that the groups' sums differ as those of months would."""
    total = sum(sums.values())
    variance = _spread(list(sums.values())) if by_chance else _variance(sums, are_days)
    reach = Z80 * _widened(len(sums))
    sizes = sum(map(abs, sums.values()))
    up = reach**2 * times * variance * total / sizes**2 / 2 if sizes else 0.0
    half = sqrt(reach**2 * (times + times**2) * variance + up**2)
    middle = total * times + up
    return Amount(round(total * times), round(middle - half), round(middle + half))


def _variance(sums: Mapping[str, int], are_days: bool) -> float:
    """Of the sum of all groups."""
    values = list(sums.values())
    if len(values) < 2 or not are_days:
        squares = [float(each) ** 2 for each in values]
        return sum(squares) + max(squares, default=0.0) / 2
    weekend = [each for day, each in sums.items() if _is_weekend(int(day))]
    working = [each for day, each in sums.items() if not _is_weekend(int(day))]
    if min(len(weekend), len(working)) < FEWEST_ALIKE:
        return _spread(values)
    return _spread(weekend, working)


def _spread(*kinds: Sequence[int]) -> float:
    """Of the sum of groups of several kinds, each of which has a mean of its own."""
    found = largest = 0.0
    for sums in kinds:
        mean = sum(sums) / len(sums)
        squares = [(each - mean) ** 2 for each in sums]
        found += len(sums) * sum(squares) / (len(sums) - 1)
        largest = max(largest, *squares)
    return found + largest / 2


def _is_weekend(day: int) -> bool:
    """Days since 1970; the first was a Thursday."""
    return (day + 3) % 7 >= 5


def _widened(count: int) -> float:
    """Student's law has longer tails: 1.30 of it at 30 groups, 1.40 at 9, 1.53 at 5 (first order of Cornish and Fisher)."""
    return 1 + (Z80**2 + 1) / (4 * max(count - 1, 1))
