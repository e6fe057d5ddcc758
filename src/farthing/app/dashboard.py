"""The pages for people, made and joined. Loaded only where their libraries are installed."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from starlette.routing import BaseRoute

from farthing.app.routing import Models
from farthing.dashboard.access.door import Door
from farthing.dashboard.charts.studio import Studio
from farthing.dashboard.proofs import Proofs
from farthing.dashboard.rendering import Rendering
from farthing.dashboard.site import Site
from farthing.dashboard.sources import Sources
from farthing.gateway.guard import Guard
from farthing.model.routes import Table
from farthing.settings import Settings
from farthing.steps.balance.health import Health
from farthing.store import Ledger, Store
from farthing.store.store import now_us


def build_dashboard(
    settings: Settings, store: Store, ledger: Ledger, health: Health, models: Models, table: Callable[[], Table],
    guard: Guard, stack: AsyncExitStack,
) -> list[BaseRoute]:  # fmt: skip
    studio, proofs = Studio(), Proofs(settings.store.url.reveal())
    stack.callback(studio.close)
    stack.callback(proofs.close)
    sources = Sources(settings, store, ledger, health, now_us, models.catalog, models.costs, table, proofs)
    return [*Site(sources, Door(guard, store), Rendering(studio)).routes()]
