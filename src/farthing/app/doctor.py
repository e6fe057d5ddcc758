"""The doctor's part of the composition root: settings -> the steps that look at prompts, and that mend what can be mended
without a change of meaning. Nothing is decided here."""

from contextlib import AsyncExitStack
from typing import NamedTuple

from farthing.app.around import REAL, Around
from farthing.catalog.caching import Cachings
from farthing.pipeline import Step
from farthing.prices import PriceBook
from farthing.settings import PromptSettings
from farthing.steps.shape.doctor import Doctor, Reporter
from farthing.steps.shape.mending import Mend
from farthing.store import Store
from farthing.store.busters import Busters
from farthing.upstream.providers import Providers
from farthing.upstream.relay import spoken_with


class Looked(NamedTuple):
    """What the gateway needs of it."""

    mend: tuple[Step, ...] = ()
    """Before anything else is done to a prompt."""
    look: tuple[Step, ...] = ()
    """After all that is done to it."""


def build_doctor(
    settings: PromptSettings, store: Store, providers: Providers, book: PriceBook, stack: AsyncExitStack,
    around: Around = REAL,
) -> Looked:  # fmt: skip
    """The steps that settings want."""
    named = {name: each.repair for name, each in settings.features.items() if each.repair is not None}
    mend = (Mend(settings.repair, named),) if settings.repair or any(named.values()) else ()
    if not settings.doctor:
        return Looked(mend)
    clock = around.clock
    doctor = Doctor(
        Cachings(book, clock.now_us), lambda wire, provider: spoken_with(wire, providers[provider]), clock.seconds
    )
    reporter = Reporter(doctor, Busters(store))
    if not around.driven:
        reporter.start()
    stack.push_async_callback(reporter.close)
    return Looked(mend, (doctor,))
