"""Records that no database can hold as they are, on both engines."""

from typing import Any

import msgspec
import pytest

from farthing.model.record import Attempt, PricedLine, Record, Saving
from farthing.model.usage import Usage
from farthing.store import RowRefused, Store
from unit.store.samples import a_record

NUL, LONE = "a\0b", "a\ud800b"


@pytest.mark.parametrize("bad", [NUL, LONE, "\udfff", "x\0" * 50])
@pytest.mark.parametrize("name", ["user", "error", "model", "trace"])
async def test_text_that_no_database_keeps_is_replaced(store: Store, bad: str, name: str) -> None:
    await store.write([a_record(**{name: bad})])
    found = await store.call("call-1")
    assert found is not None
    assert "\ufffd" in getattr(found, name)
    assert (found.cost, found.cost_state, found.savings) == (700, "computed", a_record().savings)
    assert await store.check() == []


async def test_so_it_is_deep_inside(store: Store) -> None:
    record = a_record(tags={LONE: NUL}, savings=[Saving(LONE, 1000, 700)])
    record.attempts[0].flags = [LONE]
    record.attempts[0].error = NUL
    assert record.attempts[0].usage is not None
    record.attempts[0].usage.requests = {LONE: 2}
    await store.write([record])
    found = await store.call("call-1")
    assert found is not None
    assert found.tags == {"a\ufffdb": "a\ufffdb"} and found.attempts[0].flags == ["a\ufffdb"]
    assert found.attempts[0].usage is not None and found.attempts[0].usage.requests == {"a\ufffdb": 2}
    assert await store.check() == []


def _usage(record: Record) -> Usage:
    usage = record.attempts[0].usage
    assert usage is not None
    return usage


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: setattr(r, "cost", 2**63),
        lambda r: setattr(r, "cost", 2**200),
        lambda r: setattr(r, "in_tokens", 10**18),
        lambda r: setattr(r, "out_tokens", -5),
        lambda r: setattr(_usage(r), "out", 2**64),
        lambda r: setattr(r.attempts[0], "reported_cost", 10**16),
        lambda r: setattr(r, "savings", [Saving("route", 2**66, 0)]),
    ],
)
async def test_numbers_that_no_call_can_have_make_the_amounts_unknown(store: Store, spoil: Any) -> None:
    record = a_record()
    spoil(record)
    await store.write([a_record("before"), record, a_record("after")])
    found = await store.call("call-1")
    assert found is not None
    assert (found.cost_state, found.cost, found.baseline, found.savings) == ("unknown", 0, 0, [])
    assert "out of range" in found.decisions[-1].why
    assert found.attempts[0].raw_usage == record.attempts[0].raw_usage
    (row,) = await store.report("feature")
    assert (row.calls, row.cost, row.calls_by_state) == (3, 1400, {"computed": 2, "unknown": 1})
    assert await store.check() == []


async def test_numbers_inside_json_may_be_any(store: Store) -> None:
    record = a_record()
    _usage(record).requests = {"web_search": 2**70}
    record.attempts[0].lines = [PricedLine("out", 2**63, -(2**63))]
    await store.write([record])
    assert await store.call("call-1") == record


async def test_a_clock_that_steps_back_gives_no_negative_duration(store: Store) -> None:
    record = a_record(started_us=-5, duration_us=-3_600_000_000, first_byte_us=-1)
    record.attempts[0].duration_us = -1
    await store.write([record])
    found = await store.call("call-1")
    assert found is not None
    assert (found.started_us, found.duration_us, found.first_byte_us, found.attempts[0].duration_us) == (0, 0, 0, 0)
    assert (found.cost, found.cost_state) == (700, "computed")
    assert await store.check() == []


async def test_long_names_are_cut_so_that_an_index_holds_them(store: Store) -> None:
    record = a_record(user="ü" * 100_000, feature="f" * 3000, error="e" * 100_000)
    await store.write([record])
    found = await store.call("call-1")
    assert found is not None
    assert (len(found.user), len(found.feature), len(found.error)) == (256, 256, 4000)
    assert await store.check() == []


async def test_attempts_with_the_same_number_get_numbers_of_their_own(store: Store) -> None:
    record = a_record()
    record.attempts = [Attempt(no=1, model="a"), Attempt(no=1, model="b")]
    await store.write([record])
    found = await store.call("call-1")
    assert found is not None
    assert [(attempt.no, attempt.model) for attempt in found.attempts] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("changes", [{"cost": None}, {"user": 7}, {"cost_state": "guessed"}, {"attempts": [None]}])
async def test_what_is_no_record_is_refused(store: Store, changes: dict[str, Any]) -> None:
    with pytest.raises(RowRefused):
        await store.write([msgspec.structs.replace(a_record(), **changes)])
    assert await store.calls() == []
