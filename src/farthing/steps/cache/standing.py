"""How each feature stands with its semantic hits: what verdicts have shown, whether hits are given, and what is missing until
then. For people; calls ask `bounds`.
"""

import msgspec

from farthing.settings import CacheSettings
from farthing.steps.cache.bound import BUCKETS, Tally, Threshold, most_wrong, threshold
from farthing.steps.cache.bounds import read_scope
from farthing.steps.cache.calibration import FAIR, NOES, Errors, Probes
from farthing.steps.cache.shares import is_below
from farthing.store.entries import Entries, Stats

MOST_VERDICTS = 10_000
"""Newest ones that are looked through for features that have nothing stored any more."""


class Standing(msgspec.Struct, frozen=True):
    """What is known of one feature's semantic hits."""

    feature: str
    allowed: Threshold
    verdicts: int
    """All that were given, or those from the threshold up where hits are served."""
    wrong: int
    people: int
    probes: Probes
    missing: int
    """Verdicts without a wrong one that it takes at least until hits are served."""

    @property
    def interval(self) -> tuple[float, float]:
        """Between these the share of wrong hits lies, the judge's errors reckoned in; each end with 95 % confidence."""
        most = most_wrong(self.verdicts, self.wrong, self.probes.errors, self.people)
        return self.probes.least_wrong(self.verdicts, self.wrong), most


async def standings(entries: Entries, tenant: str, kept: Stats, settings: CacheSettings) -> list[Standing]:
    """Of each feature that was judged, or whose cache is semantic. Raises StoreError."""
    judged = {each.scope for each in await entries.verdicts(tenant, limit=MOST_VERDICTS)}
    bound = settings.wrong_hits_percent / 100
    return [
        await _scope(entries, tenant, feature, bound, settings.judge)
        for feature in sorted(judged | {each.scope for each in kept.scopes})
        if feature in judged or mode_of(settings, feature) == "semantic"
    ]


async def _scope(entries: Entries, tenant: str, feature: str, bound: float, judge: str) -> Standing:
    tally, probes = await read_scope(entries, tenant, feature, judge)
    allowed = threshold(tally, bound, probes.errors)
    if allowed.serves:
        shown = range(round(allowed.similarity * BUCKETS), BUCKETS + 1)
        people = sum(tally.people[place] for place in shown)
        return Standing(feature, allowed, allowed.verdicts, allowed.wrong, people, probes, 0)
    more = missing(tally, bound, probes.errors)
    return Standing(feature, allowed, sum(tally.all), sum(tally.wrong), sum(tally.people), probes, more)


def missing(tally: Tally, bound: float, errors: Errors) -> int:
    """The least number of further verdicts, none of them wrong, after which a threshold can serve, once the judge is shown
    to be fair."""
    fair = Errors(errors.false_no_least, min(errors.false_yes_most, FAIR))
    most: dict[int, int] = {}
    count = wrong = 0
    for here, wrong_here in zip(reversed(tally.all), reversed(tally.wrong), strict=True):
        count, wrong = count + here, wrong + wrong_here
        most[wrong] = count  # of cuts with as many wrong ones, the lowest needs least
    return min(_more(count, wrong, fair.noes(bound)) for wrong, count in most.items())


def _more(count: int, wrong: int, allowed: float) -> int:
    low, high = -1, 1
    while not is_below(allowed, count + high, wrong, NOES):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if is_below(allowed, count + middle, wrong, NOES):
            high = middle
        else:
            low = middle
    return high


def mode_of(settings: CacheSettings, feature: str) -> str:
    """off, exact or semantic."""
    own = settings.features.get(feature)
    return (own.mode if own is not None else "") or settings.mode
