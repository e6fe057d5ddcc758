"""The prompts' part of the composition root: settings -> the steps `shape` and `contexts`, and who writes their marks down.
Nothing is decided here."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import NamedTuple

import msgspec

from farthing.app.around import REAL, Around
from farthing.catalog.caching import Caching, Cachings
from farthing.model.call import Answer, Call
from farthing.model.marks import ALIKE, EXPLICIT, MARKED, Marks
from farthing.model.record import Record
from farthing.pipeline import Step
from farthing.prices import PriceBook
from farthing.quality.arms import Hear
from farthing.quality.stored import stored_record
from farthing.settings import PromptSettings, Settings
from farthing.steps.shape.context_keeping import ContextKeeper, Stored
from farthing.steps.shape.contexts import Contexts
from farthing.steps.shape.keeping import Keeper
from farthing.steps.shape.prefixes import Prefixes
from farthing.steps.shape.step import Shape
from farthing.store import Store
from farthing.store.prefixes import Prefixes as Kept
from farthing.upstream.context_caches import ContextCaches, Refused, has_contexts
from farthing.upstream.providers import Providers
from farthing.upstream.relay import Dress, Dressed, Undress, spoken_with
from farthing.wire.blocks import blocks
from farthing.wire.gemini_context import with_context
from farthing.wire.marks import Read, with_marks


class Built(NamedTuple):
    """What the gateway needs of it."""

    steps: tuple[Step, ...] = ()
    dress: Dress | None = None
    undress: Undress | None = None
    hear: Hear = lambda shares, salt: None
    """Wants to know the shares of hold-outs."""


def plans_caching(settings: PromptSettings) -> bool:
    """Whether any feature wants its prompts marked."""
    return "auto" in {settings.provider_caching, *(each.provider_caching for each in settings.features.values())}


async def build_prompts(
    settings: Settings, store: Store, providers: Providers, book: PriceBook, stack: AsyncExitStack, around: Around = REAL,
    put: Callable[[Record], None] = lambda record: None,
) -> Built:  # fmt: skip
    """The steps, where any feature wants them. `put` takes rows for the ledger."""
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
    everywhere = prompts.provider_caching == "auto"
    shape = Shape(
        everywhere, named, prefixes, cachings, providers.deployments,
        lambda wire, provider: spoken_with(wire, providers[provider]), book, clock.seconds,
        around.readers.blocks,
    )  # fmt: skip
    if prompts.contexts == "off" or around.driven:
        return Built((shape,), _dresser(cachings, around.readers.blocks), None, shape.hold_out)
    contexts = Contexts(
        everywhere, named, cachings, providers.deployments, lambda name: has_contexts(providers[name]), book,
        clock.seconds, around.readers.blocks,
    )  # fmt: skip

    def book_storage(stored: Stored) -> None:
        tenant, provider, model, _ = stored.key
        put(stored_record(around.new_id(), tenant, providers[provider].prices, provider, model, stored, book, clock))

    looks_after = ContextKeeper(
        contexts, lambda name: ContextCaches(providers[name]), Refused, book_storage, clock.seconds
    )  # fmt: skip
    looks_after.start()
    stack.push_async_callback(looks_after.close)

    def hear(shares: Mapping[str, float], salt: str) -> None:
        shape.hold_out(shares, salt)
        contexts.hold_out(shares, salt)

    return Built((contexts, shape), _dresser(cachings, around.readers.blocks), _undresser(contexts), hear)


def _dresser(cachings: Cachings, read: Read = blocks) -> Dress:
    """Marks go to the provider that the attempt really goes to, as far as it knows such marks."""

    def dress(call: Call, spoken: str, body: bytes) -> Dressed:
        marks, deployment = call.marks, call.deployment
        if marks is None or deployment is None:
            return Dressed(body)
        context = marks.context
        if context is not None:
            if spoken != call.wire or (context.provider, context.model) != (deployment.provider, deployment.model):
                return Dressed(body)
            named = with_context(body, context)
            return Dressed(body) if named is body else Dressed(named, context.flag)
        there = cachings.of(deployment, spoken)
        return Dressed(body) if there is None else _marked(call, spoken, body, marks, there, read)

    return dress


def _marked(call: Call, spoken: str, body: bytes, marks: Marks, there: Caching, read: Read) -> Dressed:
    ttls = {keep.ttl for keep in there.keeps}
    if any(point.ttl not in ttls for point in marks.points) or (marks.explicit and there.way != "breakpoints"):
        return Dressed(body)
    headers = ((there.header.encode(), marks.key.encode()),) if marks.key and there.header else ()
    if marks.key and not there.key:
        marks = msgspec.structs.replace(marks, key="")
    written = with_marks(spoken, body, marks, call.wire, call.body, read)
    if written is body or not (marks.points or marks.explicit):
        return Dressed(written, "", headers)
    return Dressed(written, MARKED if there.way == "marks" else ALIKE if marks.goes_on else EXPLICIT, headers)


_GONE = (400, 403, 404)
"""Statuses with which a context is refused that is not there any more."""


def _undresser(contexts: Contexts) -> Undress:
    """A call whose context is gone is sent again without it."""

    def undress(call: Call, answer: Answer) -> bool:
        context = call.marks.context if call.marks is not None else None
        if context is None or answer.status not in _GONE or b"cached" not in answer.body.lower():
            return False
        contexts.lost(context)
        call.marks = None
        return True

    return undress
