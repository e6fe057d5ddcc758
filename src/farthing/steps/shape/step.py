"""The shape step: the same answers from cheaper tokens. It plans what a call says to its provider's prompt cache.

What repeats in a tenant's prompts is learned from all its calls whose features want it; where a mark pays, the call
carries it, and whoever sends the call writes it down in the words of the provider. Requests that plan their caching by
themselves are left alone. Knows nothing of bytes on the wire beyond the blocks of a prompt.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec

from farthing.catalog.caching import Caching
from farthing.model.arms import PROVIDER_CACHING, Draw
from farthing.model.call import Answer, Call, Deployment
from farthing.model.errors import UnknownModel
from farthing.model.marks import MESSAGE, SYSTEM, TOOLS, Mark, Marks
from farthing.pipeline import Proceed
from farthing.prices import Pricing
from farthing.steps.shape import booking
from farthing.steps.shape.deciding import Decision, answered, decide, settle
from farthing.steps.shape.prefixes import Prefixes, Scope
from farthing.wire.blocks import Blocks, blocks
from farthing.wire.tokens import MOST_A_BYTE, told_ratio

LEAST_BYTES = 1_500
"""Shorter bodies have no prompt that any provider would keep."""
AUTOMATIC_S = (300, 3_600)
"""Lifetimes by which reuse is counted where requests have no say."""
FAMILIAR = 3
"""Uses of an opening from which on calls are kept together by it, at providers that keep all prompts by themselves."""
LEARNING = 0.1
"""Weight of a new call in what is known of tokens by bytes."""
PARTS = {TOOLS: 0, SYSTEM: 1, MESSAGE: 2}

Places = Callable[[str], Sequence[Deployment]]
"""Where a model is served. Raises UnknownModel."""
Read = Callable[[str, bytes], Blocks | None]
"""As `wire.blocks.blocks`."""
Spoken = Callable[[str, str], str]
"""The format that is spoken with a provider for calls of a wire; empty where there is none."""


class Cachings(Protocol):
    """See `catalog.Cachings`."""

    def of(self, deployment: Deployment, format: str) -> Caching | None: ...


class Shape:
    """See the module. `features` says for which features marks are planned, where that differs from `everywhere`."""

    name = "shape"

    def __init__(
        self, everywhere: bool, features: Mapping[str, bool], prefixes: Prefixes, cachings: Cachings, places: Places,
        spoken: Spoken, book: Pricing, clock: Callable[[], float], read: Read = blocks,
    ) -> None:  # fmt: skip
        self._everywhere = everywhere
        self._features = dict(features)
        self._prefixes = prefixes
        self._cachings = cachings
        self._read = read
        self._places = places
        self._spoken = spoken
        self._prices = book
        self._clock = clock
        self._draw = Draw(PROVIDER_CACHING)
        self.hold_out = self._draw.hold_out

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if call.walk == "settling":
            return await self._settled(call, proceed)
        if not self._features.get(call.principal.feature, self._everywhere) or len(call.body) < LEAST_BYTES:
            return await proceed(call)
        looked = self._look(call) if call.marks is None else None
        if looked is None:
            return await proceed(call)
        found, rates, scope, decision = looked
        if self._is_held_out(call, found, rates):
            call.trail.note(self.name, "unmarked", "held out: it goes without marks, so that caching can be measured")
        else:
            self._mark(call, found, rates, decision)
        first = len(call.trail.attempts)
        answer = await proceed(call)
        if answer.status < 400 and call.marks is not None and call.marks.points:
            answered(scope, decision, rates, self._clock())
        answer.on_end(partial(self._end, call, found, rates, scope, decision, first))
        return answer

    async def _settled(self, call: Call, proceed: Proceed) -> Answer:
        """Book what marks saved that were made when the call was prepared. When a batch read its prompts nobody knows, so
        nothing is learned from it."""
        first = len(call.trail.attempts)
        answer = await proceed(call)
        answer.on_end(partial(self._book, call, first))
        return answer

    def _book(self, call: Call, first: int, _: object) -> None:
        saving = booking.saving(call.trail.attempts[first:], self._deployments(call), self._prices)
        if saving is not None:
            call.trail.savings.append(saving)

    def _look(self, call: Call) -> tuple[Blocks, Caching, Scope, Decision] | None:
        """What the call's prompt is made of and what is known of it; None where there is nothing to plan."""
        try:
            place = self._places((call.targets or (call.ask.model,))[0])[0]
        except UnknownModel:
            return None
        rates = self._cachings.of(place, self._spoken(call.wire, place.provider))
        if rates is None or not (rates.keeps or rates.key or rates.header):
            return None
        found = self._read(call.wire, call.body)
        if found is None or not found.digests:
            return None
        if found.marked:
            call.trail.note(self.name, "unmarked", "the request plans its caching by itself")
            return None
        lifetimes = [keep.seconds for keep in rates.keeps] or AUTOMATIC_S
        scope = self._prefixes.scope(
            call.principal.tenant, f"{place.prices}/{place.price_as or place.model}", lifetimes
        )
        call.opening = found.digests[0]
        ratio = scope.tokens_a_byte
        tokens = [int(end * ratio) for end in found.ends]
        parts = [PARTS[each.part] for each in found.places]
        return found, rates, scope, decide(scope, found.digests, parts, tokens, rates, self._clock())

    def _is_held_out(self, call: Call, found: Blocks, rates: Caching) -> bool:
        """Drawn by how the prompt begins, so that what one arm has written is not read by the other. Where nothing can be
        marked a call is in no arm: a key alone is booked by nobody, and would bury what marks do."""
        return bool(rates.keeps) and self._draw.notes(call.arms, f"{call.principal.tenant}\0{found.digests[0]:016x}")

    def _mark(self, call: Call, found: Blocks, rates: Caching, decision: Decision) -> None:
        points = decision.plan.points
        key = self._key(found, rates, decision)
        if not points and not decision.never and not key:
            return
        last = {place.part: at for at, place in enumerate(found.places)}
        marks = tuple(
            Mark(found.places[at], rates.keeps[keep].ttl, at == last[found.places[at].part]) for at, keep in points
        )
        explicit = rates.way == "breakpoints" and (bool(points) or decision.never)
        held = [each for each in decision.seen if each.live >= 0]
        call.marks = Marks(marks, explicit, goes_on=bool(held) and held[-1].ended, key=key)
        if any(mark.ttl == "1h" for mark in marks) and call.ask.cache_ttl == "5m":
            call.ask = msgspec.structs.replace(call.ask, cache_ttl="1h")
        if points or decision.never:
            call.trail.note(self.name, *_told(marks, found, decision))

    def _key(self, found: Blocks, rates: Caching, decision: Decision) -> str:
        """What keeps calls with the same opening together at hosts that are many. From the first write on, or from where
        an opening is known to come again: a key that changes makes a prompt new, and one of its own helps nobody."""
        if not (rates.key or rates.header) or not (
            decision.plan.points or (not rates.keeps and decision.seen[0].uses >= FAMILIAR)
        ):
            return ""
        return f"{found.digests[0]:016x}"

    def _end(
        self, call: Call, found: Blocks, rates: Caching, scope: Scope, decision: Decision, first: int, _: object
    ) -> None:  # fmt: skip
        """Book what the marks saved, and learn from what the provider read and wrote."""
        attempts = call.trail.attempts[first:]
        last = next((attempt for attempt in reversed(attempts) if not attempt.part), None)
        usage = None if last is None or last.estimated else last.usage
        if usage is not None and usage.total_in and found.ends[-1]:
            scope.tokens_a_byte += LEARNING * (told_ratio(usage.total_in, found.ends[-1]) - scope.tokens_a_byte)
        if call.marks is None:
            return
        sent = booking.marked(attempts)
        if sent and usage is not None and sent[-1] is last:
            most = int(found.ends[-1] * MOST_A_BYTE)  # whatever a host says that it has read
            settle(scope, decision, rates, min(usage.cache_read, most), usage.written)
        self._book(call, first, None)

    def _deployments(self, call: Call) -> list[Deployment]:
        """Where the call may have been; the one that served it may be of a model that took over."""
        found = [call.deployment] if call.deployment is not None else []
        for model in call.targets or (call.ask.model,):
            try:
                found += self._places(model)
            except UnknownModel:
                continue
        return found


def _told(marks: Sequence[Mark], found: Blocks, decision: Decision) -> tuple[str, str]:
    """The plan in words."""
    plan = decision.plan
    if not marks:
        return "keep nothing", "prompts of this kind do not come again soon enough for a write to pay"
    what = ", ".join(f"{_where(mark)} {mark.ttl}" for mark in marks)
    chances = {each.at: each for each in decision.seen}
    last = chances.get(plan.points[-1].at)
    why = f"{plan.read:,} tokens are thought to be held, {plan.written:,} are written"
    if last is not None and plan.written:
        why += f"; seen {last.uses} times before, likely again {last.chances[plan.points[-1].keep]:.0%}"
    return f"keep {what}", why


def _where(mark: Mark) -> str:
    if mark.end:
        return {TOOLS: "the tools", SYSTEM: "the system prompt", MESSAGE: "all"}[mark.place.part]
    return f"message {mark.place.message + 1}" if mark.place.message >= 0 else f"system block {mark.place.block + 1}"
