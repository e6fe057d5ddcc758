"""Changes of settings that somebody proposed, and what became of each: a person accepts or rejects it, and it is written into the
settings' file by whoever starts the gateways. Each of that is in the audit log. Knows nothing of what settings mean."""

from typing import Literal

import msgspec

from farthing.model.principal import OPERATOR
from farthing.store import audit
from farthing.store.engine import Connection, Row
from farthing.store.rows import LONGEST_NAME, LONGEST_TEXT, mended_text
from farthing.store.store import Store

State = Literal["proposed", "accepted", "rejected", "written"]
MOVES: dict[State, tuple[State, ...]] = {
    "accepted": ("proposed",), "rejected": ("proposed", "accepted"), "written": ("accepted",),
}  # fmt: skip
"""From which states each follows."""
LONGEST = 20_000
_COLUMNS = ("no", "at_us", "who", "why", "plan", "toml", "state", "decided_us", "decided_by")


class ProposedSettings(msgspec.Struct, frozen=True):
    """One proposal. Times in microseconds since 1970."""

    no: int
    at_us: int
    who: str
    why: str
    plan: int
    """The number of the plan that it comes from; 0: none that is kept."""
    toml: str
    """What is to stand in the settings' file."""
    state: State
    decided_us: int
    decided_by: str


class SettingChanges:
    """The proposals of a store. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def propose(self, toml: str, why: str, who: str, now_us: int, plan: int = 0) -> int:
        """Its number; that of one with the same text that still waits, where there is one. Raises ValueError for a text that
        is too long."""
        if len(toml) > LONGEST:
            raise ValueError(f"a proposal has at most {LONGEST:,} characters")
        return await self._store.do(lambda connection: _propose(connection, toml, why, who, now_us, plan))

    async def every(self, limit: int = 50) -> list[ProposedSettings]:
        """The newest first."""
        return await self._store.do(
            lambda connection: [
                _proposal(row)
                for row in connection.query(
                    f"SELECT {', '.join(_COLUMNS)} FROM setting_changes ORDER BY no DESC LIMIT ?", (max(0, limit),)
                )
            ]
        )

    async def one(self, no: int) -> ProposedSettings | None:
        return await self._store.do(lambda connection: _one(connection, no))

    async def move(self, no: int, state: State, who: str, now_us: int) -> bool:
        """Let it be accepted, rejected or written; False where it is not (any more) where that follows from."""
        return await self._store.do(lambda connection: _move(connection, no, state, who, now_us))


def _proposal(row: Row) -> ProposedSettings:
    given = dict(zip(_COLUMNS, row, strict=True))
    numbers = {name: int(given[name]) for name in ("no", "at_us", "plan", "decided_us")}
    return ProposedSettings(**{**given, **numbers})


def _one(connection: Connection, no: int) -> ProposedSettings | None:
    rows = connection.query(f"SELECT {', '.join(_COLUMNS)} FROM setting_changes WHERE no = ?", (no,))
    return _proposal(rows[0]) if rows else None


def _propose(connection: Connection, toml: str, why: str, who: str, now_us: int, plan: int) -> int:
    who, why = mended_text(who, LONGEST_NAME), mended_text(why, LONGEST_TEXT)
    with connection.transaction():
        connection.lock(("setting_changes",))
        waits = connection.query("SELECT no FROM setting_changes WHERE state = 'proposed' AND toml = ?", (toml,))
        if waits:
            return int(waits[0][0])
        no = int(connection.query("SELECT coalesce(max(no), 0) + 1 FROM setting_changes")[0][0])
        connection.insert("setting_changes", _COLUMNS, [(no, now_us, who, why, plan, toml, "proposed", 0, "")])
        audit.note(connection, "settings", no, "proposed", tenant=OPERATOR, who=who, why=why, toml=toml)
    return no


def _move(connection: Connection, no: int, state: State, who: str, now_us: int) -> bool:
    who, before = mended_text(who, LONGEST_NAME), MOVES[state]
    with connection.transaction():
        moved = connection.execute(
            "UPDATE setting_changes SET state = ?, decided_us = ?, decided_by = ? WHERE no = ? "
            f"AND state IN ({', '.join('?' * len(before))})",
            (state, now_us, who, no, *before),
        )
        if moved:
            audit.note(connection, "settings", no, state, tenant=OPERATOR, who=who)
    return moved > 0
