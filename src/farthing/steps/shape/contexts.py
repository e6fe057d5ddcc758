"""Contexts: beginnings of prompts that are put into a provider's keeping under a name, where the provider bills them by the
hour (Gemini's cached contents).

Reading one costs what a read of the provider's own cache costs. That cache is free and holds what it likes; so what a context
brings is the tokens that would not have been held without it, at the difference of the rates:

    gain an hour    calls an hour x (1 - share that is held anyway) x (plain - read) - storage of an hour

of each token. Its making costs the plain price once. One is made where the gain of a single hour pays for that, and goes on
while there is a gain at all. How much is held anyway is learned from calls before there is a context, and later from those
that are held out. Pure, but for the step; whoever makes contexts is `context_keeping`.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec

from farthing.catalog.caching import Caching
from farthing.model.arms import PROVIDER_CACHING, Draw
from farthing.model.call import Answer, Call, Deployment
from farthing.model.errors import UnknownModel
from farthing.model.marks import SYSTEM, Context, Marks
from farthing.pipeline import Proceed
from farthing.prices import Pricing
from farthing.steps.shape import booking
from farthing.wire.blocks import Blocks, blocks
from farthing.wire.gemini_context import WIRE

LEAST_BYTES = 4_000
"""Shorter bodies hold nothing that such a provider would keep."""
MEMORY_S = 1_800.0
"""Uses fade with this time constant."""
SEEN = 8
"""Uses whose usage was reported from which on a context may be made."""
OUTCOMES = 64.0
"""Tokens that were held anyway are a share of so many uses at most; older ones fade."""
PAYS_WITHIN_H = 1.0
MOST = 500
"""Beginnings that are watched."""
TOKENS_A_BYTE = 0.25

Key = tuple[str, str, str, int]
"""Tenant, provider, model, digest of the beginning."""


class Rates(Protocol):
    """Pico-dollars a token; see `catalog.Caching`."""

    @property
    def plain(self) -> int: ...
    @property
    def read(self) -> int: ...
    @property
    def storage(self) -> int: ...


def gain(calls_an_hour: float, held_anyway: float, rates: Rates) -> float:
    """Pico-dollars an hour of each token that lies in a context."""
    return calls_an_hour * (1 - held_anyway) * (rates.plain - rates.read) - rates.storage


def least_calls(held_anyway: float, rates: Rates) -> float:
    """Calls an hour from which on a context is made; infinite where the provider holds all by itself."""
    worth = (1 - held_anyway) * (rates.plain - rates.read)
    return (rates.storage + rates.plain / PAYS_WITHIN_H) / worth if worth > 0 else math.inf


class Beginning:
    """One beginning of prompts, and its context while there is one."""

    def __init__(self, key: Key, rates: Rates) -> None:
        self.key = key
        self.rates = rates
        self.tokens = 0
        """Estimated until a provider has counted them."""
        self.context: Context | None = None
        self.wanted = False
        """The next call is to leave a body to make one of."""
        self.body = b""
        """It stays until one is made."""
        self.not_before = 0.0
        """No context is made until then, since one failed."""
        self._uses = 0.0
        self._at = 0.0
        self._outcomes = 0.0
        self._held = 0.0

    def use(self, now: float) -> None:
        self._uses = self._uses * math.exp((self._at - now) / MEMORY_S) + 1
        self._at = now

    def saw(self, read: int) -> None:
        """A call without the context has read so many tokens."""
        if self._outcomes >= OUTCOMES:
            self._outcomes, self._held = self._outcomes - 1, self._held * (1 - 1 / OUTCOMES)
        self._outcomes += 1
        self._held += min(1.0, read / max(1, self.tokens))

    def calls_an_hour(self, now: float) -> float:
        return self._uses * math.exp((self._at - now) / MEMORY_S) * 3_600 / MEMORY_S

    @property
    def held_anyway(self) -> float:
        """The share of its tokens that the provider holds by itself; 1 while that is not known."""
        return self._held / self._outcomes if self._outcomes else 1.0

    def is_worth_making(self, now: float) -> bool:
        if self._outcomes < SEEN or now < self.not_before:
            return False
        return self.calls_an_hour(now) > least_calls(self.held_anyway, self.rates)

    def is_worth_keeping(self, now: float) -> bool:
        return gain(self.calls_an_hour(now), self.held_anyway, self.rates) > 0


class Cachings(Protocol):
    """See `catalog.Cachings`."""

    def of(self, deployment: Deployment, format: str) -> Caching | None: ...


Places = Callable[[str], Sequence[Deployment]]
"""Where a model is served. Raises UnknownModel."""
HasContexts = Callable[[str], bool]
"""Whether a provider, by its name, keeps contexts."""


class Contexts:
    """The step. `features` says for which features contexts are used, where that differs from `everywhere`."""

    name = "contexts"

    def __init__(
        self, everywhere: bool, features: Mapping[str, bool], cachings: Cachings, places: Places,
        has_contexts: HasContexts, book: Pricing, clock: Callable[[], float],
        read: Callable[[str, bytes], Blocks | None] = blocks,
    ) -> None:  # fmt: skip
        self._everywhere = everywhere
        self._features = dict(features)
        self._cachings = cachings
        self._places = places
        self._has_contexts = has_contexts
        self._book = book
        self._clock = clock
        self._read = read
        self._draw = Draw(PROVIDER_CACHING)
        self.hold_out = self._draw.hold_out
        self.beginnings: OrderedDict[Key, Beginning] = OrderedDict()
        self.on_body: Callable[[], None] = lambda: None
        """Is told when a call has left a body to make a context of."""

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if call.wire != WIRE or call.walk not in ("live", "alone") or len(call.body) < LEAST_BYTES:
            return await proceed(call)
        if call.marks is not None or not self._features.get(call.principal.feature, self._everywhere):
            return await proceed(call)
        looked = self._look(call)
        if looked is None:
            return await proceed(call)
        beginning, place = looked
        context = None if self._is_held_out(call, beginning) else beginning.context
        if context is not None:
            call.marks = Marks(context=context)
            per = f"{beginning.calls_an_hour(self._clock()):.0f} calls an hour, of which {context.by_itself} % are held anyway"
            call.trail.note("shape", "name a kept context", f"{beginning.tokens:,} tokens lie at the provider; {per}")
        first = len(call.trail.attempts)
        answer = await proceed(call)
        answer.on_end(partial(self._end, call, beginning, place, first))
        return answer

    def lost(self, context: Context) -> None:
        """The provider does not know it any more."""
        for beginning in self.beginnings.values():
            if beginning.context is not None and beginning.context.name == context.name:
                beginning.context = None

    def _look(self, call: Call) -> tuple[Beginning, Deployment] | None:
        try:
            place = self._places((call.targets or (call.ask.model,))[0])[0]
        except UnknownModel:
            return None
        if not self._has_contexts(place.provider):
            return None
        rates = self._cachings.of(place, WIRE)
        found = self._read(call.wire, call.body) if rates is not None and rates.storage else None
        if rates is None or found is None or found.marked or not found.places:
            return None
        if found.places[0].part != SYSTEM or found.places[-1].part == SYSTEM:
            return None
        last = max(at for at, each in enumerate(found.places) if each.part == SYSTEM)
        beginning = self._beginning((call.principal.tenant, place.provider, place.model, found.digests[last]), rates)
        beginning.tokens = beginning.tokens or int(found.ends[last] * TOKENS_A_BYTE)
        if beginning.tokens < rates.least:
            return None
        beginning.use(self._clock())
        if beginning.wanted and beginning.context is None:
            beginning.wanted, beginning.body = False, call.body
            self.on_body()
        return beginning, place

    def _beginning(self, key: Key, rates: Caching) -> Beginning:
        found = self.beginnings.get(key)
        if found is None:
            found = self.beginnings[key] = Beginning(key, rates)
            if len(self.beginnings) > MOST:
                self.beginnings.popitem(last=False)
        else:
            self.beginnings.move_to_end(key)
        found.rates = rates
        return found

    def _is_held_out(self, call: Call, beginning: Beginning) -> bool:
        """Drawn call by call, since no call without a context writes what one with it reads; and only once there is one."""
        return beginning.context is not None and self._draw.notes(call.arms, call.id)

    def _end(self, call: Call, beginning: Beginning, place: Deployment, first: int, _: object) -> None:
        """Book what the context saved, and learn what is held without one."""
        attempts = call.trail.attempts[first:]
        last = next((attempt for attempt in reversed(attempts) if not attempt.part), None)
        if last is None or last.usage is None or last.estimated:
            return
        if booking.marked(attempts):
            saving = booking.saving(attempts, [place], self._book)
            if saving is not None:
                call.trail.savings.append(msgspec.structs.replace(saving, estimated=True))
        elif last.provider == place.provider and last.outcome == "ok":
            beginning.saw(last.usage.cache_read)
            idle = beginning.context is None and not beginning.body
            beginning.wanted = idle and beginning.is_worth_making(self._clock())
