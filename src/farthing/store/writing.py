"""Writing calls: rows, attempts, savings and rollups in one transaction, each call once however often it is handed in."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from farthing.model.record import Record
from farthing.store import arms, billed, charges, rollups, rows, transactions, waste
from farthing.store.engine import Connection, Row
from farthing.store.errors import Duplicate, RowRefused, StoreError
from farthing.store.schema import (
    ATTEMPT_COLUMNS,
    CALL_COLUMNS,
    HISTOGRAM_KEY,
    HOLD_OUT_KEY,
    HOLD_OUT_SUMS,
    LEVER_KEY,
    LEVER_SUMS,
    ROLLUP_KEY,
    ROLLUP_SUMS,
    SAVING_COLUMNS,
    WASTE_KEY,
    WASTE_SUMS,
)
from farthing.store.schema_billed import CALL_KEY, CALL_SUMS, UNIT_KEY, UNIT_SUMS

_TRIES = 5


def write(connection: Connection, records: Sequence[Record]) -> int:
    """Add the calls that are not there yet; how many these were. All or nothing.

    Raises StoreError if the store cannot be written now, RowRefused if it refuses one of the records.
    """
    if not records:
        return 0
    batch = _prepared(records)
    try:
        with connection.transaction():
            _insert(connection, batch)
        return len(batch.records)
    except Duplicate:
        return _write_unknown(connection, batch)


def add(connection: Connection, records: Sequence[Record]) -> int:
    """`write` as a part of the caller's transaction, which must be tried again as a whole where this raises Duplicate:
    another writer added one of them at this moment. Raises RowRefused, StoreError."""
    if not records:
        return 0
    batch = _prepared(records)
    fresh = batch.without(connection.known("calls", "id", [record.id for record in batch.records]))
    _insert(connection, fresh)
    return len(fresh.records)


def check(record: Record) -> None:
    """Raises RowRefused for a record that no database can hold, even mended."""
    _prepared([record])


def write_or_refuse(connection: Connection, records: Sequence[Record], refuse: Callable[[Record, str], None]) -> int:
    """`write`, but records that the store refuses are handed to `refuse` with the reason, and the rest is written.

    Then it is one transaction for each part that could be written. Raises StoreError; the same call may be made again.
    """
    try:
        return write(connection, records)
    except RowRefused as refused:
        if len(records) == 1:
            refuse(records[0], str(refused))
            return 0
    middle = len(records) // 2
    return write_or_refuse(connection, records[:middle], refuse) + write_or_refuse(connection, records[middle:], refuse)


def _write_unknown(connection: Connection, batch: "_Batch") -> int:
    """The same where some ids are there: another writer may add more of them at this moment, hence the tries."""
    for _ in range(_TRIES):
        try:
            with connection.transaction():
                known = connection.known("calls", "id", [record.id for record in batch.records])
                fresh = batch.without(known)
                _insert(connection, fresh)
            return len(fresh.records)
        except Duplicate:
            continue
    raise StoreError("other writers add the same calls at the same time; trying again later")


def _insert(connection: Connection, batch: "_Batch") -> None:
    if not batch.records:
        return
    connection.insert("calls", CALL_COLUMNS, batch.calls)
    if batch.attempts:
        connection.insert("attempts", ATTEMPT_COLUMNS, batch.attempts)
    if batch.savings:
        connection.insert("savings", SAVING_COLUMNS, batch.savings)
    for sums in sums_of(batch.records):
        if sums.rows:
            connection.add_up(sums.table, sums.key, sums.columns, sums.rows)
    charges.settle(connection, batch.records)
    transactions.gather(connection, batch.records)


class Sums(NamedTuple):
    """What calls add to one table of sums: rows of its key and then its numbers, in the order of the key."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[Row]


def sums_of(records: list[Record]) -> tuple[Sums, ...]:
    """All that these calls add to sums, in the order in which every writer takes the tables."""
    return (
        Sums("lever_sums", LEVER_KEY, LEVER_SUMS, rollups.lever_cells(records)),
        Sums("rollups", ROLLUP_KEY, ROLLUP_SUMS, rollups.cells(records)),
        Sums("histograms", HISTOGRAM_KEY, ("n",), rollups.bins(records)),
        Sums("hold_outs", HOLD_OUT_KEY, HOLD_OUT_SUMS, arms.cells(records)),
        Sums("waste", WASTE_KEY, WASTE_SUMS, waste.cells(records)),
        Sums("billed_units", UNIT_KEY, UNIT_SUMS, billed.unit_cells(records)),
        Sums("billed_calls", CALL_KEY, CALL_SUMS, billed.call_cells(records)),
    )


class _Batch(NamedTuple):
    records: list[Record]
    calls: list[Row]
    attempts: list[Row]
    savings: list[Row]

    def without(self, ids: set[str]) -> "_Batch":
        return self if not ids else _rows([record for record in self.records if record.id not in ids])


def _prepared(records: Iterable[Record]) -> _Batch:
    """The records as rows that every engine can hold, each call once. Raises RowRefused for one that cannot be mended."""
    once = _once(records)
    if (batch := _if_sound(once)) is not None:
        return batch
    return _rows(_once(record if _if_sound([record]) is not None else _mended(record) for record in once))


def _if_sound(records: list[Record]) -> _Batch | None:
    try:
        batch = _rows(records)
        return batch if rows.sound(batch.calls, batch.attempts, batch.savings) else None
    except _NO_VALUE:
        return None


_NO_VALUE = (TypeError, ValueError, OverflowError, AttributeError)
"""What comes of values of a wrong type, or of text and numbers deep inside a list or map that JSON cannot hold."""


def _mended(record: Record) -> Record:
    try:
        fixed = rows.mended(record)
    except (*_NO_VALUE, msgspec.MsgspecError) as error:
        raise RowRefused(f"it is no record that can be mended: {error}") from error
    if _if_sound([fixed]) is None:
        raise RowRefused("it is not sound even after mending")
    return fixed


def _rows(records: list[Record]) -> _Batch:
    return _Batch(
        records,
        [rows.call_row(record) for record in records],
        [rows.attempt_row(record.id, attempt) for record in records for attempt in record.attempts],
        [row for record in records if record.savings for row in rows.saving_rows(record)],
    )


def _once(records: Iterable[Record]) -> list[Record]:
    """The first of each id, in the order of ids: writers that meet at the same calls then wait in turn, not in a circle."""
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record.id, record)
    return [first[id_] for id_ in sorted(first)]
