"""Sums over the newest calls of a scope, for what the store keeps no sums of. Knows nothing of how they are shown."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from farthing.dashboard.periods import Period
from farthing.model.record import CACHE_HITS
from farthing.store import CallRow, ReportRow, reading
from farthing.store.engine import Connection
from farthing.store.rollups import NOT_ERRORS

MOST = 1_000


class Newest(NamedTuple):
    calls: Sequence[CallRow]
    """The newest first."""
    complete: bool
    """Whether these are all calls of the period and scope."""


def newest(connection: Connection, period: Period, where: Mapping[str, str], most: int = MOST) -> Newest:
    """The calls that sums are made of. Raises BadRequest for a scope that calls cannot be filtered by."""
    found = reading.calls(
        connection, since_us=period.since_us, until_us=period.until_us, where=where, limit=most + 1
    )  # fmt: skip
    return Newest(found[:most], len(found) <= most)


def summed(calls: Sequence[CallRow], names: Sequence[str]) -> list[ReportRow]:
    """By one name or two, as reports have it: dearest first; by time, oldest first."""
    groups: dict[tuple[str, ...], list[CallRow]] = {}
    for call in calls:
        groups.setdefault(tuple(VALUES[name](call) for name in names), []).append(call)
    rows = [_row(key, some) for key, some in groups.items()]
    if names[0] in ("day", "hour"):
        return sorted(rows, key=lambda row: (row.key, -row.cost, row.also))
    return sorted(rows, key=lambda row: (-row.cost, -row.calls, row.key, row.also))


def _row(key: tuple[str, ...], calls: Sequence[CallRow]) -> ReportRow:
    states: dict[str, int] = {}
    for call in calls:
        states[call.cost_state] = states.get(call.cost_state, 0) + 1
    return ReportRow(
        key[0],
        key[1] if len(key) > 1 else "",
        calls=len(calls),
        errors=sum(call.outcome not in NOT_ERRORS for call in calls),
        cacheable=sum(call.cache != "" for call in calls),
        cache_hits=sum(call.cache in CACHE_HITS for call in calls),
        in_tokens=sum(call.in_tokens for call in calls),
        cached_tokens=sum(call.cached_tokens for call in calls),
        out_tokens=sum(call.out_tokens for call in calls),
        cost=sum(call.cost for call in calls),
        baseline=sum(call.baseline for call in calls),
        saved=sum(call.saved for call in calls),
        duration_us=sum(call.duration_us for call in calls),
        calls_by_state=states,
    )


def _time(format: str) -> Callable[[CallRow], str]:
    return lambda call: datetime.fromtimestamp(call.started_us // 1_000_000, UTC).strftime(format)


VALUES: dict[str, Callable[[CallRow], str]] = {
    "feature": lambda call: call.feature,
    "team": lambda call: call.team,
    "user": lambda call: call.user,
    "project": lambda call: call.project,
    "model": lambda call: call.model,
    "tier": lambda call: call.tier,
    "task": lambda call: call.task,
    "provider": lambda call: call.provider,
    "key": lambda call: call.key_id,
    "day": _time("%Y-%m-%d"),
    "hour": _time("%Y-%m-%dT%H:00Z"),
}
"""What a call says of each name that spend is explored by."""
