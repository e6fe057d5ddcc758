"""What came of lines is written once, with whatever else comes at about that time; others hear of it after."""

import asyncio

from farthing.batch.settling import LONGEST_AGAIN_S, MOST_TRIES, Outcome, Settler, again, outcome
from farthing.model.batch import Line
from farthing.store import Store, StoreError
from unit.batch.desks import NOW_US, Hands, a_desk, queued, settled, taken, the_job, the_lines

LINE = Line("job-1", 0, "c-0", "acme", "small", NOW_US + 3_600_000_000, 0)


def test_what_may_pass_is_tried_again_later_each_time_and_not_for_ever() -> None:
    waits = []
    for tries in range(1, MOST_TRIES + 1):
        LINE.tries = tries
        made = outcome(LINE, "call-1", settled("call-1", 500), NOW_US)
        waits.append((made.state, (made.ready_us - NOW_US) / 1e6 if made.ready_us else 0))
    assert waits == [("waiting", 5), ("waiting", 10), ("waiting", 20), ("waiting", 40), ("failed", 0)]
    LINE.tries = 1
    assert outcome(LINE, "call-1", settled("call-1", 400), NOW_US).state == "failed"
    assert outcome(LINE, "call-1", settled("call-1", 500), LINE.deadline_us).state == "failed"
    LINE.tries = 30
    assert again(LINE, "call-1", NOW_US).ready_us == NOW_US + int(LONGEST_AGAIN_S * 1e6)
    assert again(LINE, "call-1", LINE.deadline_us - 10_000_000).ready_us == LINE.deadline_us - 5_000_000


async def test_what_ends_together_is_written_together_and_told_of(store: Store) -> None:
    desk, _ = a_desk(store, Hands()), await queued(store)
    committed: list[str] = []
    desk.committed = lambda records: committed.extend(record.id for record in records)  # type: ignore[method-assign]
    settler = Settler(desk)
    some = await taken(desk)
    made = [outcome(line, f"call-{line.no}", settled(f"call-{line.no}", 200), NOW_US) for line in some]
    await asyncio.gather(*(settler.keep([each]) for each in made))
    await settler.keep(made)
    assert sorted(committed) == ["call-0", "call-1", "call-2"], "once"
    assert (await the_job(store)).done == 3 and len(await store.calls(limit=10)) == 3
    await settler.close()


async def test_a_second_answer_is_booked_as_paid_twice(store: Store) -> None:
    desk, _ = a_desk(store, Hands()), await queued(store, 1)
    settler = Settler(desk)
    (line,) = await taken(desk)
    for call in ("call-a", "call-b"):
        await settler.keep([outcome(line, call, settled(call, 200), NOW_US)])
    rows = {row.id: row for row in await store.calls(limit=10)}
    assert (rows["call-a"].baseline, rows["call-b"].baseline) == (9, 0) and rows["call-b"].cost == 9
    assert (await the_job(store)).cost == 18 and await store.check() == [], "a job costs what was paid for it"
    await settler.keep([outcome(line, "call-b", settled("call-b", 200), NOW_US)])
    assert (await the_job(store)).cost == 18, "once"


async def test_a_try_that_is_none_is_not_counted(store: Store) -> None:
    desk, _ = a_desk(store, Hands()), await queued(store, 1)
    (line,) = await taken(desk)
    await store.do(lambda c: c.execute("UPDATE batch_lines SET tries = 3"))
    line.tries = 3
    await Settler(desk).keep([Outcome(line, "call-a", "waiting", ready_us=NOW_US + 5, tries=-1)])
    (waits,) = await the_lines(store)
    assert (waits.state, waits.tries, waits.ready_us) == ("waiting", 2, NOW_US + 5)


async def test_trouble_with_the_store_is_told_to_whoever_asked(store: Store) -> None:
    desk, _ = a_desk(store, Hands()), await queued(store, 1)
    settler = Settler(desk)
    (line,) = await taken(desk)
    bad = outcome(line, "call-a", settled("call-a", 200), NOW_US)
    await store.do(lambda c: c.execute("ALTER TABLE batch_answers RENAME TO elsewhere"))
    found = await asyncio.gather(settler.keep([bad]), return_exceptions=True)
    assert isinstance(found[0], StoreError)
    await store.do(lambda c: c.execute("ALTER TABLE elsewhere RENAME TO batch_answers"))
    assert not await store.calls(limit=10), "all of it or nothing"
    await settler.keep([bad])
    assert len(await store.calls(limit=10)) == 1
