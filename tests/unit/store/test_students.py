"""Versions of students and what was seen of them, in both stores."""

import asyncio

from farthing.store import Store
from farthing.store.students import KEPT, Looks, Students

DAY_US = 86_400_000_000
PLACE = ("acme", "template:0123456789abcdef")


async def add(kept: Students, state: str = "shadow") -> int:
    return await kept.add(*PLACE, '{"answers": []}', b"\x00\xffweights", state=state, teacher="gpt-5.5", why="new")  # type: ignore[arg-type]


async def states(kept: Students) -> dict[int, str]:
    return {each.version: each.state for each in await kept.versions(tenant=PLACE[0], scope=PLACE[1])}


async def test_a_version_is_tried_then_serves_and_a_former_one_is_one_call_away(store: Store) -> None:
    kept = Students(store)
    assert await kept.rollback(*PLACE) == 0
    assert await add(kept) == 1
    assert await kept.promote(*PLACE, 1, "as good") and not await kept.promote(*PLACE, 1, "again")
    assert await add(kept) == 2 and await add(kept) == 3
    assert await states(kept) == {3: "shadow", 2: "replaced", 1: "serving"}
    assert await kept.promote(*PLACE, 3, "as good")
    assert await states(kept) == {3: "serving", 2: "replaced", 1: "former"}
    assert await kept.rollback(*PLACE, "ana") == 1
    assert await states(kept) == {3: "retreated", 2: "replaced", 1: "serving"}
    assert await kept.retreat(*PLACE, 1, "it drifts") and not await kept.retreat(*PLACE, 1, "again")
    assert await kept.versions(live=True) == []
    assert await kept.weights(*PLACE, 3) == b"\x00\xffweights" and await kept.weights(*PLACE, 9) is None


async def test_changes_are_counted_and_gateways_at_once_get_numbers_of_their_own(store: Store) -> None:
    kept = Students(store)
    before = await kept.changes()
    assert sorted(await asyncio.gather(*(add(kept) for _ in range(4)))) == [1, 2, 3, 4]
    assert await kept.changes() == before + 4
    assert list((await states(kept)).values()).count("shadow") == 1


async def test_old_versions_go_but_not_the_one_that_serves(store: Store) -> None:
    kept = Students(store)
    await add(kept)
    await kept.promote(*PLACE, 1, "as good")
    for _ in range(KEPT + 2):
        await add(kept, "mute")
    found = await states(kept)
    assert found[1] == "serving" and 2 not in found and len(found) == KEPT + 1


async def test_looks_add_up_by_kind_and_day(store: Store) -> None:
    kept = Students(store)
    look = Looks(*PLACE, 1, "audit", 5 * DAY_US + 3, 10, 8, 4, 3, 1_000, 1_200, 4)
    await kept.add_looks([])
    await asyncio.gather(*(kept.add_looks([look, Looks(*PLACE, 1, "serving", 6 * DAY_US, 5)]) for _ in range(3)))
    audit, serving = await kept.looks(*PLACE, 1)
    assert (audit.day_us, audit.judged, audit.agreed, audit.cost) == (5 * DAY_US, 30, 9, 3_000)
    assert (serving.kind, serving.judged) == ("serving", 15)
    assert await kept.looks(*PLACE, 1, since_us=6 * DAY_US) == [serving]
