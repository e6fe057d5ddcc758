"""Lossless shaping: a request says the same in fewer tokens, and what that saved is booked.

Which transforms run is said by feature. Before the call goes on its body is shaped, afterwards it has its own body again, so
that another try shapes it alike. A held-out call goes as it came. Knows nothing of how transforms work.

The saving of an attempt is what the removed tokens would have cost at the rates that it was billed at:

    before = after + tokens removed x rate of the input they stood in (cached, written, or neither)

The tokens are estimated, by rules that tell rather too few; where in the request they stood decides the rate, since a
provider's cache holds its beginning.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from farthing.model.call import Answer, Call
from farthing.model.money import Nano, Pico, nano_from_pico
from farthing.model.record import Attempt, Saving
from farthing.model.usage import Usage
from farthing.pipeline import Proceed
from farthing.steps.shape import booking
from farthing.steps.shape.arm import LEVER, Arm
from farthing.wire.shaping.shape import Removed, Shaping, shaping

_WORDS = {
    "compact": "JSON without white space", "escapes": "letters for escapes", "schemas": "tool schemas without noise",
    "trailing": "no white space at line ends", "table": "records as a table", "repeats": "a reference to a text it has already",
}  # fmt: skip


class Lossless:
    """See the module. `features` says which transforms a feature's calls go through, where that differs from
    `everywhere`; none means that they are left alone."""

    name = "lossless"

    def __init__(
        self, everywhere: frozenset[str], features: Mapping[str, frozenset[str]], arm: Arm, shaping: Shaping = shaping
    ) -> None:
        shapers = {each: shaping(each) for each in {everywhere, *features.values()} if each}
        self._everywhere = shapers.get(everywhere)
        self._features = {name: shapers.get(each) for name, each in features.items()}
        self._arm = arm

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        shaper = self._features.get(call.principal.feature, self._everywhere)
        if call.walk == "settling":
            return await _settled(call, proceed)
        if shaper is None:
            return await proceed(call)
        if self._arm.holds_out(call):
            call.trail.note(self.name, "as it came", "held out, so that prompt optimisation can be measured")
            return await proceed(call)
        body = call.body
        made = shaper(call.wire, body)
        if made is None:
            return await proceed(call)
        call.trail.note(self.name, *_told(made.removed))
        first = len(call.trail.attempts)
        call.body = made.body
        if call.kept is not None:
            call.kept[LEVER] = msgspec.to_builtins(made.removed)
        try:
            answer = await proceed(call)
        finally:
            call.body = body
        answer.on_end(partial(_book, call, made.removed, first))
        return answer


async def _settled(call: Call, proceed: Proceed) -> Answer:
    """Book what was removed when the call was prepared."""
    first = len(call.trail.attempts)
    answer = await proceed(call)
    kept = None if call.kept is None else call.kept.get(LEVER)
    if kept is not None:
        answer.on_end(partial(_book, call, msgspec.convert(kept, list[Removed]), first))
    return answer


def _told(removed: Sequence[Removed]) -> tuple[str, str]:
    """What fell, in words."""
    sums: dict[str, int] = {}
    for each in removed:
        sums[each.transform] = sums.get(each.transform, 0) + each.tokens
    why = ", ".join(f"{_WORDS[name]}: {tokens:,}" for name, tokens in sums.items())
    return f"about {sum(sums.values()):,} tokens fewer", why


def _book(call: Call, removed: Sequence[Removed], first: int, _: object) -> None:
    made = saving(call.trail.attempts[first:], removed)
    if made is not None:
        call.trail.savings.append(made)


def saving(attempts: Sequence[Attempt], removed: Sequence[Removed]) -> Saving | None:
    """What the attempts of one shaped request saved; None where nobody knows, or nothing. An attempt without usage or priced
    lines says nothing of the rates, and counts for nothing."""
    after = fallen = 0
    for attempt, usage in booking.known(attempts):
        after += attempt.cost
        fallen += _worth(attempt, usage, removed)
    return Saving(LEVER, after + fallen, after, estimated=True) if fallen else None


def _worth(attempt: Attempt, usage: Usage, removed: Sequence[Removed]) -> Nano:
    """What the removed tokens would have cost in this attempt."""
    rates = booking.billed(attempt)
    cached = usage.cached_in / usage.total_in
    kept = cached + usage.written / usage.total_in
    pico: Pico = 0
    for each in removed:
        pico += each.tokens * (rates.read if each.at < cached else rates.anew if each.at < kept else rates.plain)
    return nano_from_pico(pico)
