"""Writing the cache: a batch of what waits in one transaction, drops, expiry and budgets. Blocking; knows no queue."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec

from farthing.store.engine import Connection, Row
from farthing.store.entries import rows
from farthing.store.entries.rows import EntryRow, LinkRow
from farthing.store.entries.schema import ENTRY_COLUMNS, LINK_COLUMNS, VERDICT_COLUMNS
from farthing.store.entries.values import HITS, PROBES, Entry, Verdict, Which
from farthing.store.entries.worth import Budget, Budgets, heated, worth

SOME = 400
"""Values of one IN (...), and rows that one step of a long drop removes."""

PURGES_HOLD_US = 600 * 1_000_000
"""How long a purge also meets entries that are written after it, of calls that had begun before it."""

DROPS_KEPT = 50_000
"""Drops that readers of changes can still be told one by one."""

VERDICTS_HOLD_US = 180 * 86_400 * 1_000_000
"""How long a verdict counts. In half a year questions drift and the models behind a name are replaced: older verdicts would
vouch for hits that are not made any more. A scope that gathers too few in that time to show its bound should not serve."""
VERDICTS_KEPT = 5_000
"""Newest verdicts of a scope that count, and as many probes of each kind. A bound of 1 % takes some 350; with 5,000
its limit lies within 0.3 points of the share seen. More would narrow that little, and let last season outvote this week."""

_ROOM = 0.9
"""The part of a budget that is left full after making room, so that room is not made for every entry."""

T = TypeVar("T")

_ADD_SIZES = (
    "INSERT INTO cache_sizes (tenant, entries, bytes) VALUES (?, ?, ?) ON CONFLICT (tenant) "
    "DO UPDATE SET entries = cache_sizes.entries + excluded.entries, bytes = cache_sizes.bytes + excluded.bytes"
)

_which = msgspec.json.Decoder(Which)
_json = msgspec.json.Encoder()


class Batch(NamedTuple):
    entries: list[EntryRow]
    links: list[LinkRow]
    hits: dict[tuple[str, str], tuple[int, int]]
    """(tenant, entry id) -> how many, and when the last was."""
    verdicts: list[Verdict]


class _Gone(NamedTuple):
    """What is needed of an entry that goes."""

    id: str
    tenant: str
    size: int


def write(connection: Connection, batch: Batch, *, seal: int, budgets: Budgets, now_us: int) -> None:
    """All or nothing. Raises StoreError or RowRefused."""
    with connection.transaction():
        changed = next_change(connection)
        welcome = _not_purged(connection, [row for row in batch.entries if _fits(row, budgets)], now_us)
        _insert_entries(connection, welcome, seal, changed)
        _insert_links(connection, batch.links, seal, changed)
        _count_hits(connection, batch.hits)
        _insert_verdicts(connection, batch.verdicts)
        for tenant in {row.entry.tenant for row in welcome} | {row.link.tenant for row in batch.links}:
            _keep_budget(connection, tenant, budgets.of(tenant), changed)


def _fits(row: EntryRow, budgets: Budgets) -> bool:
    return row.size <= budgets.of(row.entry.tenant).bytes


def next_change(connection: Connection) -> int:
    """The number of this transaction's changes. Other writers wait here until its end."""
    connection.execute("UPDATE cache_marks SET n = n + 1 WHERE name = 'changes'")
    return int(connection.query("SELECT n FROM cache_marks WHERE name = 'changes'")[0][0])


def _not_purged(connection: Connection, entries: Sequence[EntryRow], now_us: int) -> list[EntryRow]:
    """Without those that a purge was meant for which came while they were under way."""
    if not entries:
        return []
    purges = [
        (tenant, _which.decode(which), at_us)
        for tenant, which, at_us in connection.query(
            "SELECT tenant, which, at_us FROM cache_purges WHERE at_us > ?", (now_us - PURGES_HOLD_US,)
        )
    ]
    return [row for row in entries if not any(_meets(purge, row.entry) for purge in purges)]


def _meets(purge: tuple[str, Which, int], entry: Entry) -> bool:
    tenant, which, at_us = purge
    return tenant in ("", entry.tenant) and entry.created_us <= at_us and which.matches(entry)


def _insert_entries(connection: Connection, entries: Sequence[EntryRow], seal: int, changed: int) -> None:
    """An entry replaces the one with its exact fingerprint, and inherits its hits, unless only the former is pinned."""
    if not entries:
        return
    fresh = _without_known(connection, _last_of_each(entries))
    former = _with_fingerprints(connection, fresh)
    kept = [row for row in fresh if not _is_kept_out(row, former.get(_key(row)))]
    replaced = [former[_key(row)].gone for row in kept if row.entry.exact and _key(row) in former]
    remove(connection, replaced, changed)
    connection.insert("cache_entries", ENTRY_COLUMNS, [_row(row, former, seal, changed) for row in kept])
    _add_sizes(connection, [(row.entry.tenant, 1, row.size) for row in kept])


class _Former(NamedTuple):
    gone: _Gone
    heat: float
    hits: int
    pinned: bool


def _key(row: EntryRow) -> tuple[str, bytes]:
    return row.entry.tenant, row.entry.exact


def _row(row: EntryRow, former: dict[tuple[str, bytes], _Former], seal: int, changed: int) -> Row:
    before = former.get(_key(row)) if row.entry.exact else None
    if before is None:
        return row.row(seal, changed, row.first_heat, row.entry.hits)
    return row.row(seal, changed, max(before.heat, row.first_heat), row.entry.hits + before.hits)


def _is_kept_out(row: EntryRow, former: _Former | None) -> bool:
    return former is not None and row.entry.exact != b"" and former.pinned and not row.entry.pinned


def _last_of_each(entries: Sequence[EntryRow]) -> list[EntryRow]:
    """Of several with one fingerprint the last, a pinned one before all others."""
    last: dict[object, EntryRow] = {}
    for row in entries:
        key = _key(row) if row.entry.exact else row.entry.id
        if not (key in last and last[key].entry.pinned and not row.entry.pinned):
            last[key] = row
    return list({row.entry.id: row for row in last.values()}.values())


def _without_known(connection: Connection, entries: list[EntryRow]) -> list[EntryRow]:
    known = connection.known("cache_entries", "id", [row.entry.id for row in entries]) if entries else set()
    return [row for row in entries if row.entry.id not in known]


def _with_fingerprints(connection: Connection, entries: Sequence[EntryRow]) -> dict[tuple[str, bytes], _Former]:
    found: dict[tuple[str, bytes], _Former] = {}
    exact = sorted({row.entry.exact for row in entries if row.entry.exact})
    for some in _parts(exact):
        for id_, tenant, print_, size, heat, hits, pinned in connection.query(
            f"SELECT id, tenant, exact, size, heat, hits, pinned FROM cache_entries WHERE exact IN ({_marks(some)})",
            some,
        ):
            found[tenant, bytes(print_)] = _Former(_Gone(id_, tenant, size), heat, hits, pinned != 0)
    return found


def _insert_links(connection: Connection, links: Sequence[LinkRow], seal: int, changed: int) -> None:
    """Those whose entry is there, and is the same tenant's."""
    if not links:
        return
    ids = sorted({row.link.entry_id for row in links})
    owners = {
        id_: tenant
        for some in _parts(ids)
        for id_, tenant in connection.query(f"SELECT id, tenant FROM cache_entries WHERE id IN ({_marks(some)})", some)
    }
    known = connection.known("cache_links", "id", [row.link.id for row in links])
    fresh = {
        row.link.id: row
        for row in links
        if row.link.id not in known and owners.get(row.link.entry_id) == row.link.tenant
    }
    connection.insert("cache_links", LINK_COLUMNS, [row.row(seal, changed) for row in fresh.values()])
    for row in fresh.values():
        connection.execute("UPDATE cache_entries SET size = size + ? WHERE id = ?", (row.size, row.link.entry_id))
    _add_sizes(connection, [(row.link.tenant, 0, row.size) for row in fresh.values()])


def _count_hits(connection: Connection, hits: dict[tuple[str, str], tuple[int, int]]) -> None:
    for some in _parts(sorted(id_ for _, id_ in hits)):
        for id_, tenant, heat, cost, size in connection.query(
            f"SELECT id, tenant, heat, cost, size FROM cache_entries WHERE id IN ({_marks(some)})", some
        ):
            if (tenant, id_) in hits:
                count, at_us = hits[tenant, id_]
                heat = heated(heat, count, at_us)
                connection.execute(
                    "UPDATE cache_entries SET hits = hits + ?, heat = ?, worth = ? WHERE id = ?",
                    (count, heat, worth(heat, cost, size), id_),
                )


def _insert_verdicts(connection: Connection, verdicts: Sequence[Verdict]) -> None:
    if not verdicts:
        return
    once = {(verdict.tenant, verdict.call_id, verdict.source): verdict for verdict in verdicts}
    for key in once:
        connection.execute("DELETE FROM cache_verdicts WHERE tenant = ? AND call_id = ? AND source = ?", key)
    connection.insert("cache_verdicts", VERDICT_COLUMNS, [rows.verdict_row(verdict) for verdict in once.values()])


def _keep_budget(connection: Connection, tenant: str, budget: Budget, changed: int) -> None:
    """Drop what is worth least a byte until the tenant is within its budget; pinned entries stay."""
    found = connection.query("SELECT entries, bytes FROM cache_sizes WHERE tenant = ?", (tenant,))
    entries, size = found[0] if found else (0, 0)
    if entries <= budget.entries and size <= budget.bytes:
        return
    over_entries, over_bytes = entries - int(budget.entries * _ROOM), size - int(budget.bytes * _ROOM)
    while over_entries > 0 or over_bytes > 0:
        least = _least_worth(connection, tenant)
        going: list[_Gone] = []
        for gone in least:
            if over_entries <= 0 and over_bytes <= 0:
                break
            going.append(gone)
            over_entries -= 1
            over_bytes -= gone.size
        if not going:
            return
        remove(connection, going, changed)


def _least_worth(connection: Connection, tenant: str) -> list[_Gone]:
    return [
        _Gone(*row)
        for row in connection.query(
            "SELECT id, tenant, size FROM cache_entries WHERE tenant = ? AND pinned = 0 ORDER BY worth LIMIT ?",
            (tenant, SOME),
        )
    ]


def remove(connection: Connection, going: Sequence[_Gone], changed: int) -> int:
    """Take entries away with their links, and note it for readers of changes; how many were there. In a transaction."""
    removed = 0
    for some in _parts(going):
        ids = sorted({gone.id for gone in some})
        connection.execute(f"DELETE FROM cache_links WHERE entry_id IN ({_marks(ids)})", ids)
        removed += connection.execute(f"DELETE FROM cache_entries WHERE id IN ({_marks(ids)})", ids)
        connection.insert("cache_drops", ("changed", "id"), [(changed, id_) for id_ in ids])
    _add_sizes(connection, [(gone.tenant, -1, -gone.size) for gone in going])
    return removed


def _add_sizes(connection: Connection, changes: Iterable[tuple[str, int, int]]) -> None:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for tenant, entries, size in changes:
        sums[tenant][0] += entries
        sums[tenant][1] += size
    for tenant in sorted(sums):
        connection.execute(_ADD_SIZES, (tenant, *sums[tenant]))


def drop(connection: Connection, tenant: str, which: Which, now_us: int) -> int:
    """Drop what is meant, in steps that let other writers in between; how many entries there were."""
    if which.ids is not None:
        parts = [msgspec.structs.replace(which, ids=tuple(some)) for some in _parts(which.ids)]
        return sum(_drop_all(connection, partial(_meant, connection, tenant, part)) for part in parts)
    with connection.transaction():
        next_change(connection)
        connection.insert("cache_purges", ("at_us", "tenant", "which"), [(now_us, tenant, _packed(which))])
    return _drop_all(connection, partial(_meant, connection, tenant, which))


def _packed(which: Which) -> str:
    return _json.encode(which).decode()


def _drop_all(connection: Connection, find: Callable[[], list[_Gone]]) -> int:
    dropped = 0
    while True:
        with connection.transaction():
            changed = next_change(connection)
            going = find()
            removed = remove(connection, going[:SOME], changed)
        dropped += removed
        if len(going) <= SOME:
            return dropped


def _meant(connection: Connection, tenant: str, which: Which) -> list[_Gone]:
    """Some of those that are meant: more than one step's, if there are more."""
    where, values = condition(tenant, which)
    limit = "" if which.tag is not None else f" LIMIT {SOME + 1}"
    found = connection.query(f"SELECT id, tenant, size, tags FROM cache_entries WHERE {where}{limit}", values)
    return [_Gone(*row[:3]) for row in found if which.tag is None or which.tag in rows.tags(row[3])]


def condition(tenant: str, which: Which) -> tuple[str, list[object]]:
    """SQL for all that is meant but the tag, which SQL does not look into."""
    terms: list[str] = ["tenant = ?"]
    values: list[object] = [tenant]
    for column in ("scope", "model", "asked", "owner", "team", "context", "exact"):
        if (wanted := getattr(which, column)) is not None:
            terms.append(f"{column} = ?")
            values.append(wanted)
    if which.ids is not None:
        terms.append(f"id IN ({_marks(which.ids)})" if which.ids else "1 = 0")
        values += which.ids
    if which.created_before_us is not None:
        terms.append("created_us < ?")
        values.append(which.created_before_us)
    if which.keep_pinned:
        terms.append("pinned = 0")
    return " AND ".join(terms), values


def unlink(connection: Connection, tenant: str, link_id: str) -> bool:
    """Drop one extra question of an entry; whether it was there."""
    with connection.transaction():
        changed = next_change(connection)
        found = connection.query(
            "SELECT entry_id, size FROM cache_links WHERE id = ? AND tenant = ?", (link_id, tenant)
        )
        for entry_id, size in found:
            connection.execute("DELETE FROM cache_links WHERE id = ?", (link_id,))
            connection.execute("UPDATE cache_entries SET size = size - ? WHERE id = ?", (size, entry_id))
            connection.insert("cache_drops", ("changed", "id"), [(changed, link_id)])
            _add_sizes(connection, [(tenant, 0, -size)])
    return bool(found)


def purge(connection: Connection, now_us: int) -> int:
    """Drop every entry of every tenant; how many there were. Verdicts stay: they are about scopes."""
    with connection.transaction():
        changed = next_change(connection)
        count = connection.execute("DELETE FROM cache_entries")
        for table in ("cache_links", "cache_sizes", "cache_drops"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE cache_marks SET n = ? WHERE name = 'forgotten'", (changed,))
        connection.insert("cache_purges", ("at_us", "tenant", "which"), [(now_us, "", _packed(Which()))])
    return count


def drop_unsealed(connection: Connection) -> int:
    """Drop what was stored before a key was given: it lies there for anyone to read."""

    def readable() -> list[_Gone]:
        found = connection.query(f"SELECT id, tenant, size FROM cache_entries WHERE seal = 0 LIMIT {SOME + 1}")
        return [_Gone(*row) for row in found]

    return _drop_all(connection, readable) if readable() else 0


def drop_expired(connection: Connection, now_us: int) -> int:
    def expired() -> list[_Gone]:
        found = connection.query(
            f"SELECT id, tenant, size FROM cache_entries WHERE expires_us > 0 AND expires_us <= ? LIMIT {SOME + 1}",
            (now_us,),
        )
        return [_Gone(*row) for row in found]

    return _drop_all(connection, expired) if expired() else 0


def forget_old_notes(connection: Connection, now_us: int) -> None:
    """Drop notes of purges and drops that no reader needs any more."""
    with connection.transaction():
        changed = next_change(connection)
        connection.execute("DELETE FROM cache_purges WHERE at_us < ?", (now_us - PURGES_HOLD_US,))
        found = connection.query(f"SELECT changed FROM cache_drops ORDER BY changed DESC LIMIT 1 OFFSET {DROPS_KEPT}")
        if found:
            upto = min(int(found[0][0]), changed - 1)
            connection.execute("DELETE FROM cache_drops WHERE changed <= ?", (upto,))
            connection.execute("UPDATE cache_marks SET n = ? WHERE name = 'forgotten' AND n < ?", (upto, upto))


def forget_old_verdicts(connection: Connection, now_us: int, kept: int = VERDICTS_KEPT) -> None:
    """Drop verdicts by age and number alone, whatever they say: what is left is a fair sample of what is new."""
    with connection.transaction():
        next_change(connection)
        connection.execute("DELETE FROM cache_verdicts WHERE at_us < ?", (now_us - VERDICTS_HOLD_US,))
        for sources in (HITS, PROBES[:1], PROBES[1:]):
            among = f"source IN ({_marks(sources)})"
            many = connection.query(
                f"SELECT tenant, scope FROM cache_verdicts WHERE {among} GROUP BY tenant, scope HAVING count(*) > ?",
                (*sources, kept),
            )
            for tenant, scope in many:
                of = f"tenant = ? AND scope = ? AND {among}"
                oldest = connection.query(
                    f"SELECT at_us FROM cache_verdicts WHERE {of} ORDER BY at_us DESC LIMIT 1 OFFSET {kept - 1}",
                    (tenant, scope, *sources),
                )[0][0]
                connection.execute(
                    f"DELETE FROM cache_verdicts WHERE {of} AND at_us < ?", (tenant, scope, *sources, oldest)
                )


def _parts(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + SOME] for start in range(0, len(values), SOME))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
