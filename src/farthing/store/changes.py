"""Numbers that differ whenever what pages show of the ledger differs: for whoever wants to look every other second instead of
reading the pages again. They come from a few sums by day, so they are the same for all gateways of a store."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from farthing.model.principal import OPERATOR
from farthing.store.batch import standing
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

DAYS = 40
"""How far back calls are seen that change: late ones, and those that are priced anew."""
Stamp = tuple[int, ...]


class Scope(NamedTuple):
    """Whose sums: those of a whole tenant, of a key, of a user."""

    tenant: str
    kind: Literal["day", "key", "user_feature"] = "day"
    """Which sums by day hold them."""
    value: str = ""


def stamps(connection: Connection, scopes: Collection[Scope], now_us: int) -> dict[Scope, Stamp]:
    """Compare one with the next: equal means that nothing has changed. Those of a whole tenant tell of corrections, of work
    under way and of jobs too."""
    since_us = now_us - now_us % DAY_US - DAYS * DAY_US
    groups: dict[tuple[str, str], list[Scope]] = defaultdict(list)
    for scope in set(scopes):
        groups[scope.tenant, scope.kind].append(scope)
    found: dict[Scope, Stamp] = {}
    for (tenant, kind), group in groups.items():
        sums = _sums(connection, tenant, kind, [scope.value for scope in group], since_us)
        beside = _beside(connection, tenant) if kind == "day" else ()
        found |= {scope: (*sums.get(scope.value, ()), *beside) for scope in group}
    return found


def _sums(
    connection: Connection, tenant: str, kind: str, values: Iterable[str], since_us: int
) -> Mapping[str, Stamp]:  # fmt: skip
    asked = tuple(values)
    rows = connection.query(
        "SELECT a, CAST(sum(calls) AS BIGINT), CAST(sum(errors) AS BIGINT), CAST(sum(cost) AS BIGINT), "
        "CAST(sum(saved) AS BIGINT), CAST(sum(in_tokens + out_tokens) AS BIGINT) FROM rollups WHERE dims = ? AND bucket_us >= ? "
        f"AND tenant = ? AND a IN ({','.join('?' * len(asked))}) GROUP BY a",
        (kind, since_us, tenant, *asked),
    )
    return {value: tuple(map(int, sums)) for value, *sums in rows}


def _beside(connection: Connection, tenant: str) -> Stamp:
    nobodys = "" if tenant == OPERATOR else tenant
    posted = connection.query("SELECT count(*), max(no) FROM corrections WHERE tenant IN (?, ?)", (tenant, nobodys))[0]
    work = connection.query("SELECT count(*), max(at_us) FROM progress WHERE tenant = ?", (tenant,))[0]
    return tuple(int(each or 0) for each in (*posted, *work, *standing.version(connection, tenant)))


def alert_changes(connection: Connection) -> int:
    """A number that grows with each change of an alert."""
    return int(connection.query("SELECT n FROM marks WHERE name = 'alerts'")[0][0])
