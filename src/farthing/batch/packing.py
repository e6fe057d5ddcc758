"""Waiting lines become shards: what one batch of one provider may hold, when it is full enough, and when it waits no more.

Lines of one shard share their key (provider, deployment, model, format, credentials) and about the time that they have
left, so that a late shard is late for all of them and can be taken back as a whole. Near a deadline shards are smaller, so
that all of one can still be promoted. Pure: clock and room are handed in. Times are microseconds since 1970.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec

Key = TypeVar("Key", bound=Hashable)

OVERHEAD = 160
"""Bytes that a line takes in a file beside its body: id, method, path, braces. More than any provider's shape needs."""
LINGER_SHARE = 0.04
"""Of the time that a line has left, which it waits for others at most."""
PROMOTABLE_SHARE = 0.25
"""Of the time that is left: all lines of a shard can be promoted in it."""
LEAST_NEAR = 50
"""Lines that a shard near its deadline may hold whatever the pace."""
CLASS_S = 60.0
"""Time left below this is one class; above, each class is twice as long as the one before."""


class Limits(msgspec.Struct, frozen=True):
    """What one batch may hold, and one account. 0: no limit is known."""

    lines: int = 0
    bytes: int = 0
    tokens: int = 0
    """Input tokens of all batches of a model that have not ended."""
    inputs: int = 0
    """Texts to be embedded in all lines of a batch."""
    least: int = 1
    """Lines below which the provider takes no batch."""
    an_hour: int = 0
    """Batches that may be created in an hour."""
    at_once: int = 0
    """Batches that may run at the same time."""


class Room(msgspec.Struct, frozen=True):
    """What is used of the limits of an account now."""

    tokens: int = 0
    """Enqueued: of shards created and not at an end, at an upper estimate."""
    an_hour: int = 0
    """Batches created within the last hour."""
    running: int = 0


class Item(msgspec.Struct, Generic[Key], frozen=True):
    """A line that waits."""

    line: Key
    """What names it, such as (job, no)."""
    deadline_us: int
    waits_us: int
    """Since when it could be sent."""
    size: int
    """Bytes of its body as the provider gets it."""
    tokens: int = 0
    """Of its input, at an upper estimate."""
    inputs: int = 0
    """Texts of it that are embedded."""


class Packed(msgspec.Struct, Generic[Key], frozen=True):
    """Each item that was handed in is in exactly one of the three."""

    shards: list[list[Item[Key]]]
    rest: list[Item[Key]]
    """Wait on, for others or for room."""
    alone: list[Item[Key]]
    """Fit into no batch: too large, or too few until it is too late to wait for more."""
    again_us: int
    """When one of the rest has waited long enough, if no other line comes; 0: none has a time of its own."""


def pack(
    items: Iterable[Item[Key]], limits: Limits, room: Room, *, now_us: int, linger_s: float, a_second: float = 0.0,
    alone_s: float = 0.0,
) -> Packed[Key]:  # fmt: skip
    """The waiting items of one key. Their order is who goes first where room is short. `a_second`: the pace at which promoted
    lines are worked off, 0: there is no promotion. `alone_s`: with less time left than this an item goes alone rather than
    wait for the least number of lines or for room."""
    alone: list[Item[Key]] = []
    classes: dict[int, list[Item[Key]]] = {}
    for item in items:
        if _fits(item, limits):
            classes.setdefault(_class(item, now_us), []).append(item)
        else:
            alone.append(item)
    shards: list[list[Item[Key]]] = []
    rest: list[Item[Key]] = []
    left = _Left(limits, room)
    for members in _joined([classes[each] for each in sorted(classes)], limits.least):
        tightest = min(item.deadline_us for item in members)
        most = _most_lines(limits, (tightest - now_us) / 1e6, a_second)
        for chunk in _chunks(members, limits, most):
            if _ripe(chunk, most, limits, now_us, linger_s) and left.take(chunk):
                shards.append(chunk)
            else:
                rest += chunk
    late = [item for item in rest if item.deadline_us - now_us < alone_s * 1e6]
    rest = [item for item in rest if item.deadline_us - now_us >= alone_s * 1e6]
    ends = [end for item in rest if (end := _waits_until(item, linger_s)) > now_us]
    return Packed(shards, rest, alone + late, min(ends, default=0))


class _Left:
    """What is left of an account's limits while shards are made."""

    def __init__(self, limits: Limits, room: Room) -> None:
        self._tokens = limits.tokens - room.tokens if limits.tokens else None
        batches = [
            most - used
            for most, used in ((limits.an_hour, room.an_hour), (limits.at_once, room.running))
            if most
        ]  # fmt: skip
        self._batches = min(batches) if batches else None

    def take(self, chunk: Sequence[Item[Key]]) -> bool:
        tokens = sum(item.tokens for item in chunk)
        if self._batches is not None and self._batches < 1:
            return False
        if self._tokens is not None and tokens > self._tokens:
            return False
        if self._batches is not None:
            self._batches -= 1
        if self._tokens is not None:
            self._tokens -= tokens
        return True


def _fits(item: Item[Key], limits: Limits) -> bool:
    too_long = limits.bytes and item.size + OVERHEAD > limits.bytes
    too_many = limits.inputs and item.inputs > limits.inputs
    return not too_long and not too_many and not (limits.tokens and item.tokens > limits.tokens)


def _class(item: Item[Key], now_us: int) -> int:
    """By the time left: 0, or the power of two of `CLASS_S` in it."""
    return max(0, int((item.deadline_us - now_us) / 1e6 / CLASS_S)).bit_length()


def _joined(classes: Sequence[list[Item[Key]]], least: int) -> list[list[Item[Key]]]:
    """Tight ones first; a class with too few lines for a batch goes together with the next one, and the last with the one
    before."""
    found: list[list[Item[Key]]] = []
    for members in classes:
        if found and len(found[-1]) < least:
            found[-1] = found[-1] + members
        else:
            found.append(members)
    if len(found) > 1 and len(found[-1]) < least:
        last = found.pop()
        found[-1] = found[-1] + last
    return found


def _most_lines(limits: Limits, left_s: float, a_second: float) -> int:
    """Lines of a shard; 0: any number."""
    if a_second <= 0:
        return limits.lines
    most = max(LEAST_NEAR, limits.least, int(left_s * PROMOTABLE_SHARE * a_second))
    return min(most, limits.lines) if limits.lines else most


def _chunks(items: Sequence[Item[Key]], limits: Limits, most: int) -> list[list[Item[Key]]]:
    """In order, each within the limits of one batch; the last two share what they hold if the last has too few."""
    chunks: list[list[Item[Key]]] = [[]]
    size = tokens = inputs = 0
    for item in items:
        size, tokens, inputs = size + item.size + OVERHEAD, tokens + item.tokens, inputs + item.inputs
        full = (most and len(chunks[-1]) >= most) or (limits.bytes and size > limits.bytes)
        full = full or (limits.inputs and inputs > limits.inputs)
        if chunks[-1] and (full or (limits.tokens and tokens > limits.tokens)):
            chunks.append([])
            size, tokens, inputs = item.size + OVERHEAD, item.tokens, item.inputs
        chunks[-1].append(item)
    if len(chunks) > 1 and len(chunks[-1]) < limits.least:
        both = chunks[-2] + chunks[-1]
        middle = len(both) // 2
        halves = [both[:middle], both[middle:]]
        if middle >= limits.least and all(_within(half, limits) for half in halves):
            chunks[-2:] = halves
    return chunks


def _within(chunk: Sequence[Item[Key]], limits: Limits) -> bool:
    size, tokens = sum(item.size + OVERHEAD for item in chunk), sum(item.tokens for item in chunk)
    if limits.inputs and sum(item.inputs for item in chunk) > limits.inputs:
        return False
    return (not limits.bytes or size <= limits.bytes) and (not limits.tokens or tokens <= limits.tokens)


def _ripe(chunk: Sequence[Item[Key]], most: int, limits: Limits, now_us: int, linger_s: float) -> bool:
    """Whether it goes now: it has what the provider wants at least, and is full, or one of it has waited long enough."""
    if len(chunk) < limits.least:
        return False
    if most and len(chunk) >= most:
        return True
    return any(_waits_until(item, linger_s) <= now_us for item in chunk)


def _waits_until(item: Item[Key], linger_s: float) -> int:
    return item.waits_us + max(0, round(min(linger_s * 1e6, (item.deadline_us - item.waits_us) * LINGER_SHARE)))
