"""AI beside people as bars: by hand, and what it costs with AI, part by part; what is left between them is saved, or lost."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from farthing.finops.handling import Handling
from farthing.model.money import Nano

WIDE = 1_000
Kind = Literal["baseline", "cost", "warn", "bad", "saving", "loss"]


class Bar(NamedTuple):
    """`x` and `width` are of `WIDE`."""

    label: str
    note: str
    amount: str
    kind: Kind
    x: int
    width: int


def bars(handling: Handling, amount: Callable[[Nano], str]) -> list[Bar]:
    """From the top: by hand, each part with AI where the one before it ended, and the rest."""
    whole = max(handling.by_hand, handling.spent, 1)

    def bar(label: str, note: str, value: Nano, kind: Kind, start: Nano) -> Bar:
        x, end = (round(WIDE * edge / whole) for edge in (start, start + value))
        return Bar(label, note, amount(value), kind, x, max(3 if value else 0, end - x))

    found = [
        bar("By hand", "a person does all of it", handling.by_hand, "baseline", 0),
        bar("AI", "calls and tools", handling.ai, "cost", 0),
        bar("People's time", "spent although AI did it", handling.review, "warn", handling.ai),
        bar("By hand after all", "what AI failed at", handling.fallback, "bad", handling.ai + handling.review),
    ]
    found = [each for each in found if each.width or each.label in ("By hand", "AI")]
    if handling.saved >= 0:
        return [*found, bar("Saved", "", handling.saved, "saving", handling.spent)]
    return [*found, bar("Lost", "people alone would be cheaper", -handling.saved, "loss", handling.by_hand)]
