"""Plans that are kept, as JSON: those that were made by hand, and one for each week, which one gateway of all makes.

A week's plan is claimed before it is made, so that no two gateways work on it; a claim of somebody who vanished lapses. What
is in a plan is known elsewhere (`finops.plans`).
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from farthing.store.engine import Connection, Row
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.store import Store

State = Literal["asked", "making", "made", "failed"]
"""`asked`: somebody wants one as soon as a gateway can."""

LAPSES_US = 2 * 3_600_000_000
"""After which another may make a plan that somebody claimed."""
KEPT = 200
_LINE = ("no", "week", "state", "made_us", "who", "tenants")
_LINES = f"{', '.join(_LINE)}, CASE WHEN state = 'failed' THEN body ELSE '' END"
_names = msgspec.json.Decoder(list[str])


class KeptPlan(msgspec.Struct, frozen=True):
    """One plan, without what is in it."""

    no: int
    week: str
    """The day for which it was due; empty: made by hand."""
    state: State
    made_us: int
    """When it was made; claimed or asked for, while it is not."""
    who: str
    tenants: list[str]
    """Whose calls it is about."""
    why: str = ""
    """Why it could not be made."""


class Plans:
    """The plans of a store. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, body: str, tenants: Sequence[str], now_us: int, who: str, no: int = 0) -> int:
        """Keep a plan, or fill the one that was claimed; its number."""
        row = (now_us, mended_text(who, LONGEST_NAME), msgspec.json.encode(sorted(set(tenants))).decode(), body)
        return await self._store.do(lambda connection: _keep(connection, no, row))

    async def claim(self, week: str, now_us: int, who: str) -> int:
        """The number of the week's plan, if it is for the caller to make; 0 where it is made, or another is at it."""
        return await self._store.do(lambda connection: _claim(connection, week, now_us, who))

    async def ask(self, now_us: int, who: str) -> bool:
        """Want one as soon as a gateway can; False where one is wanted or being made already."""
        return await self._store.do(lambda connection: _ask(connection, now_us, who))

    async def take_asked(self, now_us: int) -> int:
        """The number of a plan that somebody asked for, if it is for the caller to make; 0 where there is none."""
        return await self._store.do(lambda connection: _take_asked(connection, now_us))

    async def fail(self, no: int, why: str) -> None:
        """It could not be made: what was asked for is not tried again, a week's plan is when its claim has lapsed."""
        await self._store.do(
            lambda connection: connection.execute(
                "UPDATE plans SET state = 'failed', body = ? WHERE no = ? AND state = 'making'",
                (mended_text(why, 2_000), no),
            )
        )

    async def release(self, no: int) -> None:
        """Whoever was at it stops: another may make it now."""
        await self._store.do(
            lambda connection: connection.execute(
                "UPDATE plans SET made_us = 0, state = CASE WHEN week = '' THEN 'asked' ELSE state END "
                "WHERE no = ? AND state = 'making'",
                (no,),
            )
        )

    async def every(self, limit: int = 50) -> list[KeptPlan]:
        """The newest first, those that are not made yet included."""
        return await self._store.do(lambda connection: _every(connection, limit))

    async def body(self, no: int) -> str:
        """What is in a plan that was made; empty where it was not."""
        return await self._store.do(lambda connection: _body(connection, no))


def newest(connection: Connection, *, weekly: bool = False, before_us: int = 1 << 62) -> tuple[KeptPlan, str] | None:
    """The plan that was made last, and what is in it."""
    only = " AND week <> ''" if weekly else ""
    rows = connection.query(
        f"SELECT {_LINES}, body FROM plans WHERE state = 'made' AND made_us < ?{only} ORDER BY made_us DESC, no DESC LIMIT 1",
        (before_us,),
    )
    return (_plan(rows[0][:-1]), rows[0][-1]) if rows else None


def _plan(row: Row) -> KeptPlan:
    no, week, state, made_us, who, tenants, why = row
    return KeptPlan(int(no), week, state, int(made_us), who, _names.decode(tenants), why)


def _next(connection: Connection) -> int:
    connection.lock(("plans",))
    return int(connection.query("SELECT coalesce(max(no), 0) + 1 FROM plans")[0][0])


def _keep(connection: Connection, no: int, row: Row) -> int:
    made_us, who, tenants, body = row
    with connection.transaction():
        if no:
            connection.execute(
                "UPDATE plans SET state = 'made', made_us = ?, tenants = ?, body = ? WHERE no = ?",
                (made_us, tenants, body, no),
            )
        else:
            no = _next(connection)
            _insert(connection, (no, "", "made", made_us, who, tenants, body))
        connection.execute("DELETE FROM plans WHERE no <= ?", (no - KEPT,))
    return no


def _insert(connection: Connection, row: Row) -> None:
    connection.insert("plans", (*_LINE, "body"), [row])


def _claim(connection: Connection, week: str, now_us: int, who: str) -> int:
    with connection.transaction():
        connection.lock(("plans",))
        rows = connection.query("SELECT no, state, made_us FROM plans WHERE week = ?", (week,))
        if not rows:
            no = _next(connection)
            _insert(connection, (no, week, "making", now_us, mended_text(who, LONGEST_NAME), "[]", ""))
            return no
        no, state, since_us = rows[0]
        if state == "made" or since_us > now_us - LAPSES_US:
            return 0
        connection.execute("UPDATE plans SET state = 'making', made_us = ?, body = '' WHERE no = ?", (now_us, no))
    return int(no)


def _ask(connection: Connection, now_us: int, who: str) -> bool:
    with connection.transaction():
        no = _next(connection)
        if connection.query(
            "SELECT 1 FROM plans WHERE state IN ('asked', 'making') AND made_us > ?", (now_us - LAPSES_US,)
        ):
            return False
        _insert(connection, (no, "", "asked", now_us, mended_text(who, LONGEST_NAME), "[]", ""))
    return True


def _take_asked(connection: Connection, now_us: int) -> int:
    waits = "(state = 'asked' OR (state = 'making' AND week = '' AND made_us <= ?))"
    gone_us = now_us - LAPSES_US
    rows = connection.query(f"SELECT no FROM plans WHERE {waits} ORDER BY no LIMIT 1", (gone_us,))
    if not rows:
        return 0
    taken = connection.execute(
        f"UPDATE plans SET state = 'making', made_us = ? WHERE no = ? AND {waits}", (now_us, rows[0][0], gone_us)
    )
    return int(rows[0][0]) if taken else 0


def _every(connection: Connection, limit: int) -> list[KeptPlan]:
    rows = connection.query(f"SELECT {_LINES} FROM plans ORDER BY made_us DESC, no DESC LIMIT ?", (max(0, limit),))
    return [_plan(row) for row in rows]


def _body(connection: Connection, no: int) -> str:
    rows = connection.query("SELECT body FROM plans WHERE no = ? AND state = 'made'", (no,))
    return str(rows[0][0]) if rows else ""
