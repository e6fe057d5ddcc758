"""The pages that are opened most on the sums of 10 million calls, on both engines: CPU that each takes of the gateway's process,
when its first byte comes, how large it is.

The ledger is that of `reports.py` with savings and hold-outs added, and has sums only: a page that looked at rows would show
nothing. The pages are put together as the gateway does it and asked as its server asks; their clock stands at the ledger's
end. `page` is the CPU of this process, and of PostgreSQL, with no drawing kept; drawing is done in a process of its own and
counted apart, and so are hold-outs, which are worked out once an hour. Prints a table, then one line of JSON; ends with 0
only if the bars hold.
"""

import argparse
import asyncio
import gzip
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import reports
from farthing.app.dashboard import join
from farthing.app.providers import open_providers
from farthing.app.routing import models_of
from farthing.dashboard.aside import Aside
from farthing.dashboard.backtests import Backtests
from farthing.dashboard.charts.chart import Chart
from farthing.dashboard.charts.studio import Studio, svg_of
from farthing.dashboard.memory import Memory
from farthing.dashboard.proofs import Proofs, proven
from farthing.dashboard.sources import Sources
from farthing.gateway.asgi import App
from farthing.gateway.guard import Guard
from farthing.gateway.pages import pages
from farthing.model.arms import MODEL_SELECTION, SEMANTIC_CACHE
from farthing.model.budget import EACH, Budget
from farthing.model.charge import Charge
from farthing.model.record import Record
from farthing.model.windows import window_at
from farthing.prices.configured import configured_book
from farthing.quality.table import maker
from farthing.settings import (
    AlertSettings,
    CacheSettings,
    ProviderSettings,
    Secret,
    Settings,
    StoreSettings,
    StoreUrl,
    Url,
)
from farthing.steps.balance.health import Health
from farthing.store import Journal, KeyRing, Ledger, engine_for, open_store
from farthing.store.buckets import Buckets
from farthing.store.budgets import Budgets
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US
from farthing.store.schema import HOLD_OUT_KEY, HOLD_OUT_SUMS, LEVER_KEY, LEVER_SUMS, migrate
from harness.proc import core_busy_s, cpu_s
from harness.report import Figure, Report

MOST_MS, MOST_FIRST_MS, MOST_KB = 150.0, 50.0, 150.0
CORE = 0
QUIET = 0.1
"""The most of the core that may go to others while a clock on the wall decides, as a share."""
MEMBERS, TEAM_BUDGETS = 5_000, 12
WHOLE = (
    "Forecast, end of April",
    "feature-",
    "Measured on sessions",
    "alert above 2 times",
    "Six metrics",
    "up to $",
)


class Opened(NamedTuple):
    """A page, and what it says with everything on it."""

    address: str
    says: tuple[str, ...]


PAGES = {
    "overview, 30 days": Opened("/?period=30d&compare=before", WHOLE),
    "overview, 100 days": Opened("/?period=year&compare=before", WHOLE),
    "spend by feature": Opened("/spend?period=30d&compare=before", ("Spend by day, by feature", "feature-", "total")),
    "spend by user": Opened("/spend?period=30d&by=user&compare=before", ("Spend by day", "user-", "1 of ", "total")),
    "routing": Opened("/routing?period=30d", ("What each task costs and saves", "rewrite")),
    "cache": Opened("/cache?period=30d", ("By feature", "feature-")),
    "budgets": Opened("/budgets", ("budget-00",)),
}


class Effort(NamedTuple):
    """How much is measured, and how often: turns, pages in a turn, pages for a first byte, turns until a quiet one."""

    calls: int
    pages: Mapping[str, Opened]
    rounds: int
    times: int
    warm: int
    tries: int


FULL = Effort(reports.FULL, PAGES, 5, 3, 12, 20)
QUICK = Effort(100_000, {name: page for name, page in PAGES.items() if name != "overview, 100 days"}, 1, 1, 3, 2)
"""Ends within a minute, and decides only how large pages are."""

HELD_OUT = ((False, False, 256, 370), (True, False, 460, 4), (False, True, 460, 4), (True, True, 12, 4))
"""Whether model selection and the cache are held out; groups of sessions, and calls of each on a day of 100,000."""


def fill_levers(connection: Connection, calls: int) -> None:
    """Savings by lever, and the sums of hold-outs of 2 % of the sessions."""
    dice = random.Random(17)
    a_day = calls // reports.DAYS
    held: list[Row] = []
    booked: list[Row] = []
    for day in range(reports.DAYS):
        at = reports.FIRST_US + day * DAY_US
        for lever, estimated in ((MODEL_SELECTION, 1), (SEMANTIC_CACHE, 0)):
            before = a_day * dice.randrange(900_000, 1_100_000)
            booked.append((at, "default", lever, estimated, a_day, before, before * 7 // 10, before // 200))
        for no_model, no_cache, groups, size in HELD_OUT:
            name = msgspec.json.encode({MODEL_SELECTION: no_model, SEMANTIC_CACHE: no_cache}).decode()
            for group in range(groups):
                n = max(1, dice.randrange(1, 2 * size) * a_day // 100_000)
                cost = int(
                    n * dice.randrange(800_000, 1_200_000) * (1.0 if no_model else 0.6) * (1.0 if no_cache else 0.8)
                )
                size_in = n * dice.randrange(4_000, 6_000)
                held.append((name, at, "default", group, n, n // 60, n, cost, 2 * cost, size_in))
    with connection.transaction():
        connection.add_up("lever_sums", LEVER_KEY, LEVER_SUMS, sorted(booked))
        connection.add_up("hold_outs", HOLD_OUT_KEY, HOLD_OUT_SUMS, sorted(held))


async def fill_budgets(url: str) -> None:
    """Budgets of teams, and one for each of many users, with what is spent of them."""
    store = await open_store(url)
    try:
        kept = Budgets(store)
        charges = [Charge("each-user", f"user-{number}", "", "", number * 1_000_000) for number in range(MEMBERS)]
        each = Budget("each-user", 20_000_000_000, scope={"user": EACH})
        await kept.put(each)
        for number in range(TEAM_BUDGETS):
            await kept.put(Budget(f"budget-{number:02}", 500_000_000_000, scope={"team": f"team-{number}"}))
            charges.append(Charge(f"budget-{number:02}", "", "", "", number * 37_000_000_000))
        window = window_at(each.period, reports.NOW_US).id
        spent = [msgspec.structs.replace(charge, window=window) for charge in charges]
        records = [
            Record(f"charged-{start}", reports.NOW_US, "openai.chat", cost_state="computed", charges=spent[start : start + 500])
            for start in range(0, len(spent), 500)
        ]  # fmt: skip
        await store.write(records)
    finally:
        await store.close()


class Forgetful(Studio):
    """Draws each chart anew as long as it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps = False
        self._easel = Aside()

    async def draw(self, chart: Chart) -> str:
        if self.keeps:
            return await super().draw(chart)
        return await self._easel.run(svg_of, chart.kind, chart.rows, chart.options)

    def close(self) -> None:
        super().close()
        self._easel.close()


class Blank(Memory):
    """Keeps no sums as long as it is told so."""

    keeps = False

    def get(self, key: Hashable, stamp: object) -> Any:
        return super().get(key, stamp) if self.keeps else None


class Site(NamedTuple):
    app: App
    studio: Forgetful
    memory: Blank

    def keep(self, keeps: bool) -> None:
        """Whether what one page read and drew serves the next."""
        self.studio.keeps = self.memory.keeps = keeps


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Site]:
    """The pages over a ledger, with both large providers, so that there are models and prices to compare."""
    settings = Settings(
        store=StoreSettings(url=StoreUrl(url)),
        providers={
            "openai": ProviderSettings(base_url=Url("http://127.0.0.1:9/v1"), api_key=Secret("sk-none")),
            "anthropic": ProviderSettings(base_url=Url("http://127.0.0.1:9"), api_key=Secret("sk-none")),
        },
        alerts=AlertSettings(on=False),
        cache=CacheSettings(mode="exact"),
    )
    async with AsyncExitStack() as stack:
        store = await open_store(url)
        stack.push_async_callback(store.close)
        journal = Journal(folder / "journal")
        stack.callback(journal.end)
        ledger, keys = Ledger(store, journal), KeyRing(store)
        stack.push_async_callback(ledger.close)
        studio, proofs, memory = Forgetful(), Proofs(url), Blank()
        stack.callback(studio.close)
        stack.callback(proofs.close)
        backtests = Backtests(url, settings.alerts)
        stack.callback(backtests.close)
        providers = await open_providers(settings, stack)
        known = models_of(settings, configured_book(settings.prices), providers)
        health = Health(providers, settings.balance, Buckets())
        table = maker(known.catalog)(())
        sources = Sources(
            settings,
            store,
            ledger,
            health,
            lambda: reports.NOW_US,
            known.catalog,
            known.costs,
            lambda: table,
            proofs,
            backtests=backtests,
            memory=memory,
        )
        routes = await join(sources, studio, Guard(keys, settings.server.admin), keys, Buckets(), stack)
        yield Site(pages(routes, []), studio, memory)


class Answer(NamedTuple):
    body: bytes
    first_byte_ms: float


async def ask(app: App, address: str) -> Answer:
    """One page, as a browser on this machine that takes gzip asks for it."""
    path, _, query = address.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1"), (b"accept-encoding", b"gzip")],
        "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 4_141),
    }  # fmt: skip
    parts: list[bytes] = []
    first: list[float] = []
    status: list[int] = []
    begun = time.perf_counter()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            status.append(event["status"])
        elif event.get("body"):
            first.append(time.perf_counter())
            parts.append(event["body"])

    await app(scope, receive, send)
    if status != [200]:
        raise RuntimeError(f"{address} answers {status}")
    return Answer(b"".join(parts), (first[0] - begun) * 1e3)


async def measure(
    name: str, url: str, folder: Path, server: Callable[[], float], effort: Effort, report: Report
) -> None:  # fmt: skip
    """The pages' figures on a ledger that is filled."""
    proof = _cpu_of_proofs(url)
    report.add(Figure(f"{name}: hold-outs, once an hour, apart", "ms CPU", [proof]))
    async with opened(url, folder) as site:
        for page, (address, says) in effort.pages.items():
            await _until_ready(site.app, address)
            site.keep(False)
            own, drawing, body = await _cpu(site.app, address, server, effort)
            report.add(
                Figure(f"{name}: {page}", "ms CPU", own, most=MOST_MS),
                Figure(f"{name}: {page}, drawings", "ms CPU", drawing),
                Figure(f"{name}: {page}, by gzip", "KB", [len(body) / 1e3] * 3, most=MOST_KB),
            )
            text = gzip.decompress(body).decode()
            report.troubles += [f"{name}: {page} lacks {words!r}" for words in says if words not in text]
            site.keep(True)
            await ask(site.app, address)
            again, _, _ = await _cpu(site.app, address, server, effort)
            report.add(Figure(f"{name}: {page}, warm", "ms CPU", again))
            warm, is_noisy = await _warm(site.app, address, effort)
            report.add(Figure(f"{name}: {page}, first byte, warm", "ms", warm, most=MOST_FIRST_MS, noisy=is_noisy))


def _cpu_of_proofs(url: str) -> float:
    begun = time.process_time()
    since = reports.SPAN.since_us
    if not proven(url, "default", since, reports.SPAN.until_us):
        raise RuntimeError("there are no hold-outs")
    return (time.process_time() - begun) * 1e3


async def _until_ready(app: App, address: str) -> None:
    """What is needed once is there: templates, processes, hold-outs."""
    for _ in range(100):
        page = gzip.decompress((await ask(app, address)).body).decode()
        if "is being worked out" not in page:
            return
        await asyncio.sleep(0.3)
    raise RuntimeError("hold-outs were never worked out")


async def _cpu(
    app: App, address: str, server: Callable[[], float], effort: Effort
) -> tuple[list[float], list[float], bytes]:  # fmt: skip
    """CPU of a page here and at the database, CPU of its drawings, and the page."""
    own, drawing = [], []
    for _ in range(effort.rounds):
        begun, tree = time.process_time() + server(), cpu_s(os.getpid()) - time.process_time()
        for _ in range(effort.times):
            answer = await ask(app, address)
        own.append((time.process_time() + server() - begun) / effort.times * 1e3)
        drawing.append(max(0.0, cpu_s(os.getpid()) - time.process_time() - tree) / effort.times * 1e3)
    return own, drawing, answer.body


async def _warm(app: App, address: str, effort: Effort) -> tuple[list[float], bool]:
    """Milliseconds to the first byte with drawings kept, from turns in which the core was this process's own; if there were
    none, of all, and that it is so."""
    quiet: list[float] = []
    every: list[float] = []
    await ask(app, address)
    for _ in range(effort.tries):
        begun, others = time.perf_counter(), core_busy_s(CORE) - time.process_time()
        every.append(sorted([(await ask(app, address)).first_byte_ms for _ in range(effort.warm)])[effort.warm // 2])
        if core_busy_s(CORE) - time.process_time() - others <= QUIET * (time.perf_counter() - begun):
            quiet.append(every[-1])
        if len(quiet) == effort.rounds:
            break
    return (quiet, False) if len(quiet) >= 3 else (every, True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="end within a minute; what that cannot decide fails")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="this one alone")
    parser.add_argument("--data", type=Path, help="a folder of data sets; this benchmark needs none, so no effect")
    parser.add_argument(
        "--folder", type=Path, help="where to put the ledgers (0.5 GB in full); default: a temporary one"
    )
    asked = parser.parse_args()
    effort = QUICK if asked.quick else FULL
    os.sched_setaffinity(0, {CORE})
    report = Report("dashboard")
    for name, open_ in (("sqlite", reports.sqlite), ("postgresql", reports.postgres)):
        if asked.engine not in (None, name):
            continue
        folder = Path(tempfile.mkdtemp(prefix="dashboard-", dir=asked.folder))
        try:
            with open_(folder) as (url, server):
                engine = engine_for(url)
                with closing(engine.connect()) as connection:
                    migrate(engine, connection)
                    reports.fill_sums(connection, effort.calls)
                    fill_levers(connection, effort.calls)
                    connection.execute("ANALYZE")
                asyncio.run(fill_budgets(url))
                asyncio.run(measure(name, url, folder, server, effort, report))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
