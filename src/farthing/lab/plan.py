"""What a run will take, before it starts: how many items each trial has, how many calls it makes, what they cost at most.

Calls are expected by what runs on simulated prompts took: the screen of each part, then some two trials and one more for
every five parts. Knows nothing of models and prices: a call's price is given.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from farthing.lab.items import Item
from farthing.lab.prompt import Prompt
from farthing.lab.screening import SCREEN
from farthing.lab.trial import can_show, needed
from farthing.model.money import Nano

REPEATS = 60
"""Items that the prompt as it is is asked about twice, to see how often answers change by themselves."""
TIMES = 2
"""How many times the expected cost a run may take."""
_TRIALS = 2.0
_TRIALS_A_PART = 0.2


class Plan(msgspec.Struct, frozen=True):
    margin: float
    items: int
    """Of each trial, and as many fresh ones for the proof."""
    parts: int
    """That may be tried."""
    examples: int
    """Among them, those that are turns of their own."""
    arms: int
    calls: int
    """That are expected."""
    cost: Nano | None
    """Of these; None where a price is not known."""
    bound: Nano | None
    """What the run stops at."""
    rounds: int = 0
    """Times that it waits for answers, where they are asked for together."""
    doubt: str = ""
    """What can hardly be shown with so few items; empty where all is well."""


def shares(available: int, margin: float, wanted: int = 0) -> tuple[int, str]:
    """Items of each trial, and what is in doubt. Raises ValueError where even the best outcome would show nothing."""
    enough = wanted or needed(margin)
    items = min(enough, available // 2)
    if not can_show(items, margin):
        least = next(n for n in range(items + 1, 10**7) if can_show(n, margin))
        raise ValueError(
            f"a loss below {100 * margin:g} points cannot be shown with {available:,} items: half of them find what can go, "
            f"half prove it, and each needs {least:,} at least, better {needed(margin):,}; items that ask the same count once"
        )
    if items >= needed(margin):
        return items, ""
    return items, (
        f"with {items:,} items in a trial a loss below {100 * margin:g} points may stay unproved where answers change; "
        f"{needed(margin):,} would do four times in five"
    )


def planned(
    prompt: Prompt, items: int, margin: float, a_call: Nano | None, doubt: str = "", bound: Nano | None = None,
    proposals: int = 0,
) -> Plan:  # fmt: skip
    """What a run takes with so many items a trial, a call costing `a_call`; `bound`: what it may cost, where somebody said."""
    free = [part for part in prompt.parts if not part.protected and not part.released]
    examples = sum(part.message < 0 for part in free)
    released = sum(part.released for part in prompt.parts)
    count = len(free)
    trials = (_TRIALS + _TRIALS_A_PART * count if count else 0) + released + len(prompt.arms)
    trials += proposals + 0.5 * examples
    orders = min(3, max(0, examples - 1))
    rounds = math.ceil(4 + trials + proposals + (orders > 0) - (len(prompt.arms) - bool(prompt.arms)))
    trials += orders
    calls = math.ceil(items + min(REPEATS, items) + min(SCREEN, items) * count + items * trials + 2 * items)
    cost = None if a_call is None else a_call * calls
    limit = bound if bound is not None else None if cost is None else cost * TIMES
    return Plan(margin, items, count + released, examples, len(prompt.arms), calls, cost, limit, rounds, doubt)


def shuffled(items: Sequence[Item]) -> list[Item]:
    """In an order that depends on nothing but what they ask: files are often sorted."""
    return sorted(items, key=lambda item: blake2b(msgspec.json.encode(item.inputs), digest_size=8).digest())
