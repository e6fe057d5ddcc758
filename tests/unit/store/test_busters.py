"""What broke prefixes, in both stores."""

import asyncio

import msgspec

from farthing.store import Store
from farthing.store.busters import LOOKED, Broken, Busters, broken, span

DAY_US = 86_400_000_000
DATE = Broken(
    "acme", "support chat", "gpt-5.5", "date", "system 1", 2, 4_000, 18_000_000, 31, "a, 00 a 0000", 5 * DAY_US + 7
)
SEEN = Broken("acme", "support chat", "gpt-5.5", LOOKED, "", 10, 40_000, 0, 0, "", 5 * DAY_US + 9)


async def of(store: Store, since: int = 0, until: int = 99 * DAY_US, **more: str) -> list[Broken]:
    return await store.do(lambda connection: broken(connection, since, until, **more))


async def test_what_gateways_saw_adds_up_and_the_dearest_comes_first(store: Store) -> None:
    kept = Busters(store)
    await kept.add([])
    await asyncio.gather(*(kept.add([SEEN, DATE, msgspec.structs.replace(DATE, tenant="other")]) for _ in range(4)))
    found = await of(store, tenant="acme")
    assert [each.kind for each in found] == ["date", LOOKED]
    assert found[0] == msgspec.structs.replace(DATE, calls=8, tokens=16_000, nano=72_000_000)
    assert found[1].calls == 40
    assert len(await of(store)) == 3


async def test_the_newest_shape_and_the_nearest_byte_stay(store: Store) -> None:
    kept = Busters(store)
    later = msgspec.structs.replace(DATE, at_byte=90, shape="0000-00-00", last_us=6 * DAY_US)
    await kept.add([later])
    await kept.add([DATE])
    await kept.add([msgspec.structs.replace(DATE, at_byte=20, shape="00:00", last_us=DATE.last_us - 3)])
    (found,) = await of(store)
    assert (found.at_byte, found.shape, found.last_us, found.calls) == (20, "0000-00-00", 6 * DAY_US, 6)
    (found,) = await of(store, 5 * DAY_US, 5 * DAY_US + 1)
    assert (found.at_byte, found.shape) == (20, "a, 00 a 0000")


async def test_days_features_and_tenants_are_told_apart_and_forgotten(store: Store) -> None:
    kept = Busters(store)
    assert await store.do(lambda connection: span(connection, 0, 99 * DAY_US)) == (0, 0)
    await kept.add([DATE, msgspec.structs.replace(DATE, feature="", last_us=9 * DAY_US + 3)])
    assert [each.last_us for each in await of(store, feature="")] == [9 * DAY_US + 3]
    assert await store.do(lambda connection: span(connection, 0, 99 * DAY_US)) == (5 * DAY_US, 9 * DAY_US + 3)
    assert await store.do(lambda connection: span(connection, 0, 99 * DAY_US, tenant="no")) == (0, 0)
    assert await kept.prune(9 * DAY_US + 5) == 1
    assert len(await of(store)) == 1


async def test_odd_names_are_kept_clean(store: Store) -> None:
    await Busters(store).add([msgspec.structs.replace(DATE, feature="a\0b" * 200, shape="a b  c")])
    (found,) = await of(store)
    assert "\0" not in found.feature and found.shape == "a b  c"
