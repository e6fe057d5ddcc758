"""Writers that meet, and batches with a record that cannot be written."""

import random
import threading
from contextlib import closing
from typing import Any

import pytest

from farthing.model.record import Record
from farthing.store import Store, StoreError, engine_for, writing
from farthing.store.engine import Connection
from unit.store.samples import a_record, morning


async def test_a_batch_is_written_whole_or_not_at_all(store: Store, connection: Connection) -> None:
    connection.execute("DROP TABLE histograms")
    with pytest.raises(StoreError, match="histograms"):
        writing.write(connection, [a_record()])
    assert await store.calls() == []
    assert await store.report("day") == []


async def test_records_that_are_refused_do_not_hold_up_the_rest(store: Store, connection: Connection) -> None:
    calls = morning(40)
    bad: Any = None
    calls[7].cost = bad
    calls[31].team = bad
    refused: dict[str, str] = {}
    done = writing.write_or_refuse(connection, calls, lambda record, why: refused.update({record.id: why}))
    assert done == 38 and set(refused) == {calls[7].id, calls[31].id}
    assert len(await store.calls(limit=100)) == 38
    assert await store.check() == []


async def test_records_are_added_once_as_a_part_of_a_transaction(store: Store, connection: Connection) -> None:
    calls = morning(20)
    with pytest.raises(KeyError), connection.transaction():
        writing.add(connection, calls)
        raise KeyError("something else of the transaction fails")
    assert await store.calls() == []
    for expected in (5, 15):
        with connection.transaction():
            assert writing.add(connection, calls[:5] if expected == 5 else calls) == expected
    assert await store.check() == []


async def test_two_writers_of_the_same_calls_add_each_once(store: Store, url: str) -> None:
    calls = morning(600)
    wrong: list[BaseException] = []

    def write(seed: int) -> None:
        mine = calls.copy()
        random.Random(seed).shuffle(mine)
        try:
            with closing(engine_for(url).connect()) as connection:
                for start in range(0, len(mine), 60):
                    _insist(connection, mine[start : start + 60])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(row.calls for row in await store.report("day")) == 600
    assert await store.check() == []


def _insist(connection: Connection, batch: list[Record]) -> None:
    """As the ledger does: writers that get into each other's way try again."""
    for _ in range(50):
        try:
            writing.write(connection, batch)
            return
        except StoreError:
            continue
    raise AssertionError("the writers never got out of each other's way")
