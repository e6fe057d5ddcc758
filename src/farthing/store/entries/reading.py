"""Reading the cache: single entries for calls, vectors for the index, sums for people. Blocking.

What a call is served is checked here once more after SQL has found it: tenant, fingerprint and time.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from farthing.store.engine import Connection, Row
from farthing.store.entries import rows
from farthing.store.entries.opened import Mark
from farthing.store.entries.schema import VERDICT_COLUMNS
from farthing.store.entries.values import (
    HITS,
    PROBES,
    Changes,
    Entry,
    Link,
    Position,
    ProbeCount,
    ScopeStats,
    Stats,
    Tally,
    Vector,
    Verdict,
    Which,
    Worth,
)
from farthing.store.entries.writing import SOME, condition
from farthing.store.sealing import Unreadable, Wrapping

CLOCKS_DIFFER_US = 60 * 1_000_000
"""How far in the future an entry may have been made: gateways' clocks differ. One from later than that was made before a
clock was set back, so nobody knows its age, and it is not served."""

_EXACT = f"SELECT {rows.READ}, changed FROM cache_entries WHERE exact = ? AND tenant = ? AND seal = ?"
_EXACT_MARK = "SELECT id, changed FROM cache_entries WHERE exact = ? AND tenant = ? AND seal = ?"
_BY_ID = f"SELECT {rows.READ} FROM cache_entries WHERE id = ? AND tenant = ? AND seal = ?"
_OF_ENTRIES = "tenant, id, '', scope, context, encoder, expires_us, vector"
_OF_LINKS = "e.tenant, e.id, l.id, e.scope, e.context, e.encoder, e.expires_us, l.vector"


class Found(NamedTuple):
    """What there is for a fingerprint."""

    mark: Mark | None
    row: Row | None


NOTHING = Found(None, None)


def alive(entry: Entry, now_us: int) -> bool:
    """Whether an entry may be served at `now_us`."""
    return entry.created_us <= now_us + CLOCKS_DIFFER_US and (entry.expires_us == 0 or now_us < entry.expires_us)


def exact_row(
    connection: Connection, wrapping: Wrapping, tenant: str, exact: bytes, known: Mark | None = None
) -> Found:  # fmt: skip
    """The row, and which one it is; without the row where it is the `known` one."""
    key = (exact, tenant, wrapping.mark)
    if known is not None and connection.query(_EXACT_MARK, key) == [known]:
        return Found(known, None)
    found = connection.query(_EXACT, key)
    return Found(Mark(found[0][0], found[0][-1]), found[0][:-1]) if found else NOTHING


def id_row(connection: Connection, wrapping: Wrapping, tenant: str, entry_id: str) -> Row | None:
    found = connection.query(_BY_ID, (entry_id, tenant, wrapping.mark))
    return found[0] if found else None


def exact_rows(connection: Connection, wrapping: Wrapping, tenant: str, exact: Sequence[bytes]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(exact), SOME):
        some = exact[start : start + SOME]
        found += connection.query(
            f"SELECT {rows.READ} FROM cache_entries WHERE exact IN ({','.join('?' * len(some))}) AND tenant = ? AND seal = ?",
            (*some, tenant, wrapping.mark),
        )
    return found


def entries(
    connection: Connection, wrapping: Wrapping, tenant: str, which: Which, limit: int, before_us: int | None = None
) -> list[Entry]:
    """The newest first; those that cannot be read are left out."""
    where, values = condition(tenant, which)
    if before_us is not None:
        where, values = where + " AND created_us < ?", [*values, before_us]
    found: list[Entry] = []
    for row in connection.query(
        f"SELECT {rows.READ} FROM cache_entries WHERE {where} AND seal = ? ORDER BY created_us DESC, id"
        + ("" if which.tag is not None else f" LIMIT {int(limit)}"),
        (*values, wrapping.mark),
    ):
        try:
            entry = rows.entry(wrapping, row)
        except Unreadable:
            continue
        if which.tag is None or which.tag in entry.tags:
            found.append(entry)
    return found[:limit]


def links(connection: Connection, wrapping: Wrapping, tenant: str, entry_id: str) -> list[Link]:
    found = []
    for row in connection.query(
        "SELECT id, tenant, entry_id, source, created_us, question FROM cache_links "
        "WHERE entry_id = ? AND tenant = ? AND seal = ? ORDER BY created_us, id",
        (entry_id, tenant, wrapping.mark),
    ):
        try:
            found.append(rows.link(wrapping, row))
        except Unreadable:
            continue
    return found


def changes(connection: Connection, wrapping: Wrapping, since: Position, limit: int) -> Changes:
    """What came and went since `since`: vectors in the order in which they came, about `limit` of them."""
    with connection.snapshot():
        marks: dict[str, int] = dict(connection.query("SELECT name, n FROM cache_marks"))
        epoch, newest, forgotten = (int(marks[name]) for name in ("epoch", "changes", "forgotten"))
        known = since.epoch == epoch and since.change <= newest and forgotten <= max(since.change, since.began)
        if known and since.change == newest:
            return Changes(since, [], [], False, False)
        start = since.change if known else 0
        upto = min(_end_of_page(connection, start, limit), newest)
        found = connection.query(
            f"SELECT {_OF_ENTRIES} FROM cache_entries "
            "WHERE changed > ? AND changed <= ? AND vector IS NOT NULL AND seal = ? ORDER BY changed",
            (start, upto, wrapping.mark),
        ) + connection.query(
            f"SELECT {_OF_LINKS} FROM cache_links l JOIN cache_entries e ON e.id = l.entry_id "
            "WHERE l.changed > ? AND l.changed <= ? AND l.vector IS NOT NULL AND l.seal = ? ORDER BY l.changed",
            (start, upto, wrapping.mark),
        )
        dropped = connection.query("SELECT id FROM cache_drops WHERE changed > ? AND changed <= ?", (start, upto))
    page = Position(epoch, upto, since.began if known else newest)
    gone = [row[0] for row in dropped] if known else []
    return Changes(page, rows.vectors(wrapping, found), gone, not known, upto < newest)


def _end_of_page(connection: Connection, start: int, limit: int) -> int:
    """The change up to which there are about `limit` rows."""
    ends = [
        found[0][0]
        for table in ("cache_entries", "cache_links")
        if (
            found := connection.query(
                f"SELECT changed FROM {table} WHERE changed > ? ORDER BY changed LIMIT 1 OFFSET ?", (start, limit - 1)
            )
        )
    ]
    return int(min(ends, default=2**62))


def vectors(connection: Connection, wrapping: Wrapping, tenant: str, context: bytes, limit: int) -> list[Vector]:
    """Those of one context, the newest `limit` in the order in which they came; links after."""
    own = connection.query(
        f"SELECT {_OF_ENTRIES} FROM cache_entries WHERE context = ? AND tenant = ? AND vector IS NOT NULL AND seal = ? "
        "ORDER BY changed DESC LIMIT ?",
        (context, tenant, wrapping.mark, limit),
    )
    more = connection.query(
        f"SELECT {_OF_LINKS} FROM cache_entries e JOIN cache_links l ON l.entry_id = e.id "
        "WHERE e.context = ? AND e.tenant = ? AND l.vector IS NOT NULL AND l.seal = ? "
        "ORDER BY l.changed DESC LIMIT ?",
        (context, tenant, wrapping.mark, limit),
    )
    return rows.vectors(wrapping, own[::-1] + more[::-1])


def dearest(connection: Connection, tenant: str, limit: int, *, scope: str | None, pinned: bool) -> list[Worth]:
    """See `Entries.dearest`. Looks at each row of the tenant, of which there are only so many."""
    terms, values = ["tenant = ?", "pinned = 1" if pinned else "hits > 0"], [tenant]
    if scope is not None:
        terms.append("scope = ?")
        values.append(scope)
    found = connection.query(
        "SELECT id, scope, asked, created_us, expires_us, source_call, pinned, hits, hits * cost, size "
        f"FROM cache_entries WHERE {' AND '.join(terms)} ORDER BY hits * cost DESC, id LIMIT {int(limit)}",
        values,
    )
    return [_worth(row) for row in found]


def _worth(row: Row) -> Worth:
    said: dict[str, Any] = dict(zip(Worth._fields, row, strict=True))
    return Worth(**{**said, "pinned": said["pinned"] != 0, "saved": int(said["saved"])})


def tenants(connection: Connection) -> list[str]:
    return [row[0] for row in connection.query("SELECT tenant FROM cache_sizes WHERE entries > 0 ORDER BY tenant")]


def stats(connection: Connection, tenant: str) -> Stats:
    with connection.snapshot():
        scopes = [
            ScopeStats(scope, int(count), int(size), int(hits), int(saved))
            for scope, count, size, hits, saved in connection.query(
                "SELECT scope, count(*), sum(size), sum(hits), sum(hits * cost) FROM cache_entries WHERE tenant = ? "
                "GROUP BY scope ORDER BY scope",
                (tenant,),
            )
        ]
        oldest, newest, pinned = connection.query(
            "SELECT min(created_us), max(created_us), sum(pinned) FROM cache_entries WHERE tenant = ?", (tenant,)
        )[0]
        links = connection.query("SELECT count(*) FROM cache_links WHERE tenant = ?", (tenant,))[0][0]
    return Stats(
        entries=sum(scope.entries for scope in scopes), pinned=int(pinned or 0), links=int(links),
        bytes=sum(scope.bytes for scope in scopes), hits=sum(scope.hits for scope in scopes),
        oldest_us=oldest or 0, newest_us=newest or 0, scopes=scopes,
    )  # fmt: skip


def tallies(
    connection: Connection, tenant: str, scope: str, edges: Sequence[float], *, since_us: int = 0,
    sources: Collection[str] = HITS, judge: str | None = None,
) -> list[Tally]:  # fmt: skip
    """Verdicts by similarity: one bucket from each edge to the next, the last one without end; below the first none."""
    lows = sorted({round(edge * 1e6) for edge in edges})
    if not lows:
        return []
    case = "CASE " + " ".join(f"WHEN similarity_ppm >= {low} THEN {low}" for low in reversed(lows)) + " END"
    only, who = ("", ()) if judge is None else (" AND judge IN ('', ?)", (judge,))
    found = connection.query(
        f"SELECT {case} AS low, count(*), sum(wrong), sum(CASE WHEN source = 'feedback' THEN 1 ELSE 0 END) "
        f"FROM cache_verdicts WHERE tenant = ? AND scope = ? AND at_us >= ? AND similarity_ppm >= {lows[0]} "
        f"AND source IN ({_marks(sources)}){only} GROUP BY low",
        (tenant, scope, since_us, *sources, *who),
    )
    sums: dict[int, tuple[int, int, int]] = defaultdict(
        lambda: (0, 0, 0), {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in found}
    )
    return [Tally(low / 1e6, *sums[low]) for low in lows]


def probes(connection: Connection, tenant: str, judge: str, near: float) -> list[ProbeCount]:
    """By scope, source and nearness."""
    found = connection.query(
        f"SELECT scope, source, CASE WHEN similarity_ppm >= {round(near * 1e6)} THEN 1 ELSE 0 END AS near, count(*), "
        f"sum(wrong) FROM cache_verdicts WHERE tenant = ? AND judge IN ('', ?) AND source IN ({_marks(PROBES)}) "
        "GROUP BY scope, source, near ORDER BY scope, source, near",
        (tenant, judge, *PROBES),
    )
    return [ProbeCount(row[0], row[1], row[2] != 0, int(row[3]), int(row[4])) for row in found]


def verdicts(
    connection: Connection, tenant: str, scope: str | None, *, since_us: int, wrong: bool | None, limit: int,
    sources: Collection[str],
) -> list[Verdict]:  # fmt: skip
    """The newest first."""
    terms, values = ["tenant = ?", "at_us >= ?", f"source IN ({_marks(sources)})"], [tenant, since_us, *sources]
    if scope is not None:
        terms.append("scope = ?")
        values.append(scope)
    if wrong is not None:
        terms.append("wrong = ?")
        values.append(int(wrong))
    return [
        Verdict(
            tenant=row[0], scope=row[1], entry_id=row[2], call_id=row[3], similarity=row[4] / 1e6, wrong=row[5] != 0,
            source=row[6], judge=row[7], score=row[8], at_us=row[9],
        )
        for row in connection.query(
            f"SELECT {', '.join(VERDICT_COLUMNS)} FROM cache_verdicts "
            f"WHERE {' AND '.join(terms)} ORDER BY at_us DESC, call_id LIMIT {int(limit)}",
            values,
        )
    ]  # fmt: skip


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
