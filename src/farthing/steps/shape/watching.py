"""The latest prompts of each family, in memory, and what each new one could have read of them.

A family is what one feature (or template) of a tenant sends to one model. Of its latest prompts the digests of the blocks and
the body are kept, within bounds; they leave this process neither whole nor in part. A prompt that goes on where an earlier
one ended costs a few comparisons. Texts are looked at only where prompts part early, and only so often in a second.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from farthing.model.marks import Place
from farthing.steps.shape.busters import Block, Break, compare
from farthing.wire.blocks import Blocks, blocks, spans

MOST_FAMILIES = 512
LATEST = 6
"""Prompts of a family that are kept."""
LONGEST_BODY = 256 * 1024
"""Bytes; of a longer one only the digests are kept, so that what changed in it is not known."""
ALL_BODIES = 32 * 1024 * 1024
"""Bytes of all that are kept."""
MOST_BLOCKS = 256
"""Blocks of a prompt that are told apart here."""
LEAST_BYTES = 1_024
"""What could be regained below this is not looked for."""
COMPARED_A_SECOND = 25
"""Prompts whose texts are looked at; the others that part at the same block are taken to part for the same reason."""
LONGEST_PAUSE = 64
"""Prompts of a family that are let pass after looking in vain again and again."""


class Parted(NamedTuple):
    """What a prompt has in common with the nearest one before it."""

    shared: int
    """Bytes of the blocks that are the same in both."""
    place: Place
    """Of the last of these, or of the block where they part."""
    since: float
    """Seconds from the end of the one before it; negative where both were under way together."""
    deployment: str
    """Where that went."""
    model: str
    broken: Break | None = None
    """Why they part there, where most of what follows is alike again."""


class Prompt:
    """One that was seen. It is taken apart when somebody asks."""

    __slots__ = ("_digests", "_found", "_parsed", "begun", "blocks", "body", "deployment", "model", "now", "wire")

    def __init__(self, wire: str, body: bytes, deployment: str, model: str, begun: float, now: float) -> None:
        """`begun`: when it was sent; `now`: when its answer has ended. Seconds."""
        self.wire = wire
        self.body = body
        self.deployment = deployment
        self.model = model
        self.begun = begun
        self.now = now
        self.blocks: list[Block] | None = None
        self._parsed = False
        self._found: Blocks | None = None
        self._digests: list[int] = []

    @property
    def found(self) -> Blocks | None:
        """None for what has no prompt, or cannot be read."""
        if not self._parsed:
            self._parsed = True
            found = self._found = blocks(self.wire, self.body)
            if found is not None:
                self._digests = found.digests if len(found.digests) <= MOST_BLOCKS else found.digests[:MOST_BLOCKS]
        return self._found

    @property
    def digests(self) -> list[int]:
        return self._digests if self._parsed or self.found is not None else []

    def texts(self) -> list[Block]:
        """Its blocks; none where the body was not kept."""
        if self.blocks is None:
            body, found = self.body, self.found
            places = found.places[:MOST_BLOCKS] if body and found is not None else []
            parts = spans(body, found)[:MOST_BLOCKS] if body and found is not None else []
            self.blocks = [Block(place, body[start:end]) for place, (start, end) in zip(places, parts, strict=True)]
        return self.blocks


class Family:
    """The latest prompts of one kind, the newest first."""

    __slots__ = ("bytes", "known", "pause", "prompts", "skip")

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.bytes = 0
        self.known: OrderedDict[int, Break] = OrderedDict()
        """By the block where prompts part: what it was the last time."""
        self.pause = 0
        self.skip = 0


class Watch:
    """See the module. Not for threads."""

    def __init__(self) -> None:
        self._families: OrderedDict[tuple[str, ...], Family] = OrderedDict()
        self._bytes = 0
        self._left = float(COMPARED_A_SECOND)
        self._filled = 0.0

    @property
    def bytes(self) -> int:
        """Of the bodies that are kept."""
        return self._bytes

    def see(self, key: tuple[str, ...], prompt: Prompt) -> Parted | None:
        """Take a prompt in, and tell what it has in common with the nearest one before it; None for the first of a kind, and
        for one that cannot be read."""
        family, found = self._family(key), prompt.found
        if found is None or not found.ends:
            return None
        nearest, common = _nearest(family.prompts, prompt.digests)
        if nearest is None:
            self._keep(family, prompt, None)
            return None
        ends = found.ends
        whole = common == min(len(nearest.digests), len(prompt.digests))
        broken = None if whole else self._compare(family, nearest, prompt, common)
        at = min(broken.at if broken is not None else max(common - 1, 0), len(ends) - 1)
        parted = Parted(
            ends[common - 1] if common else 0, found.places[at], prompt.begun - nearest.now, nearest.deployment,
            nearest.model, broken,
        )  # fmt: skip
        self._keep(family, prompt, nearest if whole and len(prompt.digests) >= len(nearest.digests) else None)
        return parted

    def keep(self, key: tuple[str, ...], prompt: Prompt) -> None:
        """Take a prompt in, of which nothing is to be told: its provider has read it."""
        if len(prompt.body) <= LONGEST_BODY:
            self._keep(self._family(key), prompt, None)

    def _family(self, key: tuple[str, ...]) -> Family:
        family = self._families.get(key)
        if family is None:
            family = self._families[key] = Family()
            if len(self._families) > MOST_FAMILIES:
                self._forget()
        else:
            self._families.move_to_end(key)
        return family

    def _forget(self) -> None:
        _, oldest = self._families.popitem(last=False)
        self._bytes -= oldest.bytes

    def _keep(self, family: Family, prompt: Prompt, instead: Prompt | None) -> None:
        before = family.bytes
        if len(prompt.body) > LONGEST_BODY:
            prompt.body = b""
        if instead is not None:
            family.prompts.remove(instead)
            family.bytes -= len(instead.body)
        elif len(family.prompts) >= LATEST:
            family.bytes -= len(family.prompts.pop().body)
        family.prompts.insert(0, prompt)
        family.bytes += len(prompt.body)
        self._bytes += family.bytes - before
        while self._bytes > ALL_BODIES and len(self._families) > 1:
            self._forget()

    def _compare(self, family: Family, before: Prompt, after: Prompt, common: int) -> Break | None:
        assert after.found is not None and before.found is not None, "they have digests"
        ends, others = after.found.ends, before.found.ends
        start = ends[common - 1] if common else 0
        if min(ends[-1], others[-1]) - start < LEAST_BYTES:
            return None
        if family.skip > 0 or not self._may(after.now):
            family.skip -= family.skip > 0
            return family.known.get(common)
        found = compare(before.texts(), after.texts(), common)
        if found is not None and found.regained < LEAST_BYTES:
            found = None
        if found is None:
            family.pause = min(LONGEST_PAUSE, 2 * family.pause + 1)
            family.skip = family.pause
            family.known.pop(common, None)
            return None
        family.pause = 0
        family.known[common] = found
        if len(family.known) > LATEST:
            family.known.popitem(last=False)
        return found

    def _may(self, now: float) -> bool:
        """Whether there is time to look at texts now."""
        self._left = min(COMPARED_A_SECOND, self._left + max(0.0, now - self._filled) * COMPARED_A_SECOND)
        self._filled = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _nearest(prompts: Sequence[Prompt], digests: Sequence[int]) -> tuple[Prompt | None, int]:
    """The one that has most blocks in common, the newest of these."""
    best, most = None, -1
    for prompt in prompts:
        if not prompt.digests:  # it cannot be read
            continue
        common = common_blocks(prompt.digests, digests)
        if common > most:
            best, most = prompt, common
            if common == len(digests):
                break
    return best, most


def common_blocks(one: Sequence[int], other: Sequence[int]) -> int:
    """How many boundaries two prompts share: each digest is of all that comes before it."""
    low, high = 0, min(len(one), len(other))
    if high and one[high - 1] == other[high - 1]:
        return high
    while low < high:
        middle = (low + high) // 2
        if one[middle] == other[middle]:
            low = middle + 1
        else:
            high = middle
    return low
