"""The writer thread: nothing is lost, nothing blocks, trouble is said and passes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from farthing.model.record import Record
from farthing.store import Journal, Ledger, Store, recover
from farthing.store.engine import Connection
from unit.store.samples import a_record, morning


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journals")


@pytest.fixture
async def ledger(store: Store, journal: Journal) -> AsyncIterator[Ledger]:
    ledger = Ledger(store, journal, flush_s=0.02)
    yield ledger
    await ledger.close()
    journal.end()


async def _soon(true: Callable[[], object], patience_s: float = 60.0) -> None:
    until = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < until, "it did not happen"
        await asyncio.sleep(0.02)


async def test_what_is_put_in_is_in_the_store(store: Store, ledger: Ledger, journal: Journal) -> None:
    calls = morning(1500)
    for call in calls:
        journal.open(call)
        ledger.put(call)
    assert await ledger.flush()
    assert (ledger.written, ledger.waiting, journal.under_way, ledger.trouble) == (1500, 0, 0, "")
    assert sum(row.calls for row in await store.report("day")) == 1500
    assert await store.check() == []


async def test_a_call_is_found_before_it_is_written(store: Store, ledger: Ledger) -> None:
    ledger.put(a_record())
    assert ledger.find("call-1") == a_record() or await store.call("call-1") is not None
    assert ledger.find("call-2") is None


async def test_it_is_written_within_the_flush_time_without_being_asked(store: Store, ledger: Ledger) -> None:
    ledger.put(a_record())
    await _soon(lambda: ledger.written == 1)


async def test_whoever_wants_a_call_waits_until_it_is_written(store: Store, ledger: Ledger) -> None:
    ledger.put(a_record())
    assert await ledger.settled("call-1", 60.0) and await store.call("call-1") is not None
    assert await ledger.settled("call-2", 60.0)


async def test_observers_hear_what_was_committed_and_may_fail(store: Store, journal: Journal) -> None:
    heard: list[Record] = []

    def fail(batch: Sequence[Record]) -> None:
        raise ValueError("an observer's own fault")

    ledger = Ledger(store, journal, flush_s=0.02, observers=[fail, heard.extend])
    for call in morning(20):
        ledger.put(call)
    await ledger.close()
    assert heard == morning(20)
    assert ledger.observer_errors >= 1 and ledger.written == 20


async def test_what_another_writer_committed_is_heard_of_and_no_longer_under_way(
    store: Store, journal: Journal
) -> None:
    heard: list[Record] = []
    ledger = Ledger(store, journal, flush_s=0.02, observers=[heard.extend])
    calls = morning(20)
    for call in calls:
        journal.open(call)
    await store.write(calls)
    ledger.committed(calls)
    await _soon(lambda: heard == calls and journal.under_way == 0)
    await ledger.close()
    assert ledger.written == 0


async def test_what_is_not_kept_is_heard_of_and_written_nowhere(store: Store, journal: Journal) -> None:
    heard: list[Record] = []
    ledger = Ledger(store, journal, flush_s=60, kept=False, observers=[heard.extend])
    for call in morning(20):
        journal.open(call)
        ledger.put(call)
    assert await ledger.flush()
    assert (heard, ledger.waiting, journal.under_way) == (morning(20), 0, 0)
    await ledger.close()
    assert await store.report("day") == []


async def test_closing_writes_what_waits(store: Store, journal: Journal) -> None:
    ledger = Ledger(store, journal, flush_s=60)
    for call in morning(50):
        ledger.put(call)
    await ledger.close()
    assert (ledger.written, ledger.lost) == (50, 0)
    journal.end()
    assert list(journal.folder.iterdir()) == []


async def test_a_record_that_is_refused_holds_up_nobody(store: Store, ledger: Ledger, journal: Journal) -> None:
    bad: Any = a_record("bad")
    bad.cost = None
    for call in [*morning(10), bad, *morning(10, seed=8)]:
        ledger.put(call)
    assert await ledger.flush()
    assert (ledger.written, ledger.refused, ledger.trouble) == (20, 1, "")
    assert b'"why"' in (journal.folder / "refused.jsonl").read_bytes()


async def _break(connection: Connection) -> None:
    connection.execute("ALTER TABLE histograms RENAME TO gone")


async def _mend(connection: Connection) -> None:
    connection.execute("ALTER TABLE gone RENAME TO histograms")


async def test_while_the_store_is_in_trouble_calls_wait_on_disk_too(
    store: Store, ledger: Ledger, journal: Journal, connection: Connection
) -> None:
    await _break(connection)
    for call in morning(30):
        ledger.put(call)
    await _soon(lambda: "30 calls wait, they are safe on disk too" in ledger.trouble)
    assert "histograms" in ledger.trouble and journal.spill_path.exists()
    assert await ledger.settled(morning(1)[0].id, 60.0)
    assert ledger.find(morning(1)[0].id) == morning(1)[0]
    for call in morning(30, seed=8):
        ledger.put(call)
    await _soon(lambda: "60 calls wait" in ledger.trouble)
    await _mend(connection)
    assert await ledger.flush(60)
    await _soon(lambda: not ledger.trouble)
    assert not journal.spill_path.exists()
    assert sum(row.calls for row in await store.report("day")) == 60
    assert await store.check() == []


async def test_what_cannot_be_written_by_the_end_is_taken_over_by_the_next_start(
    store: Store, journal: Journal, connection: Connection
) -> None:
    await _break(connection)
    ledger = Ledger(store, journal, flush_s=0.02)
    for call in morning(30):
        journal.open(call)
        ledger.put(call)
    await ledger.close(grace_s=0.3)
    ledger.put(a_record("after the end"))
    assert ledger.lost == 0
    journal.end()
    await _mend(connection)
    found = await recover(journal.folder, store)
    assert (found.settled, found.interrupted) == (31, 0)
    assert await store.call(morning(1)[0].id) == morning(1)[0]
    assert await store.check() == []


async def test_a_full_ledger_says_so_and_makes_room(store: Store, journal: Journal, connection: Connection) -> None:
    await _break(connection)
    ledger = Ledger(store, journal, queue=10, flush_s=0.02)
    for call in morning(9):
        ledger.put(call)
    assert not ledger.full and await ledger.room(0)
    ledger.put(a_record())
    assert ledger.full
    began = time.monotonic()
    assert not await ledger.room(0.1)
    assert time.monotonic() - began > 0.09
    ledger.put(a_record("never dropped"))
    waiters = [asyncio.create_task(ledger.room(20)) for _ in range(50)]
    await asyncio.sleep(0.05)
    await _mend(connection)
    assert all(await asyncio.gather(*waiters))
    await ledger.close()
    assert ledger.written == 11
    journal.end()


async def test_putting_costs_next_to_nothing(store: Store, journal: Journal) -> None:
    ledger = Ledger(store, journal, flush_s=60)
    calls = morning(5000)
    began = time.thread_time()
    for call in calls:
        ledger.put(call)
    each_us = (time.thread_time() - began) / len(calls) * 1e6
    await ledger.close()
    assert each_us < 5  # measured: 0.1
    journal.end()
