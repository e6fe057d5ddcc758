"""What is known of prefixes goes to a real store and comes back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farthing.steps.shape.keeping import Keeper
from farthing.steps.shape.prefixes import Prefixes
from farthing.store import Store, open_store
from farthing.store.prefixes import Prefixes as Kept
from stores import ready

DAY_US = 86_400_000_000
LIFETIMES = (300, 3_600)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await open_store(ready(tmp_path, "ledger.db"))
    yield made
    await made.close()


def traffic(memory: Prefixes, calls: int) -> None:
    scope = memory.scope("acme", "anthropic/m", LIFETIMES)
    for number in range(calls):
        scope.see([7, 1_000 + number], [1, 2], number * 30.0)


async def test_a_restart_and_another_gateway_know_what_was_seen(store: Store) -> None:
    first = Prefixes()
    keeper = Keeper(first, Kept(store), lambda: 5 * DAY_US)
    await keeper.start()
    traffic(first, 40)
    await keeper.close()
    second = Prefixes()
    await Keeper(second, Kept(store), lambda: 6 * DAY_US).read()
    scope = second.scope("acme", "anthropic/m", LIFETIMES)
    seen = scope.see([7, 9_999], [1, 2], 0.0)
    assert seen[0].uses == 40
    assert seen[0].chances[0] > 0.9
    assert seen[1].chances[0] < 0.1
    assert second.scope("other", "anthropic/m", LIFETIMES).prefixes == {}


async def test_what_was_told_is_not_told_again(store: Store) -> None:
    memory = Prefixes()
    kept = Kept(store)
    keeper = Keeper(memory, kept, lambda: 5 * DAY_US)
    traffic(memory, 10)
    await keeper.write()
    before = await kept.since(0)
    await keeper.write()
    assert await kept.since(0) == before
    assert {each.name for each in before if each.uses} == {f"{7:016x}"}


async def test_what_could_not_be_told_is_told_later(store: Store, tmp_path: Path) -> None:
    memory = Prefixes()
    gone = await open_store(f"sqlite:///{tmp_path / 'gone.db'}")
    await gone.do(lambda connection: connection.execute("DROP TABLE prefixes"))
    traffic(memory, 10)
    with pytest.raises(Exception, match="prefixes"):
        await Keeper(memory, Kept(gone), lambda: 5 * DAY_US).write()
    await gone.close()
    await Keeper(memory, Kept(store), lambda: 5 * DAY_US).write()
    kept = {each.name: each for each in await Kept(store).since(0)}
    assert kept[f"{7:016x}"].came[1] + kept[f"{7:016x}"].came[0] > 5


async def test_old_days_are_forgotten(store: Store) -> None:
    memory = Prefixes()
    kept = Kept(store)
    traffic(memory, 10)
    await Keeper(memory, kept, lambda: 5 * DAY_US).write()
    await Keeper(Prefixes(), kept, lambda: 30 * DAY_US).write()
    assert await kept.since(0) == []
