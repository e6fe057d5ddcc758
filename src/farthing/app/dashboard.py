"""The pages for people, made and joined. Loaded only where their libraries are installed."""

import importlib
import importlib.util
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from starlette.routing import Route

from farthing.app.routing import Models
from farthing.dashboard.access.attempts import Attempts, Counters
from farthing.dashboard.access.cookies import Cookies
from farthing.dashboard.access.door import Door, reach_of
from farthing.dashboard.access.sessions import Sessions
from farthing.dashboard.access.sign_in import Oidc, SignIn
from farthing.dashboard.backtests import Backtests
from farthing.dashboard.charts.studio import Studio
from farthing.dashboard.live import Live
from farthing.dashboard.page import Page
from farthing.dashboard.pages import PAGES
from farthing.dashboard.paid_hours import PaidHours
from farthing.dashboard.proofs import Proofs
from farthing.dashboard.rendering import Rendering
from farthing.dashboard.signing import SECRET, Signer
from farthing.dashboard.site import Site
from farthing.dashboard.sources import Sources
from farthing.dashboard.watcher import Watcher
from farthing.gateway.guard import Guard
from farthing.model.routes import Table
from farthing.settings import DashboardSettings, Settings
from farthing.steps.balance.health import Health
from farthing.store import KeyRing, Ledger, Store
from farthing.store.entries import Entries
from farthing.store.secret import secret

log = logging.getLogger("farthing.dashboard")


async def build_dashboard(
    settings: Settings, store: Store, ledger: Ledger, health: Health, models: Models, table: Callable[[], Table],
    guard: Guard, keys: KeyRing, counters: Counters, now_us: Callable[[], int], stack: AsyncExitStack,
    file: str = "", entries: Entries | None = None, probing: Callable[[str, str, str], str] = lambda *_: "",
    nudge: Callable[[str], None] = lambda _: None,
) -> list[Route]:  # fmt: skip
    """None where the settings say that there are none. Raises StoreError, ModuleNotFoundError."""
    reach = reach_of(settings)
    if reach == "off":
        return []
    url = settings.store.url.reveal()
    studio, proofs, backtests = Studio(), Proofs(url), Backtests(url, settings.alerts)
    paid = PaidHours(url, settings.selfhost.deployments)
    stack.callback(paid.close)
    stack.callback(studio.close)
    stack.callback(proofs.close)
    stack.callback(backtests.close)
    sources = Sources(
        settings, store, ledger, health, now_us, models.catalog, models.costs, table, proofs, backtests, file,
        entries=entries, probing=probing, nudge=nudge, paid=paid,
    )  # fmt: skip
    return await join(sources, studio, guard, keys, counters, stack)


async def join(
    sources: Sources, studio: Studio, guard: Guard, keys: KeyRing, counters: Counters, stack: AsyncExitStack,
    shown: Sequence[Page] = PAGES,
) -> list[Route]:  # fmt: skip
    """The pages and the ways into them."""
    said, store, now = sources.settings.dashboard, sources.store, sources.now_us
    signer = Signer(await store.do(lambda connection: secret(connection, SECRET)))
    cookies, (oidc, mark) = Cookies(said.url), _oidc(said, stack)
    sessions = Sessions(store, keys, signer, cookies, said.session_hours, mark)
    door, rendering = Door(guard, sessions, signer, reach_of(sources.settings), now), Rendering(studio)
    attempts = Attempts(counters, said.address_header)
    sign_in = SignIn(door, sessions, keys, store, attempts, cookies, rendering, now, oidc)
    watcher = Watcher(store, now)
    stack.callback(watcher.close)
    return [*Live(door, watcher).routes(), *Site(sources, door, rendering, shown).routes(), *sign_in.routes()]


def _oidc(said: DashboardSettings, stack: AsyncExitStack) -> tuple[Oidc | None, str]:
    """The provider of identities, and what tells its settings from others. Its library is an extra of its own."""
    if not said.oidc.issuer:
        return None, ""
    if importlib.util.find_spec("joserfc") is None:
        log.warning("dashboard.oidc needs `pip install 'farthing[oidc]'`; people sign in with keys only")
        return None, ""
    module = importlib.import_module("farthing.dashboard.access.oidc")
    provider = module.Provider(said.oidc)
    stack.push_async_callback(provider.close)
    return Oidc(provider, module.Asked, said.oidc.label, said.url), module.oidc_mark(said.oidc)
