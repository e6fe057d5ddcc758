"""The prompts' part of the composition root: settings -> the step `shape`, and who writes its marks down. Nothing is decided
here."""

from contextlib import AsyncExitStack
from typing import NamedTuple

import msgspec

from farthing.app.around import REAL, Around
from farthing.catalog.caching import Cachings
from farthing.model.call import Call
from farthing.model.marks import ALIKE, EXPLICIT, MARKED
from farthing.prices import PriceBook
from farthing.quality.arms import Hear
from farthing.settings import PromptSettings, Settings
from farthing.steps.shape.keeping import Keeper
from farthing.steps.shape.prefixes import Prefixes
from farthing.steps.shape.step import Shape
from farthing.store import Store
from farthing.store.prefixes import Prefixes as Kept
from farthing.upstream.providers import Providers
from farthing.upstream.relay import Dress, spoken_with
from farthing.wire.marks import with_marks


class Built(NamedTuple):
    """What the gateway needs of it."""

    steps: tuple[Shape, ...] = ()
    dress: Dress | None = None
    hear: Hear = lambda shares, salt: None
    """Wants to know the shares of hold-outs."""


def plans_caching(settings: PromptSettings) -> bool:
    """Whether any feature wants its prompts marked."""
    return "auto" in {settings.provider_caching, *(each.provider_caching for each in settings.features.values())}


async def build_prompts(
    settings: Settings, store: Store, providers: Providers, book: PriceBook, stack: AsyncExitStack, around: Around = REAL
) -> Built:  # fmt: skip
    """The step, where any feature wants it."""
    prompts = settings.prompts
    if not plans_caching(prompts):
        return Built()
    clock = around.clock
    cachings = Cachings(book, clock.now_us)
    prefixes = Prefixes()
    keeper = Keeper(prefixes, Kept(store), clock.now_us)
    if around.driven:
        await keeper.read()
    else:
        await keeper.start()
    stack.push_async_callback(keeper.close)
    named = {name: each.provider_caching == "auto" for name, each in prompts.features.items() if each.provider_caching}
    step = Shape(
        prompts.provider_caching == "auto", named, prefixes, cachings, providers.deployments,
        lambda wire, provider: spoken_with(wire, providers[provider]), book, clock.seconds,
        around.readers.blocks,
    )  # fmt: skip
    return Built((step,), _dresser(cachings), step.hold_out)


def _dresser(cachings: Cachings) -> Dress:
    """Marks go to the provider that the attempt really goes to, as far as it knows such marks."""

    def dress(call: Call, spoken: str, body: bytes) -> tuple[bytes, str]:
        marks, deployment = call.marks, call.deployment
        there = cachings.of(deployment, spoken) if deployment is not None else None
        if marks is None or there is None:
            return body, ""
        ttls = {keep.ttl for keep in there.keeps}
        if any(point.ttl not in ttls for point in marks.points) or (marks.explicit and there.way != "breakpoints"):
            return body, ""
        if marks.key and not there.key:
            marks = msgspec.structs.replace(marks, key="")
        written = with_marks(spoken, body, marks, call.wire, call.body)
        if written is body or not (marks.points or marks.explicit):
            return written, ""
        return written, MARKED if there.way == "marks" else ALIKE if marks.goes_on else EXPLICIT

    return dress
