"""Long conversations without their middle: the system prompt, the first turn and the latest ones stay, the oldest of the others
are left out, whole, or a summary stands for them.

When and how many is told by `trimming`, and how long conversations go on is learned from those before. What was decided for one
is remembered, so that what is learned meanwhile does not change it. Where the client marks anything in its conversation for the provider's cache, it is
left alone. What that saves is what the tokens that are gone would have cost at the rates that the call was billed at, less
what reading the rest anew cost in the turn of a trim:

    before = after + gone x (rate of a read where the provider holds prompts, else the plain rate)
                   - rest x (rate that it was read anew at - rate of a read)      in that turn

Tokens are told from bytes, by what this very call had of both. A summary's own cost is booked by whoever makes it.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from math import inf
from typing import Any, NamedTuple

import msgspec

from farthing.model.call import Answer, Call, Deployment
from farthing.model.money import nano_from_pico
from farthing.model.record import Saving
from farthing.steps.shape import booking
from farthing.steps.shape.arm import LEVER
from farthing.steps.shape.control import Change, Places, Quiet
from farthing.steps.shape.lengths import Lengths
from farthing.steps.shape.places import deployments
from farthing.steps.shape.summaries import Key, Summaries
from farthing.steps.shape.trimming import Cut, Rates, Rule, cuts, first_above
from farthing.wire.blocks import seen_size
from farthing.wire.client_marks import marked_messages
from farthing.wire.turns import WIRES, Turns, can_drop, told, turns, without

BYTES_A_TOKEN = 4
"""Of a conversation; a guess that only says when it is long."""
LEFT_OUT = "[Earlier turns of this conversation are left out here.]"
SUMMED_UP = "[Earlier turns of this conversation are left out here. What was said in them, in short:\n{}\n]"

Known = Callable[[Deployment, str], Rates]
"""What input costs at a place for requests of a format, per token in pico-dollars; the same rate thrice where it holds
nothing for them."""


REMEMBERED = 5_000
"""Conversations whose trims are remembered."""


class Decided(NamedTuple):
    """What is settled for a conversation."""

    until: int = 0
    """The last turn that has been seen."""
    trims: frozenset[int] = frozenset()


class Kept(msgspec.Struct):
    """What booking needs to know of a trim. Sizes in bytes."""

    gone: int
    rest: int
    """What is read anew; 0 but for the turn of the trim."""
    sent: int
    read: float
    """Pico-dollars for a token that the provider holds; 0 where it holds none."""


class History(Quiet):
    """See the module. `above`: tokens; `keep`: turns. Without `summaries` nothing stands for what is left out."""

    name = "history"

    def __init__(
        self, above: int, keep: int, places: Places, known: Known, summaries: Summaries | None = None,
        summary_price: Callable[[], float | None] = lambda: 0.0,
    ) -> None:  # fmt: skip
        """`summary_price`: pico-dollars for a token that is summed up, all told; None where nobody knows."""
        self.key = f"history {'summarise' if summaries is not None else 'trim'} {above} {keep}"
        self._above = above * BYTES_A_TOKEN
        self._keep = keep
        self._places = places
        self._known = known
        self._summaries = summaries
        self._summary_price = summary_price
        self._lengths = Lengths()
        self._decided: OrderedDict[Key, Decided] = OrderedDict()

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        if len(call.body) <= self._above or call.wire not in WIRES:
            return None
        places = deployments(self._places, models[:1])
        found = turns(call.wire, call.body) if places else None
        if found is None or len(found.turns) < 3:
            return None
        marked = marked_messages(call.wire, call.body)
        if marked > found.turns[0].first:
            return None
        price = self._summary_price() if self._summaries is not None else 0.0
        rates = self._known(places[0], call.wire)
        if price is None:
            return None
        made = self._cuts(call, found, Rule(self._above, self._keep, price), rates)
        return self._without(call, found, made, rates) if made else None

    def _cuts(self, call: Call, found: Turns, rule: Rule, rates: Rates) -> list[Cut]:
        """The trims so far: what was decided before, and what is for the turns since."""
        tenant, last = call.principal.tenant, len(found.turns) - 1
        sizes, openings = [each.size for each in found.turns], [each.opening for each in found.turns]
        key = self._key(call, found, 0, 2)
        before = self._decided.get(key, Decided())
        passed = first_above(found.head, sizes, openings, rule.above)
        if passed <= last > before.until:
            self._lengths.note(tenant, last - passed)

        def expected(at: int, above: int, most: float) -> float | None:
            if at <= before.until:
                return inf if at in before.trims else -1
            return self._lengths.expected(tenant, above, most)

        made = cuts(found.head, sizes, openings, rule, rates, expected)
        self._decided[key] = Decided(max(last, before.until), before.trims | {each.at for each in made})
        self._decided.move_to_end(key)
        if len(self._decided) > REMEMBERED:
            self._decided.popitem(last=False)
        return made

    def _without(self, call: Call, found: Turns, made: Sequence[Cut], rates: Rates) -> Change | None:
        """The call with the latest cut that can be made."""
        cut = next((each for each in reversed(made) if can_drop(call.body, found, 1, each.until)), None)
        if cut is None:
            return None
        note, moves = LEFT_OUT, cut is made[-1] and cut.at == len(found.turns) - 1 and _begins(found)
        if self._summaries is not None:
            summed_up = self._summed_up(self._summaries, call, found, made[: made.index(cut) + 1])
            if summed_up is None:
                return None
            cut, note, moves = summed_up
        body = without(call.wire, call.body, found, 1, cut.until, note)
        kept = Kept(
            max(0, cut.gone - len(note)), cut.tail if moves else 0, seen_size(body),
            rates.read if rates.read < rates.plain else 0.0,
        )  # fmt: skip
        how = "summed up" if self._summaries is not None else "left out"
        return Change(
            body, f"{cut.until - 1} of {len(found.turns)} turns {how}",
            f"about {cut.gone // BYTES_A_TOKEN:,} tokens; the conversation is above {self._above // BYTES_A_TOKEN:,}",
            kept=msgspec.to_builtins(kept),
        )  # fmt: skip

    def _summed_up(
        self, summaries: Summaries, call: Call, found: Turns, made: Sequence[Cut]
    ) -> tuple[Cut, str, bool] | None:  # fmt: skip
        """The latest cut that has a summary, what stands for its turns, and whether it does so for the first time. Where the
        last cut has none, one is asked for, which goes on from the latest that there is."""
        keys = [self._key(call, found, 1, each.until) for each in made]
        at = next((at for at in range(len(made) - 1, -1, -1) if summaries.of(keys[at])), -1)
        before = summaries.of(keys[at]) if at >= 0 else ""
        if at < len(made) - 1:
            since = made[at].until if before else 1
            body = call.body
            messages = found.messages[found.turns[since].first : found.turns[made[-1].until].first]
            so_far = f"What was said before that, in short:\n{before}\n\n" if before else ""
            summaries.want(keys[-1], call.region, lambda: so_far + told(body, messages))
        if at < 0 or not can_drop(call.body, found, 1, made[at].until):
            return None
        return made[at], SUMMED_UP.format(before), summaries.is_new(keys[at])

    def _key(self, call: Call, found: Turns, first: int, until: int) -> Key:
        """What stands for these turns of the tenant's."""
        said = call.body[found.turns[first].start : found.turns[until].start]
        return call.principal.tenant, blake2b(said, digest_size=16).digest()

    def after(self, call: Call, answer: Answer, kept: Any, first: int) -> None:
        answer.on_end(partial(_book, call, msgspec.convert(kept, Kept), first))


def _begins(found: Turns) -> bool:
    """Whether the latest turn has nothing but what the person says."""
    return found.turns[-1].first == len(found.messages) - 1


def _book(call: Call, kept: Kept, first: int, _: object) -> None:
    after = worth = 0
    for attempt, usage in booking.known(call.trail.attempts[first:]):
        ratio = min(1.0, usage.total_in / max(1, kept.sent))
        rates = booking.billed(attempt, round(kept.read))
        holds = usage.cached_in > 0 or usage.written > 0
        pico = round(kept.gone * ratio) * (rates.read if holds else rates.plain)
        if holds and kept.rest:
            pico -= round(kept.rest * ratio) * max(0, rates.anew - rates.read)
        after += attempt.cost
        worth += nano_from_pico(pico)
    if worth:
        call.trail.savings.append(Saving(LEVER, after + worth, after, estimated=True))
