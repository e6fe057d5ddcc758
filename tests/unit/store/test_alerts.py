"""Alerts in the store: states, history and messages change together; one leads; nothing that was decided is lost."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress

import msgspec

from farthing.model.record import Record
from farthing.store import Store, open_store
from farthing.store.alerts import Alerts, Change, Mute, Notice, Standing
from farthing.store.rollups import DAY_US, HOUR_US
from farthing.store.store import now_us

FIRE = Standing("a1", "default", "day_spend", "feature", "agent", "alert", "2026-11-25", "It burns.", since_us=5)


def put(*standings: Standing, channels: tuple[str, ...] = ("log", "ops")) -> Mapping[str, object]:
    def decide(found: Mapping[str, Standing], mutes: Sequence[Mute]) -> Change:
        return Change(standings, [Notice("raised", each, channels) for each in standings])

    return {"decide": decide}


async def test_a_change_is_kept_with_its_history_and_its_messages(store: Store) -> None:
    alerts = Alerts(store)
    assert await alerts.standings() == [] and await alerts.history() == []
    notices = await alerts.decide(**put(FIRE))
    assert notices is not None and [notice.what for notice in notices] == ["raised"]
    assert await alerts.standings("default") == [FIRE]
    assert await alerts.standings("other") == []
    (entry,) = await alerts.history(alert_id="a1")
    assert (entry.what, entry.standing) == ("raised", FIRE)
    assert await alerts.history("other") == []
    parcels = await alerts.due(["log", "ops"])
    assert sorted(parcel.channel for parcel in parcels) == ["log", "ops"]
    assert await alerts.due(["log", "ops"]) == []  # they are somebody's for a minute


async def test_a_decision_that_fails_changes_nothing(store: Store) -> None:
    alerts = Alerts(store)

    def fails(found: Mapping[str, Standing], mutes: Sequence[Mute]) -> Change:
        raise RuntimeError("no")

    with suppress(RuntimeError):
        await alerts.decide(fails)
    assert await alerts.standings() == [] and await alerts.due(["log"]) == []


async def test_messages_wait_for_a_channel_that_fails_and_the_state_says_so(store: Store) -> None:
    alerts = Alerts(store)
    await alerts.decide(**put(FIRE, channels=("ops",)))
    (parcel,) = await alerts.due(["ops"])
    await alerts.failed(parcel, "HTTP 503")
    (state,) = await alerts.channels()
    assert (state.channel, state.waiting, state.failed, state.error) == ("ops", 1, 1, "HTTP 503")
    assert await alerts.due(["ops"]) == []
    await store.do(lambda connection: connection.execute("UPDATE alert_outbox SET next_us = 0"))
    (again,) = await alerts.due(["ops"])
    assert again.tries == 1
    await alerts.delivered(again)
    (state,) = await alerts.channels()
    assert (state.waiting, state.delivered, state.error) == (0, 1, "")
    await store.do(lambda connection: connection.execute("UPDATE alert_outbox SET next_us = 0"))
    assert await alerts.due(["ops"]) == []


async def test_one_leads_until_its_time_is_over(store: Store) -> None:
    alerts = Alerts(store)
    first = await asyncio.gather(*(alerts.lead(f"g{n}", 60) for n in range(4)))
    assert sum(first) == 1
    leader = f"g{first.index(True)}"
    other = "g0" if leader != "g0" else "g1"
    assert await alerts.lead(leader, 60)
    assert not await alerts.lead(other, 60)
    assert await alerts.decide(**put(FIRE), holder=other) is None
    assert await alerts.standings() == []
    assert await alerts.decide(**put(FIRE), holder=leader) is not None
    await alerts.resign(leader)
    assert await alerts.lead(other, 60)
    assert await alerts.decide(**put(FIRE), holder=leader) is None


async def test_a_leader_that_is_gone_is_followed(store: Store) -> None:
    alerts = Alerts(store)
    assert await alerts.lead("gone", 60)
    assert not await alerts.lead("next", 60)
    assert await alerts.lead("gone", 0.01)
    async with asyncio.timeout(60):
        while not await alerts.lead("next", 60):
            await asyncio.sleep(0.01)


async def test_acknowledging_is_noted_once_and_only_what_is_not_ok(store: Store) -> None:
    alerts = Alerts(store)
    assert await alerts.acknowledge("default", "a1", "ana") is None
    await alerts.decide(**put(FIRE, msgspec.structs.replace(FIRE, id="a2", state="ok")))
    assert await alerts.acknowledge("other", "a1", "ana") is None
    assert await alerts.acknowledge("default", "a2", "ana") is None
    acked = await alerts.acknowledge("default", "a1", "ana")
    assert acked is not None and acked.acked_by == "ana" and acked.acked_us > 0
    assert [entry.what for entry in await alerts.history(alert_id="a1")] == ["acknowledged", "raised"]


async def test_mutes_have_an_end(store: Store) -> None:
    alerts = Alerts(store)
    await alerts.decide(**put(FIRE))
    ends = now_us() + 3_600_000_000
    mute = await alerts.mute("default", rule="", scope="feature:agent", until_us=ends, who="bo", why="a load test")
    await alerts.mute("default", rule="", scope="", until_us=now_us() - 1, who="bo", why="over")
    assert await alerts.mutes("default") == [mute] and await alerts.mutes("other") == []
    (shown,) = await alerts.standings()
    assert shown.muted_until_us == ends
    assert not await alerts.unmute("other", mute.id)
    assert await alerts.unmute("default", mute.id)
    assert await alerts.mutes() == []


async def test_a_call_is_in_one_alert_whoever_sees_it(store: Store) -> None:
    alerts = Alerts(store)
    assert await alerts.unknown_calls(["c1", "c2"]) == {"c1", "c2"}
    await asyncio.gather(*(alerts.decide(**put(FIRE), calls=["c1"]) for _ in range(3)))
    assert await alerts.unknown_calls(["c1", "c2"]) == {"c2"}


async def test_what_is_remembered(store: Store) -> None:
    alerts = Alerts(store)
    assert await alerts.memory("levels") == ""
    await alerts.remember("levels", "a")
    await alerts.remember("levels", "b")
    assert await alerts.memory("levels") == "b"


async def test_states_survive_a_new_start(url: str) -> None:
    store = await open_store(url)
    await Alerts(store).decide(**put(FIRE))
    await store.close()
    store = await open_store(url)
    assert await Alerts(store).standings() == [FIRE]
    assert len(await Alerts(store).due(["log", "ops"])) == 2
    await Alerts(store).prune()
    assert await Alerts(store).standings() == [FIRE]
    await store.close()


async def test_sums_come_from_rollups_and_agree_with_the_calls(store: Store) -> None:
    day = 20_000 * DAY_US
    await store.write(
        [
            Record("a", day + HOUR_US, "openai.chat", feature="agent", model="m", cost_state="computed", cost=7, baseline=7),
            Record("b", day + 2 * HOUR_US, "openai.chat", feature="agent", model="m", cost_state="unpriced", in_tokens=9),
            Record("c", day + DAY_US, "openai.chat", feature="agent", model="m", outcome="error", error="x"),
        ]
    )  # fmt: skip
    alerts = Alerts(store)
    (cell,) = await alerts.cells(["feature_model"], day, day + DAY_US)
    assert (cell.a, cell.b, cell.calls, cell.cost, cell.unpriced, cell.unknown) == ("agent", "m", 2, 7, 1, 0)
    assert cell.tokens_without_cost == 9
    hours = await alerts.hours(day, day + DAY_US)
    assert {(each.feature, each.whole, each.hour, each.cost) for each in hours} == {
        ("", True, 1, 7), ("", True, 2, 0), ("agent", False, 1, 7), ("agent", False, 2, 0),
    }  # fmt: skip
    (dear,) = await alerts.dear_calls(day, 6)
    assert (dear.id, dear.cost, dear.feature) == ("a", 7, "agent")
    assert await alerts.dear_calls(day, 7) == []


def test_the_tables_are_there_after_an_upgrade(store: Store) -> None:
    with closing(store.engine.connect()) as connection:
        assert connection.has_table("alert_states") and connection.has_table("leaders")
