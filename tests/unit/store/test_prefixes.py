"""What repeats in prompts, in both stores."""

import asyncio

import msgspec

from farthing.store import Store
from farthing.store.prefixes import Prefixes, Reuse

DAY_US = 86_400_000_000
SEEN = Reuse(
    "acme",
    "anthropic/claude-sonnet-5",
    "00ff00ff00ff00ff",
    3,
    (1, 2, 0, 0, 1),
    (4, 0, 0, 0, 0),
    5 * DAY_US + 7,
)


async def test_counts_of_gateways_add_up(store: Store) -> None:
    kept = Prefixes(store)
    await kept.add([])
    await asyncio.gather(*(kept.add([SEEN, msgspec.structs.replace(SEEN, tenant="other")]) for _ in range(4)))
    later = msgspec.structs.replace(SEEN, uses=1, stayed=(-1, 0, 0, 0, 0), last_us=6 * DAY_US)
    await kept.add([later])
    found = await kept.since(0)
    assert [each.tenant for each in found] == ["acme", "other"]
    assert found[0] == Reuse("acme", SEEN.model, SEEN.name, 13, (5, 10, 0, 0, 5), (15, 0, 0, 0, 0), later.last_us)
    assert found[1].uses == 12


async def test_days_can_be_left_out_and_forgotten(store: Store) -> None:
    kept = Prefixes(store)
    await kept.add([SEEN, msgspec.structs.replace(SEEN, last_us=9 * DAY_US)])
    assert [each.uses for each in await kept.since(9 * DAY_US)] == [3]
    assert await kept.prune(9 * DAY_US + 5) == 1
    assert [each.uses for each in await kept.since(0)] == [3]


async def test_names_are_as_clean_as_keys_must_be(store: Store) -> None:
    kept = Prefixes(store)
    await kept.add([msgspec.structs.replace(SEEN, tenant="a\0b" * 200)])
    assert len(await kept.since(0)) == 1
