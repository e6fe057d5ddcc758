"""Students in the store: the versions of each, which of them answers, and what was seen of them on live calls.

At most one version of a scope serves and one is in the shadow. Nothing is edited but the state, so a former version is one
call away. What is in the weights, and when a state changes, is decided elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from farthing.model.arms import DISTILLATION
from farthing.model.money import Nano
from farthing.store import audit, leaders
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US
from farthing.store.rows import LONGEST_NAME, LONGEST_TEXT, mended_text
from farthing.store.store import Store, now_us

State = Literal["mute", "shadow", "serving", "former", "retreated", "replaced", "retired"]
"""It answers nothing, by its training; it is tried beside the teacher; it answers; it did until another came; it did, and
was taken back; it never did, and a newer one came; people want none of it any more."""
LIVE: tuple[State, ...] = ("shadow", "serving")
Kind = Literal["shadow", "serving", "audit"]
KEPT = 20
"""Versions of a scope that keep their weights; older ones that are not live go."""

_LOOK_KEY = ("tenant", "scope", "version", "kind", "day_us")
_LOOK_SUMS = ("judged", "sure", "compared", "agreed", "cost", "baseline", "priced")
_COLUMNS = "tenant, scope, version, state, made_us, changed_us, why, teacher, facts"


class Version(msgspec.Struct, frozen=True):
    """One version of a student, without its weights."""

    tenant: str
    scope: str
    """`template:HASH` or `task:NAME`."""
    version: int
    state: State
    made_us: int
    changed_us: int
    why: str
    """Of its state."""
    teacher: str
    """The model whose answers it learned, as a request would name it."""
    facts: str
    """JSON; whoever made it reads it."""


class Looks(msgspec.Struct, frozen=True):
    """Sums of what was seen of one version, on live calls."""

    tenant: str
    scope: str
    version: int
    kind: Kind
    """Beside the teacher before it serves; all calls while it serves; those of its answers that the teacher gave too."""
    day_us: int
    judged: int = 0
    sure: int = 0
    """Calls that it answered, or would have."""
    compared: int = 0
    """Of the sure ones: those that the teacher answered too."""
    agreed: int = 0
    cost: Nano = 0
    """Of the teacher's answers, and what they would have been at the baseline, over `priced` calls."""
    baseline: Nano = 0
    priced: int = 0


class Students:
    """The tables in a store. Methods raise StoreError if it cannot be used."""

    def __init__(self, store: Store, clock_us: Callable[[], int] = now_us) -> None:
        self._store = store
        self._now_us = clock_us

    async def changes(self) -> int:
        """A number that grows with each change of a state."""
        return await self._store.do(_changes)

    async def in_history(self) -> bool:
        """Whether somebody writes a history, who then decides alone."""
        return await self._store.do(lambda connection: leaders.led(connection, leaders.HISTORY, now_us()))

    async def add(
        self, tenant: str, scope: str, facts: str, weights: bytes, *, state: State, teacher: str, why: str, after: int | None = None,
    ) -> int:  # fmt: skip
        """Keep a new version, which takes the place of one in the shadow; returns its number. With `after` only if that is the
        newest one (0: none is there): else 0, and nothing is kept, since two who train at once would keep the same twice."""
        now = self._now_us()
        return await self._store.do(
            lambda connection: _add(connection, (tenant, scope), facts, weights, state, teacher, why, now, after)
        )

    async def versions(self, *, tenant: str = "", scope: str = "", live: bool = False) -> list[Version]:
        """The newest first; of one tenant, of one scope, or (empty) of all."""
        return await self._store.do(lambda connection: _versions(connection, tenant, scope, live))

    async def weights(self, tenant: str, scope: str, version: int) -> bytes | None:
        return await self._store.do(lambda connection: _weights(connection, tenant, scope, version))

    async def promote(self, tenant: str, scope: str, version: int, why: str) -> bool:
        """Let the version in the shadow serve; the one that served becomes a former one. False if it is not there."""
        now = self._now_us()
        return await self._store.do(lambda connection: _promote(connection, (tenant, scope), version, why, now))

    async def retreat(self, tenant: str, scope: str, version: int, why: str, who: str = "") -> bool:
        """Nothing of this version is given any more, nor tried. False if it neither served nor was tried."""
        now = self._now_us()
        return await self._store.do(lambda connection: _retreat(connection, (tenant, scope), version, why, who, now))

    async def retire(self, tenant: str, scope: str, who: str) -> int:
        """Let nothing of this scope answer or be tried, and no version be gone back to; how many versions that ends."""
        now = self._now_us()
        return await self._store.do(lambda connection: _retire(connection, (tenant, scope), who, now))

    async def saved(self) -> dict[tuple[str, str, str], Nano]:
        """What answers of students saved, by (tenant, template, task), as the ledger has it. What audits cost is below nothing;
        they have no template, and the task of all that no client called for."""
        return await self._store.do(_saved)

    async def rollback(self, tenant: str, scope: str, who: str = "") -> int:
        """Take back the version that serves, and let the newest former one serve; its number, or 0 where none serves then:
        the teacher answers."""
        now = self._now_us()
        return await self._store.do(lambda connection: _rollback(connection, (tenant, scope), who, now))

    async def add_looks(self, looks: Sequence[Looks]) -> None:
        """Add to the sums."""
        if looks:
            await self._store.do(lambda connection: _add_looks(connection, looks))

    async def looks(self, tenant: str, scope: str, version: int, *, since_us: int = 0) -> list[Looks]:
        """By kind and day."""
        return await self._store.do(lambda connection: _looks(connection, tenant, scope, version, since_us))


def _changes(connection: Connection) -> int:
    rows = connection.query("SELECT n FROM marks WHERE name = 'students'")
    return int(rows[0][0]) if rows else 0


def _changed(connection: Connection) -> None:
    connection.execute("UPDATE marks SET n = n + 1 WHERE name = 'students'")


def _add(
    connection: Connection, place: tuple[str, str], facts: str, weights: bytes, state: State, teacher: str, why: str, now: int,
    after: int | None,
) -> int:  # fmt: skip
    tenant, scope = (mended_text(part, LONGEST_NAME) for part in place)
    with connection.transaction():
        _changed(connection)  # first: whoever adds at the same time waits here
        rows = connection.query("SELECT max(version) FROM students WHERE tenant = ? AND scope = ?", (tenant, scope))
        version = int(rows[0][0] or 0) + 1
        if after is not None and version != after + 1:
            return 0
        if state == "shadow":
            _move(connection, (tenant, scope), "shadow", "replaced", f"version {version} is tried", now)
        connection.insert(
            "students",
            (
                "tenant", "scope", "version", "state", "made_us", "changed_us", "why", "teacher", "facts", "weights"
            ),
            [(tenant, scope, version, state, now, now, mended_text(why, LONGEST_TEXT), mended_text(teacher, LONGEST_NAME), facts, weights)],
        )  # fmt: skip
        connection.execute(
            "DELETE FROM students WHERE tenant = ? AND scope = ? AND version <= ? AND state NOT IN ('shadow', 'serving')",
            (tenant, scope, version - KEPT),
        )
    return version


def _move(
    connection: Connection, place: tuple[str, str], former: State, state: State, why: str, now: int, version: int = 0
) -> int:  # fmt: skip
    """How many versions went from one state to another."""
    test, more = (" AND version = ?", (version,)) if version else ("", ())
    return connection.execute(
        f"UPDATE students SET state = ?, why = ?, changed_us = ? WHERE tenant = ? AND scope = ? AND state = ?{test}",
        (state, mended_text(why, LONGEST_TEXT), now, *place, former, *more),
    )


def _promote(connection: Connection, place: tuple[str, str], version: int, why: str, now: int) -> bool:
    with connection.transaction():
        _changed(connection)
        rows = connection.query(
            "SELECT 1 FROM students WHERE tenant = ? AND scope = ? AND version = ? AND state = 'shadow'",
            (*place, version),
        )
        if not rows:
            return False
        _move(connection, place, "serving", "former", f"version {version} took over", now)
        _move(connection, place, "shadow", "serving", why, now, version)
        return True


def _retreat(connection: Connection, place: tuple[str, str], version: int, why: str, who: str, now: int) -> bool:
    with connection.transaction():
        _changed(connection)
        moved = sum(_move(connection, place, state, "retreated", why, now, version) for state in LIVE)
        if moved and who:
            audit.note(connection, "student", version, "retreated", tenant=place[0], who=who, scope=place[1], why=why)
    return moved > 0


def _retire(connection: Connection, place: tuple[str, str], who: str, now: int) -> int:
    states: tuple[State, ...] = (*LIVE, "former", "retreated", "replaced", "mute")
    with connection.transaction():
        _changed(connection)
        moved = sum(_move(connection, place, state, "retired", f"retired by {who}", now) for state in states)
        if moved:
            audit.note(connection, "student", 0, "retired", tenant=place[0], who=who, scope=place[1])
    return moved


def _saved(connection: Connection) -> dict[tuple[str, str, str], Nano]:
    rows = connection.query(
        "SELECT tenant, template, task, CAST(sum(before_cost - after_cost - overhead) AS BIGINT) FROM savings "
        "JOIN calls ON id = call_id WHERE lever = ? GROUP BY tenant, template, task",
        (DISTILLATION,),
    )
    return {(str(row[0]), str(row[1]), str(row[2])): int(row[3]) for row in rows}


def _rollback(connection: Connection, place: tuple[str, str], who: str, now: int) -> int:
    with connection.transaction():
        _changed(connection)
        _move(connection, place, "serving", "retreated", f"rolled back by {who or 'an operator'}", now)
        rows = connection.query(
            "SELECT max(version) FROM students WHERE tenant = ? AND scope = ? AND state = 'former'", place
        )
        version = int(rows[0][0] or 0)
        if version:
            _move(connection, place, "former", "serving", "a later version was rolled back", now, version)
        if who:
            audit.note(connection, "student", version, "rolled back", tenant=place[0], who=who, scope=place[1])
    return version


def _versions(connection: Connection, tenant: str, scope: str, live: bool) -> list[Version]:
    tests = [name for name, value in (("tenant = ?", tenant), ("scope = ?", scope)) if value]
    if live:
        tests.append("state IN ('shadow', 'serving')")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    rows = connection.query(
        f"SELECT {_COLUMNS} FROM students{where} ORDER BY tenant, scope, version DESC",
        [value for value in (tenant, scope) if value],
    )
    return [
        Version(str(row[0]), str(row[1]), int(row[2]), row[3], int(row[4]), int(row[5]), str(row[6]), str(row[7]), str(row[8]))
        for row in rows
    ]  # fmt: skip


def _weights(connection: Connection, tenant: str, scope: str, version: int) -> bytes | None:
    rows = connection.query(
        "SELECT weights FROM students WHERE tenant = ? AND scope = ? AND version = ?", (tenant, scope, version)
    )
    return bytes(rows[0][0]) if rows else None


def _add_looks(connection: Connection, looks: Sequence[Looks]) -> None:
    rows: list[Row] = sorted(
        (
            each.tenant, each.scope, each.version, each.kind, each.day_us - each.day_us % DAY_US, each.judged, each.sure,
            each.compared, each.agreed, each.cost, each.baseline, each.priced,
        )
        for each in looks
    )  # fmt: skip
    with connection.transaction():
        connection.add_up("student_looks", _LOOK_KEY, _LOOK_SUMS, rows)


def _looks(connection: Connection, tenant: str, scope: str, version: int, since_us: int) -> list[Looks]:
    rows = connection.query(
        f"SELECT {', '.join((*_LOOK_KEY, *_LOOK_SUMS))} FROM student_looks "
        "WHERE tenant = ? AND scope = ? AND version = ? AND day_us >= ? ORDER BY kind, day_us",
        (tenant, scope, version, since_us - since_us % DAY_US),
    )
    return [Looks(str(row[0]), str(row[1]), int(row[2]), row[3], *map(int, row[4:])) for row in rows]
