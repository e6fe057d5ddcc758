"""How a line is worked: in a batch, on the cheap tier, at a cheap hour, or now; and when one in a batch is promoted.

Costs are expected ones. A batch that is not back in time costs its lines twice: they are promoted, and the batch can take
back no single line. A promoted line must still have the time that a call takes, and that all the others take which must be
promoted with it, if a provider is stuck as a whole: the latest start of each, worked out backwards from the last deadline
(earliest deadline first is optimal, so a line that misses its turn here would have missed it in any order).

Pure: clock, prices and chances are handed in. Times are microseconds since 1970, amounts nano-dollars.
"""

from collections.abc import Iterable, Sequence
from math import ceil

import msgspec

from farthing.batch.turnround import TurnRound, TurnRounds, turn_rounds
from farthing.model.batch import Way
from farthing.model.money import Nano

AGAIN_S = 900.0
"""What a cheap tier refuses it mostly refuses again so soon; later tries are new dice."""
SPENT = 0.5
"""Share of the bound that batches may use; calls that take longer than they mostly do need the rest."""
WORTH = 0.1
"""Share of a line's batch price that must be gained by packing it anew: it is work, and chances are estimates."""
WORKED, BOTH = 1.5, 0.7
"""Where shards are taken back, lines of one that would have been back in so many times the time that it had are paid twice with
that chance, as measured in `bench/batch.py`: providers work a batch off towards its end."""
AGAIN_AFTER_S = (1800.0, 5400.0, 4 * 3600.0)
"""When it is thought of that a line could go into another shard."""
UNKNOWN = turn_rounds((), 0).fresh
"""Of a provider of which nothing was seen."""


class Offer(msgspec.Struct, frozen=True):
    """A way that a line may be worked."""

    way: Way
    price: Nano
    """What the line is expected to cost that way."""
    from_us: int = 0
    """When it can begin at the earliest: a cheap hour, a free slot. 0: at once."""
    takes_s: float = 30.0
    """Seconds within which nearly all calls (99 of 100) are answered, once begun. No matter for a batch."""
    refused: float = 0.0
    """Share of tries that were refused lately; nothing is paid for these."""


class Batch(msgspec.Struct, frozen=True):
    """What is to be known of the shard that a line would go with."""

    turn: TurnRound
    leaves_s: float = 0.0
    """Until it is sent."""
    twice: float = 1.0
    """Chance that a line that was promoted is paid for in the batch too (`paid_twice`)."""
    again: tuple[tuple[float, TurnRound], ...] = ()
    """(Seconds from now, chances of a shard that is created then): what can still become of a line whose shard is taken back."""


def again(rounds: TurnRounds, ends_s: float) -> tuple[tuple[float, TurnRound], ...]:
    """For `Batch`: the moments at which another shard is thought of, some hours ahead; `ends_s`: what taking back takes."""
    return tuple((wait_s + ends_s, rounds.later(wait_s + ends_s)) for wait_s in AGAIN_AFTER_S)


class Choice(msgspec.Struct, frozen=True):
    way: Way
    from_us: int
    """When to begin."""
    last_us: int
    """When it must be promoted at the latest; 0: it cannot be."""
    expected: Nano
    late: float
    """The chance that it misses its deadline, as far as that is the provider's doing."""


def choose(
    offers: Sequence[Offer],
    *,
    now_us: int,
    deadline_us: int,
    late: float,
    batch: Batch | None = None,
    ahead_s: float = 0.0,
) -> Choice:
    """The cheapest way with a chance of at most `late` (a share) to miss the deadline; where there is none, the likeliest to
    meet it. `ahead_s`: seconds of promotions that go first (`ahead_s`). Raises ValueError where nothing is offered."""
    back_up = _back_up(offers, now_us, deadline_us, ahead_s)
    choices = [
        _alone(offer, now_us, deadline_us, back_up)
        if offer.way != "batch"
        else _in_a_batch(offer, now_us, deadline_us, batch or Batch(UNKNOWN), back_up)
        for offer in offers
    ]
    if not choices:
        raise ValueError("a line needs a way")
    fine = [each for each in choices if each.late <= late]
    if fine:
        return min(fine, key=lambda each: (each.expected, each.way != "batch"))
    return min(choices, key=lambda each: (each.late, each.expected))


class _BackUp(msgspec.Struct, frozen=True):
    """The call that a line gets in the end, if all else fails."""

    price: Nano
    last_us: int


def _back_up(offers: Sequence[Offer], now_us: int, deadline_us: int, ahead_s: float) -> _BackUp | None:
    """The cheapest of what surely answers in the end; the tiers that may refuse are none, unless nothing else is offered."""
    for sure in (True, False):
        found = [
            _BackUp(offer.price, deadline_us - _us(offer.takes_s + ahead_s))
            for offer in offers
            if offer.way != "batch"
            and (offer.way != "flex") == sure
            and offer.from_us <= max(now_us, deadline_us - _us(offer.takes_s + ahead_s))
        ]
        if found:
            return min(found, key=lambda each: each.price)
    return None


def _alone(offer: Offer, now_us: int, deadline_us: int, back_up: _BackUp | None) -> Choice:
    last_us = back_up.last_us if back_up is not None else 0
    begins_us = max(now_us, offer.from_us)
    late = 0.0 if begins_us + _us(offer.takes_s) <= deadline_us else 1.0
    if offer.way != "flex" or back_up is None:
        return Choice(offer.way, begins_us, last_us, offer.price, late)
    if begins_us > last_us:
        return Choice("flex", begins_us, last_us, offer.price, max(late, offer.refused))
    never = offer.refused ** (1 + (last_us - begins_us) / 1e6 / AGAIN_S)
    return Choice("flex", begins_us, last_us, _mean(offer.price, back_up.price, never), late)


def _in_a_batch(offer: Offer, now_us: int, deadline_us: int, batch: Batch, back_up: _BackUp | None) -> Choice:
    sent_us = max(now_us, offer.from_us) + _us(batch.leaves_s)
    never = batch.turn.late((deadline_us - sent_us) / 1e6)
    if back_up is None or back_up.last_us <= now_us:
        return Choice("batch", max(now_us, offer.from_us), 0, offer.price, never)
    promoted = _promoted(batch, (back_up.last_us - sent_us) / 1e6)
    both = back_up.price + round(offer.price * batch.twice)
    return Choice("batch", max(now_us, offer.from_us), back_up.last_us, _mean(offer.price, both, promoted), 0.0)


def _promoted(batch: Batch, left_s: float) -> float:
    """The chance that in the end no shard is back in time: the first one, or it and the one after it, if that is better. A line
    with hours left is not called at its full price because a provider is slow at this moment."""
    never = batch.turn.late(left_s)
    for after_s, turn in batch.again:
        if after_s < left_s:
            never = min(never, batch.turn.late(after_s) * turn.late(left_s - after_s))
    return never


def _mean(usual: Nano, other: Nano, share: float) -> Nano:
    return round(usual + (other - usual) * share)


def paid_twice(turn: TurnRound, left_s: float, ends_s: float) -> float:
    """The chance that a promoted line is paid twice, by the time that it has and the time that a batch takes to end which is
    taken back as a whole; 0: it cannot be, and each line is."""
    if ends_s <= 0:
        return 1.0
    return BOTH * (1.0 - turn.late(WORKED * (left_s + ends_s), left_s))


class Pace(msgspec.Struct, frozen=True):
    """How fast promoted lines are worked off."""

    a_second: float
    """Calls that end in a second when all slots are busy."""
    takes_s: float
    """Seconds within which nearly all calls (99 of 100) are answered, once begun."""
    busy: int = 0
    """Lines that wait for a slot already."""
    again_s: float = 10.0
    """When this is asked next."""


class Due(msgspec.Struct, frozen=True):
    """Lines of one shard with (about) one deadline, its earliest, that are not promoted yet."""

    shard: str
    deadline_us: int
    lines: int
    began_us: int
    """When the provider took the shard."""
    turn: TurnRound
    batch: Nano
    """What one of them costs in the batch, expected."""
    now: Nano
    flex: Nano | None = None
    """None where there is no cheap tier."""
    refused: float = 0.0
    """Of tries on the cheap tier."""
    flex_takes_s: float = 900.0
    """With the wait for a slot there."""
    ends_s: float = 0.0
    """How long a batch that is taken back takes to end, with what is done by then. 0: it cannot be counted on, or the shard
    is being taken back already."""
    again: TurnRound | None = None
    """Of a shard that is created now; None: there will be none."""


class Promotion(msgspec.Struct, frozen=True):
    """The `lines` lines of a group with the earliest deadlines go alone, that way; what the cheap tier has not taken by
    `last_us` goes as an ordinary call.

    With `withdraw` nothing goes yet: its whole shard is taken back, and when it has ended the lines that it did not work
    wait again for a choice of their own. Those that are still open at `last_us` come up here again, to go now."""

    shard: str
    deadline_us: int
    lines: int
    way: Way
    last_us: int
    withdraw: bool = False


def ahead_s(groups: Iterable[tuple[int, int]], deadline_us: int, pace: Pace) -> float:
    """Seconds of promotions that go before a line with that deadline, if all of these (deadline, lines) must be promoted
    and none later than it can be."""
    lines = pace.busy + sum(count for each, count in groups if each <= deadline_us)
    return lines / pace.a_second


def latest_starts(groups: Sequence[tuple[int, int]], pace: Pace) -> list[int]:
    """When the first line of each (deadline, lines) must begin, so that all lines of all of them are answered in time at that
    pace. `groups` are ordered by deadline."""
    starts: list[int] = []
    free_us = float("inf")
    for deadline_us, lines in reversed(groups):
        free_us = min(free_us, deadline_us - pace.takes_s * 1e6) - lines / pace.a_second * 1e6
        starts.append(int(free_us - pace.busy / pace.a_second * 1e6))
    return starts[::-1]


class _Risk(msgspec.Struct, frozen=True):
    due: Due
    start_us: int
    """When its first line must begin to go alone."""
    never: float
    """The chance that its shard is not back by then."""


def promotions(groups: Iterable[Due], *, now_us: int, pace: Pace, late: float) -> list[Promotion]:
    """What goes alone now, earliest deadline first, and which shards are taken back. Groups whose shard is back in time but
    for a chance of half of `late` (a share) stay, and need no headroom. Some 20 us for a group."""
    ordered = sorted(groups, key=lambda each: each.deadline_us)
    at_risk = [each for each in ordered if _late_by(each, each.deadline_us, now_us) > late * SPENT]
    starts = latest_starts([(each.deadline_us, each.lines) for each in at_risk], pace)
    risks = [
        _Risk(due, start_us, _late_by(due, start_us, now_us))
        for due, start_us in zip(at_risk, starts, strict=True)
    ]  # fmt: skip
    soon_us = now_us + _us(pace.again_s)
    back = _taken_back(risks, now_us, soon_us)
    found = [_promotion(risk, now_us, soon_us, pace, risk.due.shard in back) for risk in risks]
    return [each for each in found if each is not None]


def _promotion(risk: _Risk, now_us: int, soon_us: int, pace: Pace, withdraw: bool) -> Promotion | None:
    due, start_us = risk.due, risk.start_us
    if start_us <= soon_us:
        lines = min(due.lines, ceil((soon_us - start_us) / 1e6 * pace.a_second) or 1)
        return Promotion(due.shard, due.deadline_us, lines, "now", start_us)
    if withdraw:
        return Promotion(due.shard, due.deadline_us, due.lines, "now", start_us, withdraw=True)
    if due.flex is not None and now_us + _us(due.flex_takes_s) <= start_us:
        refused = due.refused ** (1 + (start_us - now_us) / 1e6 / AGAIN_S)
        if _mean(due.flex, due.now, refused) < risk.never * due.now:
            return Promotion(due.shard, due.deadline_us, due.lines, "flex", start_us)
    return None


def _taken_back(risks: Iterable[_Risk], now_us: int, soon_us: int) -> set[str]:
    """Shards for whose lines together it is cheaper to take them back now. A line that cannot wait longer than the shard
    takes to end costs an ordinary call then, and both if it stays and is late; one that can wait is put into a new shard,
    which is the better the less is to be hoped for from the old one, and loses nothing else by staying."""
    gains: dict[str, float] = {}
    for risk in risks:
        due = risk.due
        if due.ends_s <= 0 or risk.start_us <= soon_us:
            continue
        ended_us = now_us + _us(due.ends_s)
        if risk.start_us <= soon_us + _us(due.ends_s):
            gain = (
                due.batch + risk.never * due.now - due.now - WORTH * due.batch
            )  # else it would be chosen anew at once
        elif due.again is not None:
            anew = due.again.late((risk.start_us - ended_us) / 1e6)
            gain = (risk.never - anew) * (due.now - due.batch) - WORTH * due.batch
        else:
            continue
        gains[due.shard] = gains.get(due.shard, 0.0) + gain * due.lines
    return {shard for shard, gain in gains.items() if gain > 0}


def _late_by(due: Due, at_us: int, now_us: int) -> float:
    return due.turn.late((at_us - due.began_us) / 1e6, max(0.0, (now_us - due.began_us) / 1e6))


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
