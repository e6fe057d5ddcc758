"""What an attempt used of its budgets: what it cost where the provider said so, and else what it may have cost at most.

A client that left, a stream that broke off, an answer that never came: what the provider bills for these nobody says, so
that a budget is charged an upper guess, never more than was reserved. Knows nothing of budgets' sums.
"""

from collections.abc import Sequence

from farthing.model.record import Attempt
from farthing.steps.budget.quote import Quote

UNSENT = frozenset(("error", "unreachable"))
"""Outcomes that no provider bills."""
AHEAD = 256
"""Tokens that a provider may have written beyond what came through before it heard that nobody wants more,"""
AHEAD_SHARE = 4
"""and a quarter of what came."""


def used(sent: Sequence[Attempt], quote: Quote, out: int, likely: int, *, drains: bool) -> dict[str, int]:
    """By unit. `out`: tokens of output that were paid for in advance; `drains`: the provider bills to the end anyway."""
    money = tokens = 0
    answered = 0
    for attempt in sent:
        usage = attempt.usage
        if usage is not None and attempt.cost_state in ("computed", "reported") and not attempt.estimated:
            money += attempt.cost
            tokens += usage.total_in + usage.total_out
            answered |= attempt.outcome not in UNSENT
        elif attempt.outcome in UNSENT:
            continue
        else:
            answered = 1
            guess = _most_out(attempt, out, likely, drains=drains, thinks=quote.thinks)
            if attempt.outcome == "ok" and usage is not None and attempt.cost_state == "estimated":
                money += attempt.cost  # the provider never says; the ledger has no better number
                tokens += usage.total_in + usage.total_out
            else:
                money += max(attempt.cost, quote.nano(guess)) if quote.priced else attempt.cost
                tokens += max(quote.in_tokens + guess, 0 if usage is None else usage.total_in + usage.total_out)
    return {"money": money, "tokens": tokens, "calls": answered}


def _most_out(attempt: Attempt, out: int, likely: int, *, drains: bool, thinks: bool) -> int:
    if drains or attempt.outcome == "interrupted":
        return out
    if attempt.usage is None:
        return min(out, likely)
    came = attempt.usage.total_out
    return min(out, max(likely if thinks else 0, came + max(AHEAD, came // AHEAD_SHARE)))
