"""Versions of the routing table: the one that holds, what is proposed, and who changed what when.

A table is proposed on top of the version that holds, and becomes it only while that is still so: of two gateways that
apply at once one wins, the other hears so. Nothing is edited, so each change can be undone. What is in a table and when
to change it is decided elsewhere (`quality`).
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from farthing.model.principal import OPERATOR
from farthing.model.routes import Cell, Table
from farthing.store import audit
from farthing.store.engine import Connection
from farthing.store.rows import LONGEST_TEXT, mended_text
from farthing.store.store import Store, now_us

State = Literal["proposed", "active", "former", "replaced", "rejected"]
"""`former` was active once; `replaced` gave way to a newer proposal."""

KEPT = 200
"""Versions that can be looked at and gone back to."""


class Version(msgspec.Struct, frozen=True):
    """One version of the table, without its cells."""

    version: int
    base: int
    """The version that held when it was made; 0 is the empty table."""
    state: State
    made_us: int
    why: str


class Change(msgspec.Struct, frozen=True):
    """One thing that was done to the table."""

    no: int
    at_us: int
    what: Literal["propose", "apply", "undo", "reject"]
    version: int
    """The version that was proposed, or holds since."""
    former: int
    """The version that held before."""
    who: str
    why: str


class _Scope(msgspec.Struct, frozen=True, array_like=True):
    tenant: str
    scope: str
    cells: list[Cell]


_json = msgspec.json.Encoder()
_scopes = msgspec.json.Decoder(list[_Scope])


class Routes:
    """The routing table's versions in a store. Methods raise StoreError if it cannot be used, ValueError for a version
    that is not there or not what was asked for."""

    def __init__(self, store: Store, clock_us: Callable[[], int] = now_us) -> None:
        self._store = store
        self._now_us = clock_us

    async def active_version(self) -> int:
        """Cheap, for gateways that ask every few seconds; another number than before means: read `active` again. 0: no
        table was ever applied."""
        return await self._store.do(_active_version)

    async def active(self) -> Table:
        """The table that holds; an empty one of version 0 before the first."""
        return await self._store.do(lambda connection: _table(connection, _active_version(connection)))

    async def table(self, version: int) -> Table:
        """Any version that is still kept."""
        return await self._store.do(lambda connection: _table(connection, version))

    async def base_of(self, version: int) -> int:
        """The version that held before this one came to hold; 0 is the empty table."""
        return await self._store.do(lambda connection: _base_of(connection, version))

    async def propose(self, table: Table, why: str, who: str = "", *, base: int | None = None) -> int:
        """Keep a table as the proposal on top of `base` (the version that holds now, unless said otherwise: say from
        which one the table was made). It takes the place of proposals before it. Returns its version."""
        now = self._now_us()
        return await self._store.do(lambda connection: _propose(connection, table, why, who, base, now))

    async def proposals(self) -> list[Version]:
        """What can be applied now: proposals on top of the version that holds, newest first."""
        return await self._store.do(_proposals)

    async def apply(self, version: int, who: str) -> bool:
        """Let a proposal hold. False: it was made on top of a version that does not hold any more, or it holds
        already, because somebody else was first."""
        now = self._now_us()
        return await self._store.do(lambda connection: _apply(connection, version, who, now))

    async def reject(self, version: int, who: str) -> bool:
        """Put a proposal away; False if it is none (any more)."""
        now = self._now_us()
        return await self._store.do(lambda connection: _reject(connection, version, who, now))

    async def undo(self, who: str, *, version: int | None = None) -> int:
        """Go back to what held before `version` (default: the one that holds); again, and it goes back further. Returns
        the version that holds then; unchanged where `version` does not hold (any more), or nothing held before it."""
        now = self._now_us()
        return await self._store.do(lambda connection: _undo(connection, who, version, now))

    async def history(self, limit: int = 50) -> list[Change]:
        """What was done, newest first."""
        return await self._store.do(lambda connection: _history(connection, limit))


def _active_version(connection: Connection) -> int:
    return int(connection.query("SELECT n FROM marks WHERE name = 'routes'")[0][0])


def _table(connection: Connection, version: int) -> Table:
    if version == 0:
        return Table()
    found = connection.query("SELECT made_us, body FROM route_tables WHERE version = ?", (version,))
    if not found:
        raise ValueError(f"there is no version {version} of the routing table (any more)")
    made_us, body = found[0]
    return Table(
        version=version, made_us=made_us,
        cells={
            (scope.tenant, scope.scope): {cell.model: cell for cell in scope.cells} for scope in _scopes.decode(body)
        },
    )  # fmt: skip


def _base_of(connection: Connection, version: int) -> int:
    found = connection.query("SELECT base FROM route_tables WHERE version = ?", (version,))
    if not found:
        raise ValueError(f"there is no version {version} of the routing table (any more)")
    return int(found[0][0])


def _packed(table: Table) -> str:
    return _json.encode(
        [_Scope(tenant, scope, list(cells.values())) for (tenant, scope), cells in sorted(table.cells.items())]
    ).decode()


def _propose(connection: Connection, table: Table, why: str, who: str, base: int | None, now: int) -> int:
    with connection.transaction():
        holds = _locked(connection)
        version = int(connection.query("SELECT coalesce(max(version), 0) + 1 FROM route_tables")[0][0])
        connection.execute("UPDATE route_tables SET state = 'replaced' WHERE state = 'proposed'")
        connection.execute(
            "INSERT INTO route_tables (version, base, state, made_us, why, body) VALUES (?, ?, 'proposed', ?, ?, ?)",
            (version, holds if base is None else base, now, mended_text(why), _packed(table)),
        )
        _note(connection, now, "propose", version, holds, who, why)
        connection.execute(
            "DELETE FROM route_tables WHERE version <= ? AND state NOT IN ('active', 'proposed')", (version - KEPT,)
        )
    return version


def _locked(connection: Connection) -> int:
    """The version that holds, with every other writer of the table kept waiting until the end of the transaction."""
    connection.execute("UPDATE marks SET n = n WHERE name = 'routes'")
    return _active_version(connection)


def _note(connection: Connection, now: int, what: str, version: int, former: int, who: str, why: str) -> None:
    no = int(connection.query("SELECT coalesce(max(no), 0) + 1 FROM route_changes")[0][0])
    connection.execute(
        "INSERT INTO route_changes (no, at_us, what, version, former, who, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (no, now, what, version, former, mended_text(who, 256), mended_text(why, LONGEST_TEXT)),
    )
    if what != "propose":  # nothing changes by it
        why = mended_text(why, LONGEST_TEXT)
        audit.note(connection, "route", version, what, tenant=OPERATOR, who=who, former=former, why=why)


_VERSION = "version, base, state, made_us, why"


def _proposals(connection: Connection) -> list[Version]:
    rows = connection.query(
        f"SELECT {_VERSION} FROM route_tables WHERE state = 'proposed' AND base = "
        "(SELECT n FROM marks WHERE name = 'routes') ORDER BY version DESC"
    )
    return [Version(*row) for row in rows]


def _apply(connection: Connection, version: int, who: str, now: int) -> bool:
    with connection.transaction():
        holds = _locked(connection)
        found = connection.query(f"SELECT {_VERSION} FROM route_tables WHERE version = ?", (version,))
        if not found:
            raise ValueError(f"there is no version {version} of the routing table (any more)")
        asked = Version(*found[0])
        if asked.state != "proposed" or asked.base != holds:
            return False
        _hold(connection, version)
        _note(connection, now, "apply", version, holds, who, asked.why)
    return True


def _hold(connection: Connection, version: int) -> None:
    connection.execute("UPDATE route_tables SET state = 'former' WHERE state = 'active'")
    connection.execute("UPDATE route_tables SET state = 'active' WHERE version = ?", (version,))
    connection.execute("UPDATE marks SET n = ? WHERE name = 'routes'", (version,))


def _reject(connection: Connection, version: int, who: str, now: int) -> bool:
    with connection.transaction():
        holds = _locked(connection)
        count = connection.execute(
            "UPDATE route_tables SET state = 'rejected' WHERE version = ? AND state = 'proposed'", (version,)
        )
        if count:
            _note(connection, now, "reject", version, holds, who, "")
    return count > 0


def _undo(connection: Connection, who: str, version: int | None, now: int) -> int:
    with connection.transaction():
        holds = _locked(connection)
        if holds == 0 or version not in (None, holds):
            return holds
        (base, why), *_ = connection.query("SELECT base, why FROM route_tables WHERE version = ?", (holds,))
        if base and not connection.query("SELECT 1 FROM route_tables WHERE version = ?", (base,)):
            raise ValueError(f"version {base}, which held before version {holds}, is not kept any more")
        _hold(connection, base)
        _note(connection, now, "undo", base, holds, who, why)
    return int(base)


def _history(connection: Connection, limit: int) -> list[Change]:
    rows = connection.query(
        "SELECT no, at_us, what, version, former, who, why FROM route_changes ORDER BY no DESC LIMIT ?",
        (max(0, limit),),
    )
    return [Change(*row) for row in rows]
