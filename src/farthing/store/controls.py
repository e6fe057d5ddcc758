"""Controls on trial: what calls with and without each did, as sums over groups of sessions, and how each of them stands.

No text and no call: counts by tenant, kind of calls, control and day. Gateways add what they have seen since they last did; a
state is changed only on top of the one that it was decided from. What the sums mean is told by `quality.trial`, not here.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.schema_controls import CONTROL_KEY, CONTROL_SUMS
from farthing.store.store import Store

State = Literal["trial", "on", "off"]


class ControlSums(msgspec.Struct):
    """What the calls of one group of sessions did on one day, with a control or without it."""

    tenant: str
    scope: str
    """`feature:NAME`, `template:PRINT`, `task:NAME`, or `*`."""
    control: str
    phase: int
    """How often the state had changed by then."""
    day_us: int
    treated: bool
    group: int
    calls: int = 0
    failed: int = 0
    """Calls to which the provider gave no answer, or an error."""
    answers: int = 0
    """Whole answers; of these `cut` met a length limit."""
    cut: int = 0
    asked_again: int = 0
    """Calls whose words came again from the same session soon after."""
    counted: int = 0
    """Calls whose output is known, and below it their tokens; so for cost, in nano-dollars."""
    out_tokens: int = 0
    priced: int = 0
    cost: Nano = 0
    checked: int = 0
    """Answers that a program checked, and those that failed."""
    check_bad: int = 0
    judged: int = 0
    """Answers that people judged, and those that they found bad."""
    judged_bad: int = 0


class ControlState(msgspec.Struct, frozen=True):
    tenant: str
    scope: str
    control: str
    state: State
    phase: int
    at_us: int
    why: str


class Controls:
    """The tables in a store. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, seen: Sequence[ControlSums]) -> None:
        """Add what was seen since the last time, all or nothing."""
        if seen:
            await self._store.do(lambda connection: _add(connection, seen))

    async def sums(self, since_us: int) -> list[ControlSums]:
        """All sums from that day (UTC) on."""
        return await self._store.do(lambda connection: sums(connection, since_us))

    async def states(self) -> list[ControlState]:
        """Every control that has a state; the others are on trial."""
        return await self._store.do(states)

    async def change(self, state: ControlState) -> bool:
        """Let a state hold, whose `phase` is one more than that of the one before; False if another came first."""
        return await self._store.do(lambda connection: _change(connection, state))

    async def forget(self, control: str, *, scope: str = "", tenant: str = "") -> int:
        """Start the trials of a control anew, everywhere or there; returns how many states that were."""
        return await self._store.do(lambda connection: _forget(connection, control, scope, tenant))

    async def prune(self, before_us: int) -> int:
        """Forget the days before that one; returns how many rows that were."""
        day = before_us - before_us % DAY_US
        return await self._store.do(
            lambda connection: connection.execute("DELETE FROM control_sums WHERE day_us < ?", (day,))
        )


def _add(connection: Connection, seen: Sequence[ControlSums]) -> None:
    rows = sorted(map(_row, seen))  # in one order, so that gateways do not wait for each other in a ring
    with connection.transaction():
        connection.add_up("control_sums", CONTROL_KEY, CONTROL_SUMS, rows)


def _row(seen: ControlSums) -> Row:
    names = (mended_text(text, LONGEST_NAME) for text in (seen.tenant, seen.scope, seen.control))
    day = seen.day_us - seen.day_us % DAY_US
    return (
        *names, seen.phase, day, int(seen.treated), seen.group, *(getattr(seen, name) for name in CONTROL_SUMS)
    )  # fmt: skip


def sums(connection: Connection, since_us: int) -> list[ControlSums]:
    rows = connection.query(
        f"SELECT {', '.join((*CONTROL_KEY, *CONTROL_SUMS))} FROM control_sums WHERE day_us >= ? "
        f"ORDER BY {', '.join(CONTROL_KEY)}",
        (since_us - since_us % DAY_US,),
    )
    return [
        ControlSums(
            str(row[0]), str(row[1]), str(row[2]), int(row[3]), int(row[4]), bool(row[5]), *map(int, row[6:])
        )
        for row in rows
    ]  # fmt: skip


_STATE = "tenant, scope, control, state, phase, at_us, why"


def states(connection: Connection) -> list[ControlState]:
    rows = connection.query(f"SELECT {_STATE} FROM control_states ORDER BY tenant, scope, control")
    return [
        ControlState(str(row[0]), str(row[1]), str(row[2]), row[3], int(row[4]), int(row[5]), str(row[6]))
        for row in rows
    ]  # fmt: skip


def _change(connection: Connection, state: ControlState) -> bool:
    tenant, scope, control = (mended_text(text, LONGEST_NAME) for text in (state.tenant, state.scope, state.control))
    row = (tenant, scope, control, state.state, state.phase, state.at_us, mended_text(state.why, LONGEST_NAME))
    count = connection.execute(
        f"INSERT INTO control_states ({_STATE}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, scope, control) "
        "DO UPDATE SET state = excluded.state, phase = excluded.phase, at_us = excluded.at_us, why = excluded.why "
        "WHERE control_states.phase = excluded.phase - 1",
        row,
    )
    return count > 0


def _forget(connection: Connection, control: str, scope: str, tenant: str) -> int:
    tests, values = ["(control = ? OR control LIKE ?)"], [control, f"{control} %"]
    for name, value in (("scope", scope), ("tenant", tenant)):
        if value:
            tests.append(f"{name} = ?")
            values.append(value)
    where = " AND ".join(tests)
    with connection.transaction():
        connection.execute(f"DELETE FROM control_sums WHERE {where}", values)
        return connection.execute(f"DELETE FROM control_states WHERE {where}", values)
