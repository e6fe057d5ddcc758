"""Shares of hold-outs: as the settings say until a rule changes them, once, however many change them."""

import asyncio
from pathlib import Path

from farthing.store import Store, open_store
from farthing.store.shares import Shares

BOTH = {"semantic cache": 0.02, "model selection": 0.05}


async def test_they_begin_as_the_settings_say(store: Store) -> None:
    found = await Shares(store).follow(BOTH)
    assert {lever: each.share for lever, each in found.items()} == BOTH
    assert all(each.since_us == each.at_us > 0 for each in found.values())
    assert await Shares(store).follow(BOTH) == found
    assert await Shares(store).follow({}) == {}


async def test_a_change_holds_for_all_and_is_made_once(store: Store) -> None:
    shares = Shares(store)
    former = (await shares.follow(BOTH))["model selection"]
    done = await asyncio.gather(*(shares.change(former, 0.01, "shown") for _ in range(4)))
    assert sorted(done) == [False, False, False, True]
    now = (await shares.follow(BOTH))["model selection"]
    assert (now.share, now.configured, now.why, now.since_us) == (0.01, 0.05, "shown", former.since_us)
    assert (await shares.follow(BOTH))["semantic cache"].share == 0.02


async def test_other_settings_begin_anew_for_their_lever_only(store: Store) -> None:
    shares = Shares(store)
    first = await shares.follow(BOTH)
    await shares.change(first["model selection"], 1.0, "ended")
    again = await shares.follow(BOTH | {"model selection": 0.1})
    assert (again["model selection"].share, again["model selection"].why) == (0.1, "")
    assert again["model selection"].since_us >= first["model selection"].since_us
    assert again["semantic cache"] == first["semantic cache"]
    assert not await shares.change(first["model selection"], 0.5, "late")


async def test_many_that_start_at_once_agree(store: Store) -> None:
    found = await asyncio.gather(*(Shares(store).follow(BOTH) for _ in range(5)))
    assert all(each == found[0] for each in found)


async def test_the_salt_is_made_once_for_all_who_draw(store: Store) -> None:
    found = await asyncio.gather(*(Shares(store).salt() for _ in range(8)))
    assert len(set(found)) == 1 and len(found[0]) == 64
    assert await Shares(store).salt() == found[0]


async def test_each_store_has_a_salt_of_its_own(store: Store, tmp_path: Path) -> None:
    other = await open_store(f"sqlite:///{tmp_path}/other.db")
    assert await Shares(other).salt() != await Shares(store).salt()
    await other.close()
