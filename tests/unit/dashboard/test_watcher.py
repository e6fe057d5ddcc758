"""Who listens is told of changes of their own sums, of alerts that they may see, and of the end of their session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from farthing.dashboard.watcher import MOST, MOST_EACH, Listener, Told, Watcher
from farthing.model.errors import RateLimited
from farthing.model.record import Record
from farthing.store import Store, open_store
from farthing.store.alerts import Alerts, Change, Standing
from farthing.store.changes import Scope
from farthing.store.spent import spend
from farthing.store.store import now_us
from stores import ready

LOOK_S = 0.02
ALERT = Standing("a1", "default", "day_spend", "feature", "chat", "alert", text="Twice the usual.", since_us=5)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path))
    yield store
    await store.close()


@pytest.fixture
def watcher(store: Store) -> Watcher:
    return Watcher(store, now_us, LOOK_S)


async def _call(store: Store, name: str, **more: object) -> None:
    await store.write([Record(id=name, started_us=now_us(), wire="openai.chat", **more)])  # type: ignore[arg-type]


async def _keep(store: Store, alert: Standing) -> None:
    await Alerts(store).decide(lambda known, mutes: Change([alert]))


async def _news(listener: Listener, patience_s: float = 60.0) -> tuple[bool, list[Told]]:
    await listener.wait(patience_s)
    return listener.take()


async def _has_looked(watcher: Watcher) -> None:
    """It knows how things were when those joined who are there."""
    async with asyncio.timeout(60):
        while not watcher._stamps:
            await asyncio.sleep(0.01)


async def test_only_those_are_told_whose_sums_changed(store: Store, watcher: Watcher) -> None:
    whole, own, other = (
        Listener(name, scope, hears_alerts=False)
        for name, scope in (("1", Scope("default")), ("2", Scope("default", "key", "k")), ("3", Scope("acme")))
    )
    with ExitStack() as stack:
        for each in (whole, own, other):
            stack.enter_context(watcher.joined(each))
        await _has_looked(watcher)
        await _call(store, "1", key_id="another")
        assert await _news(whole) == (True, [])
        await _call(store, "2", key_id="k")
        assert await _news(whole) == (True, []) and await _news(own) == (True, [])
        assert await _news(other, 0.1) == (False, [])


async def test_an_alert_is_told_once_when_it_opens(store: Store, watcher: Watcher) -> None:
    await _keep(store, msgspec.structs.replace(ALERT, id="old"))
    viewer = Listener("1", Scope("default"), hears_alerts=True)
    own = Listener("2", Scope("default", "key", "k"), hears_alerts=False)
    with watcher.joined(viewer), watcher.joined(own):
        await _has_looked(watcher)
        assert viewer.take() == (False, [])  # it was open before
        await _keep(store, ALERT)
        assert await _news(viewer) == (True, [Told("day spend: feature chat", "Twice the usual.", True)])
        await _keep(store, msgspec.structs.replace(ALERT, acked_us=9))
        assert await _news(viewer) == (True, [])
        await _keep(store, msgspec.structs.replace(ALERT, state="ok"))
        assert await _news(viewer) == (True, [])
        await _keep(store, msgspec.structs.replace(ALERT, id="b", tenant="acme"))
        assert await _news(viewer, 0.1) == (False, [])
        assert own.take() == (False, [])


async def test_who_signed_out_hears_no_more(store: Store, watcher: Watcher) -> None:
    here, gone = (
        Listener("here", Scope("default"), hears_alerts=False),
        Listener("gone", Scope("default"), hears_alerts=False),
    )
    with watcher.joined(here), watcher.joined(gone):
        await store.do(lambda each: spend(each, "gone", now_us() + 10**9, now_us()))
        assert not await gone.wait(5)
        assert gone.is_out and not here.over


async def test_nobody_looks_when_nobody_listens(watcher: Watcher) -> None:
    listener = Listener("1", Scope("default"), hears_alerts=True)
    with watcher.joined(listener):
        assert watcher._task is not None
    assert watcher._task is None


async def test_a_store_that_is_away_is_waited_for(store: Store, watcher: Watcher) -> None:
    listener = Listener("1", Scope("default"), hears_alerts=True)
    with watcher.joined(listener):
        await _has_looked(watcher)
        path = Path(store.engine.where)
        path.rename(path.with_suffix(".away"))
        await asyncio.sleep(0.2)
        path.unlink(missing_ok=True)
        path.with_suffix(".away").rename(path)
        await asyncio.sleep(0.1)
        await _call(store, "1")
        assert (await _news(listener))[0]


async def test_there_is_room_for_so_many_only(watcher: Watcher) -> None:
    def listener(visit: str) -> Listener:
        return Listener(visit, Scope("default"), hears_alerts=False)

    with ExitStack() as stack:
        for _ in range(MOST_EACH):
            stack.enter_context(watcher.joined(listener("ann")))
        with pytest.raises(RateLimited):
            watcher.require_room("ann")
        watcher.require_room("bob")
        for number in range(MOST - MOST_EACH):
            stack.enter_context(watcher.joined(listener(f"{number}")))
        with pytest.raises(RateLimited):
            watcher.require_room("bob")
    watcher.require_room("ann")
