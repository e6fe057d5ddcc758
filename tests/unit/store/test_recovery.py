"""Taking over what dead gateways left."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from farthing.model.record import Attempt
from farthing.store import Journal, Recovered, Store, recover
from farthing.store.journal import SLOT
from unit.store.samples import MORNING_US, a_record, morning


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journals"


async def test_calls_under_way_are_kept_as_interrupted(store: Store, folder: Path) -> None:
    journal = Journal(folder)
    finished = msgspec.structs.replace(a_record().attempts[0], outcome="error", status=529, cost=40)
    under_way = Attempt(no=2, provider="openai", model="gpt", started_us=MORNING_US, flags=["at_most:123456"])
    journal.open(a_record(attempts=[finished, under_way], outcome="ok"))
    journal.end()
    found = await recover(folder, store)
    assert found == Recovered(interrupted=1) and "1 calls under way" in str(found)
    call = await store.call("call-1")
    assert call is not None
    assert (call.outcome, call.cost_state, call.cost, call.baseline, call.savings) == (
        "interrupted",
        "unknown",
        40,
        40,
        [],
    )
    assert [attempt.outcome for attempt in call.attempts] == ["error", "interrupted"]
    assert call.attempts[1].flags == ["at_most:123456"]
    assert call.decisions[-1].step == "journal"
    (row,) = await store.report("feature")
    assert (row.calls_by_state, row.errors) == ({"unknown": 1}, 1)
    assert [path.name for path in folder.iterdir()] == ["recovery.lock"]
    assert not await recover(folder, store)


async def test_a_call_that_the_ledger_has_stays_as_it_is(store: Store, folder: Path) -> None:
    await store.write([a_record()])
    journal = Journal(folder)
    journal.open(a_record())
    journal.end()
    assert await recover(folder, store) == Recovered()
    assert await store.call("call-1") == a_record()


async def test_what_was_spilled_comes_before_what_was_under_way(store: Store, folder: Path) -> None:
    journal = Journal(folder)
    for call in morning(30):
        journal.open(call)
    journal.spill(morning(30)[:20])
    journal.end()
    assert await recover(folder, store) == Recovered(settled=20, interrupted=10)
    outcomes = [row.outcome for row in await store.calls(limit=100)]
    assert outcomes.count("interrupted") == 10
    assert await store.call(morning(1)[0].id) == morning(1)[0]
    assert await store.check() == []


async def test_many_that_start_at_once_take_over_each_call_once(store: Store, folder: Path) -> None:
    for seed in range(4):
        journal = Journal(folder)
        for call in morning(50, seed):
            journal.open(call)
        journal.end()
    found = await asyncio.gather(*(recover(folder, store) for _ in range(4)))
    assert sum(each.interrupted for each in found) == 200
    assert sum(row.calls for row in await store.report("day")) == 200
    assert await store.check() == []


async def test_a_live_journal_is_not_touched(store: Store, folder: Path) -> None:
    alive = Journal(folder)
    alive.open(a_record())
    alive.spill([a_record("spilled")])
    assert not await recover(folder, store)
    assert await store.calls() == [] and alive.path.exists() and alive.spill_path.exists()
    alive.end()


async def test_torn_notes_are_reported(store: Store, folder: Path) -> None:
    journal = Journal(folder)
    for call in morning(3):
        journal.open(call)
    journal.end()
    data = bytearray(journal.path.read_bytes())
    data[SLOT + 50] ^= 0xFF
    journal.path.write_bytes(data)
    assert await recover(folder, store) == Recovered(interrupted=2, torn=1)


async def test_a_record_that_the_store_refuses_is_kept_for_a_person(store: Store, folder: Path) -> None:
    journal = Journal(folder)
    for call in morning(5):
        journal.open(call)
    journal.open(a_record("bad", cost_state="computed", attempts=[Attempt(no=1, cost_state="unknown")]))
    journal.spill([a_record("odd", user="a\0b")])
    journal.end()
    assert await recover(folder, store) == Recovered(settled=1, interrupted=6)


async def test_no_folder_is_nothing_to_recover(store: Store, folder: Path) -> None:
    found = await recover(folder, store)
    assert not found and str(found) == "nothing to recover"


async def test_an_empty_or_foreign_file_does_no_harm(store: Store, folder: Path) -> None:
    folder.mkdir()
    (folder / "1-a.journal").write_bytes(b"")
    (folder / "2-b.journal").write_bytes(b"no journal at all")
    assert not await recover(folder, store)
    assert [path.name for path in folder.iterdir()] == ["recovery.lock"]
