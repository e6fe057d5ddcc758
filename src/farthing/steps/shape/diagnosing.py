"""What one call's input could have been read from the provider's cache and was not, and why. Pure.

    could    tokens of what it has in common with the nearest prompt before it, were what broke it mended
    lost     could - what the provider says it read, and no more than the input that it says it did not read

Where the text gives no reason there are others: no mark, a prefix just under the smallest, another model or host, too long a
gap. What stays is `unexplained`: providers promise nothing. Losses below LEAST_TOKENS are none.
"""

from typing import NamedTuple, Protocol

from farthing.model.marks import SYSTEM, TOOLS, Place
from farthing.model.usage import Usage
from farthing.steps.shape.busters import Kind
from farthing.steps.shape.watching import Parted

LEAST_TOKENS = 128
NEARLY = 0.75
"""Of the smallest prefix: from here on it is just under it."""
MOSTLY = 0.5
"""Of what could be read: where so much was read, nothing is wrong beyond what the text shows."""
LONGEST_GAP_S = 86_400.0
HELD_S = {"marks": 300.0, "breakpoints": 1_800.0, "automatic": 3_600.0}
"""How long a provider of each way holds what nobody reads, as far as it says."""
ALL, SETTINGS = "all", "settings"
MOST_MESSAGES = 8


class Kept(Protocol):
    """See `catalog.Caching`."""

    @property
    def way(self) -> str: ...
    @property
    def least(self) -> int: ...


class Sent(NamedTuple):
    """What is known of the call beside its prompt."""

    usage: Usage
    tokens_a_byte: float
    deployment: str
    model: str
    marked: bool
    """It asks the provider to keep something."""
    held_s: float
    """How long the provider holds it."""


class Loss(NamedTuple):
    kind: Kind
    place: str
    """In words; counted from 1."""
    at_byte: int
    tokens: int
    shape: str = ""


def diagnose(parted: Parted, sent: Sent, kept: Kept) -> Loss | None:
    """None where nothing was lost that could be told."""
    broken = parted.broken
    if parted.since < 0:  # nothing was kept yet
        return None
    if kept.way == "marks" and not sent.marked:
        return _unmarked(parted, sent, kept)
    if broken is not None:
        could = _tokens(parted.shared + broken.offset + broken.regained, sent)
        lost = _lost(could, sent)
        if could < kept.least or lost < LEAST_TOKENS or parted.since > sent.held_s:
            return None
        place = SETTINGS if broken.kind == "settings" else in_words(parted.place)
        return Loss(broken.kind, place, broken.offset, lost, broken.shape)
    could = _tokens(parted.shared, sent)
    lost = _lost(could, sent)
    if lost < LEAST_TOKENS or sent.usage.cache_read >= MOSTLY * could:
        return None
    kind = _unseen(parted, sent, kept, could)
    return Loss(kind, ALL, 0, lost) if kind is not None else None


def _unmarked(parted: Parted, sent: Sent, kept: Kept) -> Loss | None:
    could = _tokens(parted.shared, sent)
    lost = _lost(could, sent)
    if could < kept.least or lost < LEAST_TOKENS or parted.since > sent.held_s:
        return None
    return Loss("unmarked", ALL, 0, lost)  # whichever turn of a conversation it is, that is the reason


def _unseen(parted: Parted, sent: Sent, kept: Kept, could: int) -> Kind | None:
    """A reason that no text shows."""
    if could < kept.least:
        return "minimum" if could >= NEARLY * kept.least and parted.since <= sent.held_s else None
    if parted.since > LONGEST_GAP_S:
        return None
    if parted.since > sent.held_s:
        return "gap"
    if parted.model != sent.model:
        return "model"
    return "host" if parted.deployment != sent.deployment else "unexplained"


def _tokens(bytes_: int, sent: Sent) -> int:
    return int(bytes_ * sent.tokens_a_byte)


def _lost(could: int, sent: Sent) -> int:
    return min(could - sent.usage.cache_read, sent.usage.uncached_in + sent.usage.written)


def in_words(place: Place) -> str:
    """A place as people count it. Late messages share one: the place of a conversation's end moves with each turn."""
    if place.part == TOOLS:
        return "tools"
    number = (place.message if place.message >= 0 else place.block) + 1
    if place.part == SYSTEM:
        return f"system {number}"
    return f"message {number}" if number <= MOST_MESSAGES else f"message {MOST_MESSAGES + 1}+"
