"""The pages for people, made and joined. Loaded only where their libraries are installed."""

from contextlib import AsyncExitStack

from starlette.routing import BaseRoute

from farthing.dashboard.access.door import Door
from farthing.dashboard.charts.studio import Studio
from farthing.dashboard.rendering import Rendering
from farthing.dashboard.site import Site
from farthing.dashboard.sources import Sources
from farthing.gateway.guard import Guard
from farthing.settings import Settings
from farthing.steps.balance.health import Health
from farthing.store import Ledger, Store
from farthing.store.store import now_us


def build_dashboard(
    settings: Settings, store: Store, ledger: Ledger, health: Health, guard: Guard, stack: AsyncExitStack
) -> list[BaseRoute]:  # fmt: skip
    studio = Studio()
    stack.callback(studio.close)
    sources = Sources(settings, store, ledger, health, now_us)
    return [*Site(sources, Door(guard, store), Rendering(studio)).routes()]
