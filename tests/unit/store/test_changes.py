"""A stamp differs when the sums that somebody may see differ, and only then."""

from farthing.model.record import Record
from farthing.store import Store
from farthing.store.changes import Scope, Stamp, alert_changes, stamps
from farthing.store.corrections import Corrections, Entry
from farthing.store.progress import Work, say
from farthing.store.rollups import DAY_US

NOW = 20_400 * DAY_US + 5
ALL, OTHER = Scope("default"), Scope("acme")
KEY, USER = Scope("default", "key", "key-a"), Scope("default", "user_feature", "ann")
SCOPES = (ALL, OTHER, KEY, USER, Scope("default", "key", "key-b"))


def _call(name: str, at_us: int = NOW, **more: object) -> Record:
    return Record(id=name, started_us=at_us, wire="openai.chat", **more)  # type: ignore[arg-type]


async def _changed(store: Store, before: dict[Scope, Stamp]) -> set[Scope]:
    now = await store.do(lambda each: stamps(each, SCOPES, NOW))
    changed = {scope for scope in SCOPES if now[scope] != before[scope]}
    before.update(now)
    return changed


async def test_a_call_changes_its_own_scopes(store: Store) -> None:
    seen = await store.do(lambda each: stamps(each, SCOPES, NOW))
    assert not await _changed(store, seen)
    await store.write([_call("1", key_id="key-a", feature="chat", user="ann")])
    assert await _changed(store, seen) == {ALL, KEY, USER}
    await store.write([_call("2", key_id="key-a", feature="other", user="ann", cost=7)])
    assert await _changed(store, seen) == {ALL, KEY, USER}
    await store.write([_call("3", tenant="acme", user="ann", key_id="key-a")])
    assert await _changed(store, seen) == {OTHER}


async def test_a_late_call_counts_and_a_very_old_one_does_not(store: Store) -> None:
    seen = await store.do(lambda each: stamps(each, SCOPES, NOW))
    await store.write([_call("late", NOW - 30 * DAY_US)])
    assert await _changed(store, seen) == {ALL}
    await store.write([_call("old", NOW - 300 * DAY_US)])
    assert await _changed(store, seen) == set()


async def test_corrections_and_work_change_the_whole(store: Store) -> None:
    seen = await store.do(lambda each: stamps(each, SCOPES, NOW))
    await Corrections(store).post([Entry(NOW - NOW % DAY_US, 5, "openai", "gpt-5.4")], who="ann", reason="the bill")
    assert await _changed(store, seen) == {ALL}
    await store.do(lambda each: say(each, Work("job", "acme", "a job", 1, 2, NOW, NOW)))
    assert await _changed(store, seen) == {OTHER}


async def test_alerts_are_counted(store: Store) -> None:
    assert await store.do(alert_changes) == 0
