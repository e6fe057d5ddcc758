"""The cache's part of the composition root: settings -> the step, and who takes feedback. Nothing is decided here."""

import importlib
import logging
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from farthing.app.around import REAL, Around
from farthing.embed import Encoder, EncoderError
from farthing.embed.endpoint import Endpoint
from farthing.embed.memo import Memo
from farthing.embed.minilm import MiniLM
from farthing.quality.errand import FEATURES, Errands
from farthing.quality.judge import Judge
from farthing.settings import CacheSettings, Settings
from farthing.steps.cache.bounds import Bounds
from farthing.steps.cache.feedback import Feedback
from farthing.steps.cache.flight import Flights
from farthing.steps.cache.policy import Policies
from farthing.steps.cache.step import Cache, StillServes
from farthing.store.buckets import Buckets
from farthing.store.entries import Budget, Budgets, Entries, open_entries, wrapping

UNHURRIED: dict[str, Any] = {"patience_s": 60.0}
ROOMY: dict[str, Any] = {"queue": 1_000_000}
"""Whoever drives a gateway on a clock of its own gets the same answers however busy the machine is."""
PASSING: dict[str, Any] = {"flush_s": 3600.0, "kept": False}
"""Whoever reads nothing later needs nothing written that memory can hold."""
log = logging.getLogger("farthing.cache")


class Built(NamedTuple):
    """What the gateway needs of the cache."""

    step: Cache
    feedback: Feedback
    entries: Entries
    """What is stored."""
    encoder: Encoder | None = None
    """The local text encoder with what it remembers, where there is one: other parts need no second. The step closes it."""
    semantic: Any = None
    """The semantic tier, where any feature wants it."""

    async def settle(self) -> None:
        """What calls left to be done beside them is done and written, for whoever drives the gateway."""
        if self.semantic is not None:
            await self.semantic.settle()
            await self.entries.flush()


async def build_cache(
    settings: Settings, errands: Errands, still_serves: StillServes, stack: AsyncExitStack, around: Around = REAL
) -> Built | None:  # fmt: skip
    """The cache, where any feature wants it. `errands` sends the judge's and the encoder's own calls."""
    modes = {settings.cache.mode, *(feature.mode for feature in settings.cache.features.values())}
    if not modes & {"exact", "semantic"}:
        return None
    entries = await open_entries(
        settings.store.url.reveal(),
        wrapping=wrapping(settings.cache.encryption_key.reveal()),
        budgets=Budgets(Budget(settings.cache.max_mb * 2**20, settings.cache.max_entries)),
        now_us=around.clock.now_us, **(UNHURRIED | ROOMY if around.driven else {}), **({} if around.kept else PASSING),
    )  # fmt: skip
    stack.push_async_callback(entries.close)
    flights = Flights()
    stack.push_async_callback(flights.close)
    bounds = Bounds(
        entries, settings.cache.wrong_hits_percent / 100, settings.cache.judge, clock=around.clock.monotonic
    )  # fmt: skip
    encoder = await _encoder(settings.cache, errands, around.readers.encoder) if "semantic" in modes else None
    memo = encoder if encoder is None or isinstance(encoder, Memo) else Memo(encoder)
    semantic = _semantic(settings.cache, memo, entries, bounds, errands, stack, around) if memo is not None else None
    policies = Policies(settings.cache)
    step = Cache(
        policies, entries, flights, semantic, usage=settings.cache.usage, still_serves=still_serves,
        clock=around.clock.seconds, questions=around.readers.questions,
    )  # fmt: skip
    local = None if isinstance(encoder, Endpoint) else memo
    return Built(step, Feedback(entries, bounds, semantic, policies, around.clock.now_us), entries, local, semantic)


def _semantic(
    settings: CacheSettings, encoder: Encoder, entries: Entries, bounds: Bounds, errands: Errands, stack: AsyncExitStack,
    around: Around,
) -> Any:  # fmt: skip
    """numpy is an extra, and slow to import: only who wants this tier pays for it."""
    semantic = importlib.import_module("farthing.steps.cache.semantic")
    index = importlib.import_module("farthing.steps.cache.index").Index()
    tier = semantic.Semantic(
        encoder, index, entries, bounds, around.judge or Judge(errands, settings.judge), Buckets(around.clock.monotonic),
        check_share=settings.check_percent / 100, judgements_a_minute=settings.judgements_a_minute,
        probe_share=settings.probe_percent / 100, now_us=around.clock.now_us,
        **({"chance": around.dice.random} if around.dice is not None else {}),
        **(UNHURRIED if around.driven else {}),
    )  # fmt: skip
    stack.push_async_callback(tier.close)
    tier.start()
    return tier


async def _encoder(settings: CacheSettings, errands: Errands, shared: Memo | None) -> Encoder | None:
    """The provider's model that settings name, else the local one. Without its extra there is none: exact hits remain."""
    if settings.encoder:

        async def post(body: bytes) -> tuple[int, bytes]:
            answer = await errands.send("openai.embeddings", body, tenant="default", feature=FEATURES[1])
            return answer.status, answer.body

        return Endpoint(post, settings.encoder)
    if shared is not None:
        return shared
    local = MiniLM(settings.threads)
    try:
        await local.warm()
    except EncoderError as error:
        log.warning("no semantic cache, exact hits only: %s", error)
        return None
    return local
