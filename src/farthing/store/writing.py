"""Writing calls: rows, attempts, savings and rollups in one transaction, each call once however often it is handed in."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from farthing.model.record import Record
from farthing.store import rollups, rows
from farthing.store.engine import Connection, Row
from farthing.store.errors import Duplicate, RowRefused, StoreError
from farthing.store.schema import (
    ATTEMPT_COLUMNS,
    CALL_COLUMNS,
    HISTOGRAM_KEY,
    ROLLUP_KEY,
    ROLLUP_SUMS,
    SAVING_COLUMNS,
)

_TRIES = 5


def write(connection: Connection, records: Sequence[Record]) -> int:
    """Add the calls that are not there yet; how many these were. All or nothing.

    Raises StoreError if the store cannot be written now, RowRefused if it refuses one of the records.
    """
    batch = _once(map(_prepared, records))
    try:
        with connection.transaction():
            _insert(connection, batch)
        return len(batch)
    except Duplicate:
        return _write_unknown(connection, batch)


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


def _write_unknown(connection: Connection, batch: list["_Prepared"]) -> int:
    """The same where some ids are there: another writer may add more of them at this moment, hence the tries."""
    for _ in range(_TRIES):
        try:
            with connection.transaction():
                known = connection.known("calls", "id", [each.record.id for each in batch])
                fresh = [each for each in batch if each.record.id not in known]
                _insert(connection, fresh)
            return len(fresh)
        except Duplicate:
            continue
    raise StoreError("other writers add the same calls at the same time; trying again later")


def _insert(connection: Connection, batch: list["_Prepared"]) -> None:
    if not batch:
        return
    connection.insert("calls", CALL_COLUMNS, [each.call for each in batch])
    attempts = [row for each in batch for row in each.attempts]
    if attempts:
        connection.insert("attempts", ATTEMPT_COLUMNS, attempts)
    savings = [row for each in batch for row in each.savings]
    if savings:
        connection.insert("savings", SAVING_COLUMNS, savings)
    records = [each.record for each in batch]
    connection.add_up("rollups", ROLLUP_KEY, ROLLUP_SUMS, rollups.cells(records))
    connection.add_up("histograms", HISTOGRAM_KEY, ("n",), rollups.bins(records))


class _Prepared(NamedTuple):
    record: Record
    call: Row
    attempts: list[Row]
    savings: list[Row]


def _prepared(record: Record) -> _Prepared:
    """The record as rows that every engine can hold. Raises RowRefused for one that cannot be mended."""
    try:
        if rows.fits(record):
            return _rows(record)
    except (ValueError, OverflowError):
        pass  # text or numbers deep inside a list or map that JSON cannot hold
    except (TypeError, AttributeError, KeyError) as error:
        raise RowRefused(f"it is no record: {error}") from error
    try:
        return _rows(rows.mended(record))
    except (ValueError, OverflowError, TypeError, AttributeError, KeyError) as error:
        raise RowRefused(f"it cannot be mended: {error}") from error


def _rows(record: Record) -> _Prepared:
    attempts = [rows.attempt_row(record.id, attempt) for attempt in record.attempts]
    return _Prepared(record, rows.call_row(record), attempts, rows.saving_rows(record) if record.savings else [])


def _once(batch: Iterable[_Prepared]) -> list[_Prepared]:
    first: dict[str, _Prepared] = {}
    for each in batch:
        first.setdefault(each.record.id, each)
    return list(first.values())
