"""How often the judge itself is wrong, and what its verdicts therefore show.

Two kinds of probes measure it. A *repeat* shows it a fresh answer to the very question that it was made for: a "no" there
is false, or speaks of the model and not of the cache. A *mismatch* shows it an answer to a question that is plainly
another: a "yes" there is false. With a the share of false noes, b that of false yeses and p the share of hits that are
wrong, the judge says no to

    q = p (1 - b) + (1 - p) a,    so    p = (q - a) / (1 - a - b)

(Rogan and Gladen, American Journal of Epidemiology 107, 1978). None of the three is known, so the limit of p takes each at
the end of its interval that is worst: with q_U, a_L and b_U, p (1 - b_U) + (1 - p) a_L <= q <= q_U for every p, hence

    p <= (q_U - a_L) / (1 - a_L - b_U)

whenever all three hold. Each end is Clopper and Pearson's; their doubts add up to 5 % (Bonferroni), so that this holds
with 95 % confidence, whether or not probes and verdicts depend on each other. Without repeats a_L is 0 and there is no
credit for false noes; without mismatches b_U is 1 and nothing is shown.

People's complaints are taken at their word: credit for false noes goes only to the share of the verdicts that is the
judge's.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from farthing.steps.cache.shares import clean, lower_limit, upper_limit
from farthing.store.entries import ProbeCount

NOES, FALSE_NO, FALSE_YES = 0.957, 0.998, 0.995
"""Confidence in each end; the doubts add up to 5 %. Most of it goes where verdicts are dearest."""
FAIR = 0.1
"""A share of false yeses that costs little: one tenth more verdicts. It is what figures for people reckon with."""
LENT = 60
"""So many mismatches are made up, where the scope's own near ones are fewer, from its far ones and from other features."""
NEAR = 0.3
"""Mismatches from this similarity on are near ones: a rule of the guard told the questions apart. They are the harder, and
more like the hits that would be wrong."""


class Count(NamedTuple):
    """Probes, and those where the judge erred."""

    probes: int = 0
    errors: int = 0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Between these the share lies, each end with `confidence`."""
        return lower_limit(*self, confidence), upper_limit(*self, confidence)


class Errors(msgspec.Struct, frozen=True):
    """What is shown of the judge: it is wrong with its noes at least, with its yeses at most so often."""

    false_no_least: float
    false_yes_most: float

    def noes(self, wrong: float, judged: float = 1.0) -> float:
        """The share of noes that so many wrong hits make at least: q for p; 0 where noes and yeses may say nothing at all.
        `judged`: the judge's share of the verdicts."""
        credit = judged * self.false_no_least
        seen = 1 - credit - self.false_yes_most
        return credit + wrong * seen if seen > 0 else 0.0

    def wrong(self, noes: float, judged: float = 1.0) -> float:
        """The share of wrong hits that so many noes stand for at most: p_U for q_U."""
        credit = judged * self.false_no_least
        seen = 1 - credit - self.false_yes_most
        return min(1.0, max(0.0, noes - credit) / seen) if seen > 0 else 1.0


NOTHING = Errors(0.0, 1.0)
"""Of a judge that was never tried."""
USUAL = Errors(0.0, FAIR)
"""Of one that has been shown to be fair."""


class Probes(msgspec.Struct, frozen=True):
    """The probes that speak for one scope."""

    repeats: Count = Count()
    """Its own; false noes are not lent, since they loosen."""
    near: Count = Count()
    far: Count = Count()
    elsewhere: Count = Count()
    """Mismatches of the tenant's other scopes."""

    @property
    def mismatches(self) -> Count:
        """The scope's near ones, made up to `LENT` from its far ones and then from other scopes: one judge with one
        instruction mostly errs alike. Where the nearer ones show an error by themselves, what is lent may add to their
        limit and not lower it."""
        own = _sum(self.near, _some(self.far, LENT - self.near.probes))
        all_ = _sum(own, _some(self.elsewhere, LENT - own.probes))
        speaking = [*(counted for counted in (self.near, own) if counted.errors), all_]
        return max(speaking, key=lambda counted: upper_limit(counted.probes, counted.errors, FALSE_YES))

    @property
    def own_mismatches(self) -> Count:
        return _sum(self.near, self.far)

    @property
    def errors(self) -> Errors:
        """What they show."""
        return Errors(lower_limit(*self.repeats, FALSE_NO), upper_limit(*self.mismatches, FALSE_YES))

    @property
    def missing(self) -> int:
        """Further mismatches, none of them taken for a match, until false yeses are shown to be fair."""
        probes, errors = self.mismatches
        more = 0
        while upper_limit(probes + more, errors, FALSE_YES) > FAIR:
            more += 1
        return more

    def least_wrong(self, count: int, noes: int) -> float:
        """Lower limit of the share of wrong hits, by the same formula with the other ends; false yeses are taken as none."""
        false_no = upper_limit(*self.repeats, FALSE_YES)
        least = lower_limit(count, noes, NOES)
        return max(0.0, (least - false_no) / (1 - false_no)) if false_no < 1 else 0.0


FAIRLY_TRIED = clean(FAIR, FALSE_YES)
"""Mismatches without an error that show the judge to be fair."""


def probes_of(scope: str, found: Iterable[ProbeCount]) -> Probes:
    """What a tenant's probes say of one scope."""
    repeats = near = far = elsewhere = Count()
    for each in found:
        if each.source == "repeat":
            if each.scope == scope:
                repeats = _sum(repeats, Count(each.total, each.wrong))
            continue
        counted = Count(each.total, each.total - each.wrong)
        if each.scope != scope:
            elsewhere = _sum(elsewhere, counted)
        elif each.near:
            near = _sum(near, counted)
        else:
            far = _sum(far, counted)
    return Probes(repeats, near, far, elsewhere)


def _sum(one: Count, other: Count) -> Count:
    return Count(one.probes + other.probes, one.errors + other.errors)


def _some(count: Count, most: int) -> Count:
    """The same share of fewer probes, errors rounded up."""
    if most <= 0:
        return Count()
    if count.probes <= most:
        return count
    return Count(most, -(-count.errors * most // count.probes))
