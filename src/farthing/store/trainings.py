"""Trainings at providers: how far each has come, so that one that was broken off goes on and is never paid twice.

A training's id follows from what is trained on what, so the same wish finds the same row. Knows nothing of providers.
"""

from typing import Literal

import msgspec

from farthing.model.money import Nano
from farthing.store.engine import Connection, Row
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.schema_captures import TRAINING_COLUMNS
from farthing.store.store import Store

State = Literal["new", "uploaded", "creating", "running", "trained", "booked", "failed", "cancelled"]
OVER: tuple[State, ...] = ("booked", "failed", "cancelled")
_ALL = ", ".join(TRAINING_COLUMNS)
_MESSAGE = 2_000


class Training(msgspec.Struct, frozen=True):
    """One training. Times in microseconds since 1970."""

    id: str
    tenant: str
    provider: str
    """Its name in the settings."""
    base: str
    state: State = "new"
    train_file: str = ""
    """The provider's id of the file; so below."""
    test_file: str = ""
    remote_id: str = ""
    model: str = ""
    """What the provider calls the new model; empty until there is one."""
    error: str = ""
    tokens: int = 0
    """Trained tokens, as the provider counted them."""
    cost: Nano | None = None
    """None until it is booked, and where no price is known."""
    created_us: int = 0
    updated_us: int = 0
    spec: str = ""
    """JSON: what was asked for."""


class Trainings:
    """The table in a store. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, training: Training) -> Training:
        """The training as it stands: this one, unless it was begun before."""
        row = _row(training)
        return await self._store.do(lambda connection: _begin(connection, row))

    async def get(self, training_id: str) -> Training | None:
        return await self._store.do(lambda connection: _get(connection, training_id))

    async def every(self, tenant: str = "") -> list[Training]:
        """Newest first; of one tenant, or (empty) of all."""
        whose, values = (" WHERE tenant = ?", (tenant,)) if tenant else ("", ())
        rows = await self._store.do(
            lambda connection: connection.query(
                f"SELECT {_ALL} FROM trainings{whose} ORDER BY created_us DESC, id", values
            )
        )
        return [_training(row) for row in rows]

    async def move(self, before: Training, after: Training) -> bool:
        """Let it be `after`, if it is still in the state of `before`: only one of two who try goes on."""
        row = _row(after)
        names = [name for name in TRAINING_COLUMNS if name not in ("id", "created_us")]
        changed = dict(zip(TRAINING_COLUMNS, row, strict=True))
        sets = ", ".join(f"{name} = ?" for name in names)
        values = (*(changed[name] for name in names), before.id, before.state)
        done = await self._store.do(
            lambda connection: connection.execute(f"UPDATE trainings SET {sets} WHERE id = ? AND state = ?", values)
        )
        return done > 0

    async def forget(self, training_id: str) -> bool:
        """Whether there was such a training; a new one with the same wish begins anew."""
        return (
            await self._store.do(
                lambda connection: connection.execute("DELETE FROM trainings WHERE id = ?", (training_id,))
            )
            > 0
        )


def _begin(connection: Connection, row: Row) -> Training:
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO trainings ({_ALL}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING", row)
    found = _get(connection, str(row[0]))
    assert found is not None  # it was there, or is now
    return found


def _get(connection: Connection, training_id: str) -> Training | None:
    rows = connection.query(f"SELECT {_ALL} FROM trainings WHERE id = ?", (training_id,))
    return _training(rows[0]) if rows else None


def _row(training: Training) -> Row:
    return tuple(
        mended_text(value, _limit(name)) if isinstance(value := getattr(training, name), str) else value
        for name in TRAINING_COLUMNS
    )


def _limit(name: str) -> int:
    return _MESSAGE if name in ("error", "spec") else LONGEST_NAME


def _training(row: Row) -> Training:
    given = dict(zip(TRAINING_COLUMNS, row, strict=True))
    numbers = {name: int(given[name]) for name in ("tokens", "created_us", "updated_us")}
    cost = None if given["cost"] is None else int(given["cost"])
    return Training(**{**given, **numbers, "cost": cost})
