"""The pages over a real store, and somebody who opens them: cookies are kept, forms are filled in and sent."""

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx2

from farthing.app.dashboard import join
from farthing.app.providers import open_providers
from farthing.app.routing import models_of
from farthing.dashboard.backtests import Backtests
from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.charts.studio import Studio
from farthing.dashboard.page import Page
from farthing.dashboard.pages import PAGES
from farthing.dashboard.paid_hours import PaidHours
from farthing.dashboard.proofs import Proofs
from farthing.dashboard.sources import Sources
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.model.principal import Key
from farthing.model.routes import Table
from farthing.prices.configured import configured_book
from farthing.settings import BalanceSettings, Settings
from farthing.steps.balance.health import Health
from farthing.store import Journal, KeyRing, Ledger, Store, hash_of, open_store
from farthing.store.buckets import Buckets
from farthing.store.entries import Entries
from farthing.upstream.providers import Providers
from unit.dashboard.ledgers import Fill, a_ledger


class Sketches(Studio):
    """Draws at once and without a process, for tests of what stands around a chart."""

    async def _drawn(self, chart: Chart) -> str:
        return "<svg></svg>"


class Place:
    """The pages. `now_us` can be set forward."""

    def __init__(
        self, store: Store, url: str, keys: KeyRing, ledger: Ledger, settings: Settings, shown: Sequence[Page],
        studio: Studio, providers: Providers, entries: Entries | None,
    ) -> None:  # fmt: skip
        self.store, self.keys, self.settings = store, keys, settings
        self.later_us = 0
        self.table = Table()
        self.studio, self.proofs, self.ledger = studio, Proofs(url), ledger
        self.backtests = Backtests(url, settings.alerts)
        self.paid = PaidHours(url, settings.selfhost.deployments)
        health = Health(providers, BalanceSettings(), Buckets())
        known = models_of(settings, configured_book(settings.prices), providers)
        self.sources = Sources(
            settings,
            store,
            ledger,
            health,
            self.now_us,
            known.catalog,
            known.costs,
            lambda: self.table,
            self.proofs,
            self.backtests,
            entries=entries,
            paid=self.paid,
        )
        self._parts = (
            self.sources,
            self.studio,
            Guard(keys, settings.server.admin),
            keys,
            Buckets(),
            AsyncExitStack(),
            shown,
        )
        self.app: Any = None

    async def open(self) -> None:
        self.app = pages(await join(*self._parts), [])

    async def close(self) -> None:
        await self._parts[-2].aclose()
        self.studio.close()
        self.proofs.close()
        self.backtests.close()
        self.paid.close()

    def now_us(self) -> int:
        return time.time_ns() // 1000 + self.later_us

    async def add_key(self, name: str, **fields: Any) -> str:
        """A key's secret."""
        secret = f"fk-{name}"
        await self.store.add_key(Key(id=f"key-{name}", name=name, hash=hash_of(secret), created_us=1, **fields))
        await self.keys.refresh()
        return secret

    def visitor(self, key: str = "", peer: str = "127.0.0.1", base: str = "http://localhost") -> "Visitor":
        return Visitor(self.app, key, peer, base)


class Visitor:
    """A browser of sorts. Follows no redirect unless told."""

    def __init__(self, app: Any, key: str, peer: str, base: str) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        transport = httpx2.ASGITransport(app, client=(peer, 4000))
        self.web = httpx2.AsyncClient(transport=transport, base_url=base, headers=headers)

    async def open(self, path: str, status: int = 200) -> str:
        answer = await self.web.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-2_000:])
        return answer.text

    async def send(self, page: str, action: str, follow: bool = True, **fields: str) -> httpx2.Response:
        """Fill in and send the form of `page` that goes to `action`; with `follow` what is shown then."""
        text = await self.open(page)
        return await self.post(action, follow=follow, _token=token_in(text), **fields)

    async def post(self, path: str, follow: bool = False, headers: dict[str, str] | None = None, **fields: str) -> httpx2.Response:  # fmt: skip
        answer = await self.web.post(path, data=fields, headers=headers or {})
        if follow and answer.status_code == 303:
            return await self.web.get(answer.headers["location"])
        return answer


def token_in(text: str) -> str:
    found = re.search(r'name="_token" value="([^"]+)"', text)
    assert found is not None, "the page has no form"
    return unescape(found[1])


@asynccontextmanager
async def a_place(
    folder: Path, settings: Settings | None = None, shown: Sequence[Page] = PAGES,
    before: Fill | None = None, studio: Studio | None = None, entries: Entries | None = None,
) -> AsyncIterator[Place]:  # fmt: skip
    url = await a_ledger(folder, before)
    store = await open_store(url)
    keys = KeyRing(store)
    await keys.refresh()
    journal = Journal(folder / "journal")
    ledger = Ledger(store, journal)
    settings, stack = settings or Settings(), AsyncExitStack()
    providers = await open_providers(settings, stack)
    place = Place(store, url, keys, ledger, settings, shown, studio or Studio(), providers, entries)
    try:
        await place.open()
        yield place
    finally:
        await place.close()
        await stack.aclose()
        await ledger.close()
        journal.end()
        await store.close()
