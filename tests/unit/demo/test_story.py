"""The laws of the story: what it shows is measured in the ledger, and adds up."""

from pathlib import Path
from typing import Any

from farthing.demo import calendar
from farthing.demo.calendar import DAY_US, HOUR_US
from farthing.demo.company import FEATURES
from farthing.store import Store, open_store
from farthing.store.alerts import Alerts
from farthing.store.routes import Routes
from farthing.store.units import Units
from unit.demo.month import NOW_US, Told, a_story, rows, tell_days, url_of

START_US = calendar.start_of(NOW_US)
DAYS = calendar.accidents(START_US)


async def test_baseline_less_savings_is_cost_in_every_call(store: Store) -> None:
    wrong = """SELECT id FROM calls c WHERE baseline - cost <>
        (SELECT coalesce(sum(before_cost - after_cost - overhead), 0) FROM savings s WHERE s.call_id = c.id)"""
    assert await rows(store, wrong) == []
    assert await store.check() == []


async def test_the_providers_bill_is_the_ledgers(told: Told, store: Store) -> None:
    for model, total in told.billed.items():
        found = await rows(
            store,
            "SELECT count(*), sum(uncached_in + cache_read + w5m + w1h), sum(cache_read), sum(text_out) "
            f"FROM attempts WHERE status = 200 AND model = '{model}'",
        )
        assert found == [(total["requests"], total["prompt"], total["cache_read"], total["output"])], model


async def test_it_ends_now_and_every_feature_team_and_turn_is_there(told: Told, store: Store) -> None:
    first, last = (await rows(store, "SELECT min(started_us), max(started_us) FROM calls"))[0]
    assert START_US <= first < START_US + DAY_US
    assert NOW_US - 6 * HOUR_US < last < NOW_US + HOUR_US
    assert {row.key for row in await store.report("feature")} >= {feature.name for feature in FEATURES}
    assert told.progress.refused == 0
    assert told.progress.what == calendar.TURNS[-1].what


async def test_the_waterfall_has_each_lever_from_its_turn_on(store: Store) -> None:
    found = await rows(
        store, "SELECT lever, min(started_us) FROM savings s JOIN calls c ON c.id = s.call_id GROUP BY lever"
    )
    begun = {lever: (since - START_US) // DAY_US for lever, since in found}
    assert begun.keys() == {
        "semantic cache", "batching", "model selection", "request routing", "provider caching", "prompt optimisation"
    }  # fmt: skip
    assert begun["batching"] == calendar.BATCH.day
    assert begun["semantic cache"] == calendar.CACHE.day
    assert begun["model selection"] >= calendar.ROUTING.day
    assert begun["request routing"] == calendar.BALANCE.day
    assert min(begun["provider caching"], begun["prompt optimisation"]) >= calendar.PROMPTS.day
    paid = await rows(store, f"SELECT sum(baseline - cost) FROM calls WHERE started_us < {START_US + 8 * DAY_US}")
    assert paid == [(0,)]


async def test_models_are_let_in_by_evidence_and_the_change_has_the_day_of_the_story(store: Store) -> None:
    changes = await Routes(store).history()
    applied = [change for change in changes if change.what == "apply"]
    assert applied
    assert all(START_US + calendar.ROUTING.day * DAY_US < change.at_us <= NOW_US for change in applied)


async def test_the_nights_invoices_are_one_job_each_done_by_the_morning_at_half_price(store: Store) -> None:
    nights = await rows(
        store,
        "SELECT name, state, total, done, cost, baseline, deadline_us - ended_us FROM batch_jobs ORDER BY created_us",
    )
    assert len(nights) > 8
    for name, state, total, done, cost, baseline, left_us in nights:
        assert name.startswith("invoices of 2026-11-") and (state, done) == ("finished", total) and left_us > 0
        assert 0 < cost <= 0.51 * baseline
    ways = dict(await rows(store, "SELECT way, count(*) FROM batch_lines GROUP BY way"))
    assert ways["batch"] > 0.5 * sum(ways.values())
    assert await rows(store, "SELECT count(*) FROM batch_shards WHERE state <> 'settled'") == [(0,)]


async def test_the_retry_loop_costs_a_multiple_and_is_alerted(store: Store) -> None:
    by_day = dict(
        await rows(
            store,
            f"SELECT (started_us - {START_US}) / {DAY_US}, count(*) FROM calls WHERE feature = 'support chat' GROUP BY 1",
        )
    )
    assert by_day[DAYS.retry] > 2.5 * by_day[DAYS.retry + 1]
    found = [each for each in await Alerts(store).standings() if each.scope == "support chat"]
    assert {"day_spend"} <= {each.rule for each in found}
    for each in found:
        begun = [entry.at_us for entry in await Alerts(store).history(alert_id=each.id) if entry.what != "recovered"]
        assert {(at_us - START_US) // DAY_US for at_us in begun} <= {DAYS.retry, DAYS.retry + 1}


async def test_the_outage_is_failed_over(store: Store) -> None:
    begins = START_US + DAYS.outage * DAY_US + calendar.OUTAGE_HOURS[0] * HOUR_US
    failed = await rows(
        store,
        "SELECT a.call_id, a.started_us, c.status FROM attempts a JOIN calls c ON c.id = a.call_id WHERE a.status = 503",
    )
    assert failed
    assert all(begins <= at < begins + HOUR_US and status == 200 for _, at, status in failed)


async def test_the_new_prompt_breaks_the_providers_cache_for_two_days(store: Store) -> None:
    found = await rows(
        store,
        f"SELECT (started_us - {START_US}) / {DAY_US}, 1.0 * sum(cached_tokens) / sum(in_tokens) "
        "FROM calls WHERE feature = 'support chat' GROUP BY 1",
    )
    cached = dict(found)
    assert max(cached[day] for day in DAYS.stamped) < min(cached[day] for day in (10, DAYS.stamped.stop, 28))


async def test_what_nobody_marked_is_read_from_claudes_cache_from_the_turn_on_and_that_saves(store: Store) -> None:
    turn = START_US + calendar.PROMPTS.day * DAY_US
    found = await rows(
        store,
        f"SELECT started_us >= {turn}, sum(cached_tokens), sum(baseline - cost) FROM calls "
        "WHERE feature = 'contract desk' GROUP BY 1 ORDER BY 1",
    )
    (_, cached_before, saved_before), (_, cached, saved) = found
    assert cached_before == saved_before == 0
    assert cached > 0 < saved
    spared = await rows(
        store,
        "SELECT s.lever, sum(s.before_cost - s.after_cost - s.overhead) FROM savings s JOIN calls c ON c.id = s.call_id "
        "WHERE c.feature = 'contract desk' GROUP BY 1 ORDER BY 1",
    )
    assert [lever for lever, _ in spared] == ["prompt optimisation", "provider caching"]
    assert all(saved > 0 for _, saved in spared)


async def test_held_out_sessions_and_outcomes_are_there(store: Store) -> None:
    sums = await store.arm_sums()
    levers = {
        "semantic cache",
        "model selection",
        "provider caching",
        "prompt optimisation",
    }  # no student learns of so few
    assert {each.lever for each in sums if not each.held_out} == levers
    assert {each.lever for each in sums if each.held_out} >= levers - {
        "provider caching"
    }  # few prompts begin alike here
    book = await Units(store).book(START_US, NOW_US, kind="support_resolution")
    assert book


async def test_equal_seeds_tell_equal_months(tmp_path: Path) -> None:
    """Twice to the end; the first days of another seed say enough."""
    ledgers = []
    for name, seed, days in (("one", 3, calendar.DAYS), ("two", 3, calendar.DAYS), ("other", 4, 2)):
        folder = tmp_path / name
        folder.mkdir()
        ledgers.append(await a_small_month(folder, seed, days))
    one, two, other = ledgers
    assert one == two
    assert 0 < len(other) < len(one) and one[: len(other)] != other


async def a_small_month(folder: Path, seed: int, days: int) -> list[tuple[Any, ...]]:
    """The calls of its first days; evidence is read twice a day."""
    story = await a_story(folder, seed=seed, scale=0.01, look_hours=(15,))
    await (story.play() if days == calendar.DAYS else tell_days(story, url_of(folder), (0, days)))
    store = await open_store(url_of(folder))
    found = await rows(store, "SELECT id, feature, model, cost, baseline, arms FROM calls ORDER BY id")
    await store.close()
    return found
