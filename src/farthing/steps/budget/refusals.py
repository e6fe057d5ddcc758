"""What a caller hears when a budget stands in the way: which one, how much is left, when it resets."""

from datetime import UTC, datetime

from farthing.model.budget import Unit, scope_text
from farthing.model.errors import BudgetBusy, BudgetExceeded, BudgetUnavailable, CallTooDear
from farthing.model.money import Nano, show_dollars
from farthing.model.windows import FOREVER_US, resets_us
from farthing.steps.budget.purse import Purse

CONFIRM_HEADER = b"x-farthing-confirm-cost"
AGAIN_S = 1.0
"""When a call that met a busy budget may come again."""


def exceeded(purse: Purse, need: int, now_us: int) -> BudgetExceeded:
    """Too little is left, and nothing will come back before the window ends."""
    budget = purse.budget
    ends_us = resets_us(purse.period, purse.window)
    resets = "It does not reset." if ends_us >= FOREVER_US else f"It resets {_moment(ends_us)}."
    left, limit = shown(budget.unit, max(0, purse.left_most)), shown(budget.unit, purse.state.limit)
    return BudgetExceeded(
        f"The budget {_named(purse)} has {left} left of {limit} ({_window(purse)}); this call may need "
        f"{shown(budget.unit, need)}. {resets}",
        budget=budget.id, downgrade=budget.exceeded == "downgrade", payment_required=budget.payment_required,
        queue=budget.exceeded == "queue", resets_us=0 if ends_us >= FOREVER_US else ends_us,
        retry_after=None if ends_us >= FOREVER_US else max(1.0, (ends_us - now_us) / 1e6),
    )  # fmt: skip


def busy(purse: Purse) -> BudgetBusy:
    """What is left is reserved by calls under way."""
    return BudgetBusy(
        f"What is left of the budget {_named(purse)} is reserved by calls under way ({_window(purse)}). Try again in "
        f"{AGAIN_S:.0f} s.",
        retry_after=AGAIN_S,
    )


def unavailable(purse: Purse) -> BudgetUnavailable:
    """A strict budget, and no store."""
    return BudgetUnavailable(
        f"The budget {_named(purse)} cannot be looked at right now, and its policy is to refuse calls then.",
        retry_after=5,
    )


def too_dear(name: str, cost: Nano, most: Nano, *, confirm: bool) -> CallTooDear:
    """One call above a budget's price for a single call."""
    how = f" Send it with the header {CONFIRM_HEADER.decode()}: yes to have it done." if confirm else ""
    return CallTooDear(
        f"This call is expected to cost {show_dollars(cost)}, and the budget '{name}' stops calls above "
        f"{show_dollars(most)} before they are sent.{how}"
    )


def shown(unit: Unit, amount: int) -> str:
    """An amount in a budget's unit, for people."""
    if unit == "money":
        return show_dollars(amount)
    word = unit[:-1] if amount == 1 else unit
    return f"{amount:,} {word}"


def _named(purse: Purse) -> str:
    member = f", {purse.member}" if purse.member else ""
    return f"'{purse.budget.id}' ({scope_text(purse.budget)}{member})"


def _window(purse: Purse) -> str:
    return purse.budget.window if purse.period.kind == "rolling" else f"{purse.budget.window} {purse.window.id}"


def _moment(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
