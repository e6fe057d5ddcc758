"""What the page on the cache reads: sums of the ledger, and what the store of answers knows. Texts are never read for it."""

from typing import NamedTuple

from farthing.dashboard.shares import facts_of
from farthing.dashboard.spending.sums import holds, sums
from farthing.dashboard.view import View
from farthing.finops import next_savings
from farthing.finops.metrics.facts import Facts
from farthing.model.arms import SEMANTIC_CACHE
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.settings import CacheSettings
from farthing.steps.cache.near import NEAR_MISS
from farthing.steps.cache.standing import Standing, standings
from farthing.store import LeverRow, ReportRow, StoreError, decided, reading
from farthing.store.engine import Connection
from farthing.store.entries import Entries, Stats, Verdict, Worth

TOLD_APART = 10_000
"""Newest calls that are told apart by how they were answered: no sums of that are kept."""
LOOKED_AT = 2_000
"""Newest calls whose near misses are counted."""
DEAREST, PINS, WRONG = 15, 10, 10
MINUTE_US = 60_000_000
FRESH_US = 20_000_000
"""How long the sums over stored answers are shown again: each reading looks at every one of them."""


class NearMisses(NamedTuple):
    """Of one reason."""

    reason: str
    times: int
    last: str
    """The newest call."""


class Called(NamedTuple):
    """Of the ledger."""

    facts: Facts
    is_kept: bool
    """Whether sums are kept for the scope."""
    features: list[ReportRow] | None
    lever: LeverRow | None
    answered: list[tuple[int, str]]
    """Of the newest calls: when each began, and how the cache answered it."""
    near: list[NearMisses]
    looked_at: int
    """Calls among which near misses were looked for."""
    next: next_savings.Sums | None

    @property
    def told_apart(self) -> bool:
        """Whether all hits of the period are in `answered`."""
        return len(self.answered) < TOLD_APART


class Kept(NamedTuple):
    """Of the store of answers."""

    stats: Stats
    standings: list[Standing]
    dearest: list[Worth]
    pins: list[Worth]
    wrong: list[Verdict]


def is_on(settings: CacheSettings) -> bool:
    """Whether any feature has a cache."""
    return bool({settings.mode, *(each.mode for each in settings.features.values())} & {"exact", "semantic"})


def called(connection: Connection, view: View) -> Called:
    period, tenant, where = view.filters.period, view.tenant, view.where
    since, until = period.since_us, period.until_us
    rows = sums(connection, ("feature",), period, tenant, where) if holds(("feature",), where) else None
    levers = [] if where else reading.levers(connection, since, until, tenant=tenant)
    near, looked_at = _near(connection, view)
    facts, is_kept = facts_of(connection, view)
    return Called(
        facts,
        is_kept,
        None if rows is None else [row for row in rows if row.key not in ERRANDS],
        next((each for each in levers if each.lever == SEMANTIC_CACHE), None),
        decided.answered_by(connection, TOLD_APART, since_us=since, until_us=until, where=view.where_calls),
        near, looked_at, None if where else _next(connection, view),
    )  # fmt: skip


def _near(connection: Connection, view: View) -> tuple[list[NearMisses], int]:
    """By reason, the most frequent first."""
    period = view.filters.period
    calls = decided.lately(
        connection, LOOKED_AT, since_us=period.since_us, until_us=period.until_us, where=view.where_calls
    )  # fmt: skip
    found: dict[str, NearMisses] = {}
    for call in calls:
        for note in call.of("cache"):
            if note.what.startswith(NEAR_MISS):
                reason = note.what.removeprefix(NEAR_MISS)
                before = found.get(reason, NearMisses(reason, 0, call.id))
                found[reason] = before._replace(times=before.times + 1)
    return sorted(found.values(), key=lambda each: (-each.times, each.reason)), len(calls)


def _next(connection: Connection, view: View) -> next_savings.Sums | None:
    """Whole days, so once a minute is often enough."""
    memory, key, stamp = view.sources.memory, ("next savings", view.tenant), view.now_us // MINUTE_US
    kept: tuple[next_savings.Sums | None] | None = memory.get(key, stamp)
    if kept is None:
        kept = (next_savings.read(connection, view.now_us, view.tenant),)
        memory.keep(key, stamp, kept)
    return kept[0]


async def kept(view: View, entries: Entries | None) -> Kept | None:
    """None where there is no cache, or its store cannot be read now."""
    if entries is None:
        return None
    feature = view.where.get("feature")
    memory, key, stamp = view.sources.memory, _key(view, feature), view.now_us // FRESH_US
    found: Kept | None = memory.get(key, stamp)
    if found is None:
        try:
            found = await _kept(view, entries, feature)
        except StoreError:
            return None
        memory.keep(key, stamp, found)
    return found


def forget(view: View) -> None:
    """What was read: something was dropped since."""
    for feature in (None, view.where.get("feature")):
        view.sources.memory.keep(_key(view, feature), None, None)


def _key(view: View, feature: str | None) -> tuple[str, str, str | None]:
    return "cache", view.tenant, feature


async def _kept(view: View, entries: Entries, feature: str | None) -> Kept:
    stats, settings = await entries.stats(view.tenant), view.sources.settings.cache
    known = [each for each in await standings(entries, view.tenant, stats, settings) if feature in (None, each.feature)]
    return Kept(
        stats, known, await entries.dearest(view.tenant, scope=feature, limit=DEAREST),
        await entries.dearest(view.tenant, scope=feature, pinned=True, limit=PINS),
        await entries.verdicts(view.tenant, feature, wrong=True, limit=WRONG),
    )  # fmt: skip
