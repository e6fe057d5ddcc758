"""A proposal of settings is decided by a person, once, and each of it is in the audit log."""

import pytest

from farthing.store import Store
from farthing.store.audit import entries
from farthing.store.proposed_settings import LONGEST, SettingChanges

TOML = '[cache]\nmode = "exact"\n'


async def test_a_proposal_goes_its_way(store: Store) -> None:
    changes = SettingChanges(store)
    no = await changes.propose(TOML, "saves $40", "ana", 1_000, plan=7)
    assert no == 1 and await changes.propose(TOML, "again", "ben", 2_000) == 1
    assert not await changes.move(1, "written", "ops", 3_000)
    assert await changes.move(1, "accepted", "chief", 3_000) and not await changes.move(1, "accepted", "chief", 3_500)
    assert await changes.move(1, "written", "ops", 4_000) and not await changes.move(1, "rejected", "chief", 5_000)
    found = await changes.one(1)
    assert found is not None
    assert (found.state, found.who, found.decided_by, found.decided_us, found.plan) == (
        "written",
        "ana",
        "ops",
        4_000,
        7,
    )
    log = await store.do(lambda connection: entries(connection, kind="settings"))
    assert [(each.what, each.who) for each in log] == [("written", "ops"), ("accepted", "chief"), ("proposed", "ana")]
    assert log[-1].detail["toml"] == TOML


async def test_what_was_put_away_may_be_proposed_again(store: Store) -> None:
    changes = SettingChanges(store)
    await changes.propose(TOML, "", "ana", 1)
    assert await changes.move(1, "rejected", "chief", 2) and await changes.propose(TOML, "", "ana", 3) == 2
    assert [each.no for each in await changes.every()] == [2, 1] and await changes.one(9) is None
    assert not await changes.move(9, "accepted", "chief", 4)
    with pytest.raises(ValueError, match="at most"):
        await changes.propose("x" * (LONGEST + 1), "", "ana", 5)
