"""What the choice of the model saved: the answer's usage at the model that would have served, less what it cost.

before    the baseline model's price of the same usage, its output at the length that this model is known to write
after     what the answer came to at the chosen model, before request routing took anything off
overhead  the same of attempts that this lever added: answers that a check refused
"""

from collections.abc import Callable

from farthing.model.arms import MODEL_SELECTION, PROMPT_OPTIMISATION
from farthing.model.call import Trail
from farthing.model.marks import usage_without
from farthing.model.money import Nano
from farthing.model.record import Attempt, Saving
from farthing.model.usage import Usage

LEVER = MODEL_SELECTION

PriceAt = Callable[[str, Attempt, Usage], Nano | None]
"""What a usage costs at a model, at the time and tier of the attempt; None if nobody knows."""
OutputRatio = Callable[[str, str], float | None]
"""How many tokens the first model writes for one of the second, on such work; None where that was not seen."""


def spent(trail: Trail, savings_before: int = 0) -> Nano:
    """What the call has come to before the levers that lie further in: costs, and what these levers took off."""
    return sum(attempt.cost for attempt in trail.attempts) + sum(
        saving.saved for saving in trail.savings[savings_before:]
    )


def served(trail: Trail) -> list[Attempt]:
    """The attempt that answered, and its parts that are billed apart. Empty if none answered, or its cost is not known."""
    last = trail.last_attempt
    if last is None or last.outcome in ("error", "unreachable"):
        return []
    parts = [attempt for attempt in trail.attempts if attempt.no == last.no]
    known = all(part.usage is not None and part.cost_state not in ("unpriced", "unknown") for part in parts)
    return parts if known else []


def baseline_cost(parts: list[Attempt], model: str, price_at: PriceAt, ratio: float | None) -> Nano | None:
    """What the answer would have cost at `model`; None if that cannot be said."""
    total = 0
    for part in parts:
        assert part.usage is not None, "`served` leaves others out"
        usage = usage_without(part.flags, part.usage)  # caching is a lever of its own, further in
        cost = price_at(model, part, _with_output_of(usage, ratio))
        if cost is None:
            return None
        total += cost
    return total


def shaped(trail: Trail, savings_before: int) -> Nano:
    """What shaping took off the answer's input, at the rates that it was billed at: the baseline model would have read that
    too."""
    found = (each.saved for each in reversed(trail.savings[savings_before:]) if each.lever == PROMPT_OPTIMISATION)
    return next(found, 0)


def saving(before: Nano, whole: Nano, lost: Nano) -> Saving | None:
    """The saving of a call that came to `whole`, of which `lost` was for attempts that did not serve. None for nothing."""
    after = whole - lost
    return Saving(LEVER, before, after, overhead=lost, estimated=True) if before != after or lost else None


def _with_output_of(usage: Usage, ratio: float | None) -> Usage:
    if ratio is None or ratio == 1 or not usage.out:
        return usage
    return Usage(
        uncached_in=usage.uncached_in, cache_read=usage.cache_read, w5m=usage.w5m, w1h=usage.w1h, w30m=usage.w30m,
        w12h=usage.w12h, audio_in=usage.audio_in, image_in=usage.image_in, cached_audio=usage.cached_audio,
        tool_in=usage.tool_in, out=max(1, round(usage.out * ratio)), audio_out=usage.audio_out,
        image_out=usage.image_out, requests=usage.requests,
    )  # fmt: skip
