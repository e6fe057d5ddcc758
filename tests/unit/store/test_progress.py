"""Work under way is seen by its tenant until it ends, or says nothing for too long."""

import msgspec

from farthing.store import Store
from farthing.store.progress import SILENT_US, Work, end, say, under_way

JOB = Work("history", "default", "writing history", 3, 30, 1_000, 2_000)


async def test_the_last_word_counts(store: Store) -> None:
    later = msgspec.structs.replace(JOB, done=4, at_us=3_000)
    for each in (JOB, later, msgspec.structs.replace(JOB, name="other", begun_us=1)):
        await store.do(lambda connection, each=each: say(connection, each))
    assert [each.name for each in await store.do(lambda each: under_way(each, "default", 3_000))] == [
        "other",
        "history",
    ]
    await store.do(lambda each: end(each, "other"))
    assert await store.do(lambda each: under_way(each, "default", 3_000)) == [later]


async def test_others_and_what_was_broken_off_are_not_shown(store: Store) -> None:
    await store.do(lambda each: say(each, JOB))
    assert await store.do(lambda each: under_way(each, "another", 3_000)) == []
    assert await store.do(lambda each: under_way(each, "default", JOB.at_us + SILENT_US)) == []
