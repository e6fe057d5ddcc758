"""The newest calls with their notes: no more than asked for, of one tenant, and only what is asked of a step."""

import pytest

from farthing.model.errors import BadRequest
from farthing.model.record import Decision
from farthing.store import Store, decided
from unit.store.samples import a_record


async def test_the_newest_come_first_with_what_their_steps_said(store: Store) -> None:
    notes = [
        Decision("cache", "near miss: number", "0.97 near to call-1"),
        Decision("route", "small-1", "the cheapest"),
    ]
    await store.write(
        [
            a_record("a", started_us=1_000, tenant="t", decisions=[]),
            a_record("b", started_us=3_000, tenant="t", decisions=notes, cache="miss"),
            a_record("c", started_us=2_000, tenant="t", cache="exact"),
            a_record("d", started_us=4_000, tenant="u", decisions=notes),
        ]
    )
    found = await store.do(lambda connection: decided.lately(connection, 2, where={"tenant": "t"}))
    assert [each.id for each in found] == ["b", "c"]
    assert found[0].of("route") == [notes[1]] and found[0].of("task") == []
    assert (await store.do(lambda connection: decided.lately(connection, 5, until_us=3_000)))[0].id == "c"
    answered = await store.do(
        lambda connection: decided.answered_by(connection, 9, since_us=2_000, where={"tenant": "t"})
    )
    assert answered == [(3_000, "miss"), (2_000, "exact")]


async def test_a_filter_that_there_is_not_is_refused(store: Store) -> None:
    with pytest.raises(BadRequest):
        await store.do(lambda connection: decided.lately(connection, 2, where={"colour": "red"}))
