"""The alerts' part of the composition root: it runs, it ends, and it brings forecasts and prices along."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from farthing.app.alerts import _Foresee, _Served, build_alerts, pace_of
from farthing.finops.alerts.catalog import looks_at_users
from farthing.prices import PriceBook
from farthing.settings import AlertRuleSettings, AlertSettings, ProviderSettings, Settings
from farthing.store import Store, open_store
from farthing.store.alerts import Alerts
from farthing.upstream.providers import Provider, Providers
from stores import ready
from unit.finops.alerts.spending import DOLLAR, NOON_US
from unit.finops.alerts.traffic_of import burning, weeks
from unit.upstream.test_providers import NoClient


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(ready(tmp_path))
    yield store
    await store.close()


def providers() -> Providers:
    return Providers({"openai": Provider("openai", ProviderSettings(), NoClient())}, {})


async def test_it_leads_while_it_runs_and_lets_go_at_its_end(store: Store) -> None:
    async with AsyncExitStack() as stack:
        watch = build_alerts(Settings(), store, providers(), PriceBook.load(), stack)
        assert watch is not None
        async with asyncio.timeout(60):
            while not await Alerts(store).memory("looked_us"):  # its first look
                await asyncio.sleep(0.02)
        assert not await Alerts(store).lead("another", 60)
    assert await Alerts(store).lead("another", 60)


async def test_off_is_off(store: Store) -> None:
    async with AsyncExitStack() as stack:
        off = Settings(alerts=AlertSettings(on=False))
        assert build_alerts(off, store, providers(), PriceBook.load(), stack) is None


async def test_a_month_is_foreseen_by_scope_where_sums_are_kept(store: Store) -> None:
    await store.write([*weeks(40), *burning(12)])
    foresee = _Foresee(store)
    found = await foresee("default", {"feature": "chat"}, NOON_US)
    assert found is not None and found.low <= found.expected <= found.high
    assert abs(found.expected / (30 * 48 * DOLLAR) - 1) < 0.1
    assert (found.chance_above(0) or 0) > 0.9 and found.chance_above(found.high * 2) == 0
    assert await foresee("default", {"user": "ana", "team": "core"}, NOON_US) is None


def test_a_model_is_priced_where_it_is_served() -> None:
    assert _Served(providers())("gpt-4o") == [("openai", "gpt-4o")]
    assert _Served(providers())("nobody-serves-this") == []


def test_users_are_looked_at_where_somebody_asks() -> None:
    assert not looks_at_users(AlertSettings())
    assert looks_at_users(AlertSettings(rules={"day_spend": AlertRuleSettings(by=["user"])}))
    assert pace_of(AlertSettings(remind_h=0)).remind_us == 0
