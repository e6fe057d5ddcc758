"""What to switch on first: the levers of a plan in stages, by what they may do to answers. Nothing is proposed whose interval
reaches below zero beside the others. Knows no settings."""

from collections.abc import Sequence
from typing import NamedTuple

from farthing.model.money import Nano, show_dollars
from farthing.model.plan import LeverPlan, Plan, Risk

RISKS: tuple[Risk, ...] = ("lossless", "guarded", "needs proof")
MEANINGS: dict[Risk, str] = {
    "lossless": "answers stay as they are", "guarded": "answers change within a stated bound",
    "needs proof": "nobody has compared the answers on your calls yet",
}  # fmt: skip
_WAYS: dict[Risk, tuple[str, str]] = {
    "lossless": ("Switch on now", "Answers stay as they are. The hold-out of 2 in 100 sessions shows what it saves."),
    "guarded": ("Switch on with a hold-out", "One at a time. Go on to the next when the hold-out has its saving above zero and quality within its margin."),
    "needs proof": ("Prove first", "Some calls are answered twice and compared. Nothing is moved before evidence clears the floor."),
}  # fmt: skip


class Stage(NamedTuple):
    """Levers that can be switched on together."""

    title: str
    way: str
    levers: list[LeverPlan]
    saved: Nano
    """Nano-dollars a month, beside the others."""
    is_bound: bool = False
    """It is so much at most."""


def stages(plan: Plan) -> list[Stage]:
    """Those that hold any lever, in order; what somebody must say first (`is_bound`) comes last by itself."""
    worth = worth_doing(plan.levers)
    found = []
    for risk in RISKS:
        mine = [each for each in worth if each.risk == risk and not each.is_bound]
        if mine:
            found.append(Stage(*_WAYS[risk], mine, sum(each.beside.likely for each in mine)))
    hoped = [each for each in plan.levers if each.scenarios and each.beside.low <= 0 and at_most(each) > 0]
    if hoped:
        found.append(Stage(*_WAYS["needs proof"], hoped, sum(map(at_most, hoped)), is_bound=True))
    asked = [each for each in plan.levers if each.is_bound and each.alone.likely > 0]
    if asked:
        found.append(
            Stage(
                "Say for whom", "It is worth up to so much; only you know for which calls it is right.", asked,
                sum(each.beside.likely for each in asked), is_bound=True,
            )
        )  # fmt: skip
    return found


def at_most(lever: LeverPlan) -> Nano:
    """What it comes to if all holds that nobody knows yet: nano-dollars a month; its own saving where nothing is left open."""
    return max((each.a_month for each in lever.scenarios), default=lever.beside.likely)


def not_in_total(lever: LeverPlan) -> Nano:
    """What it may come to beyond what all together counts of it: nano-dollars a month."""
    return at_most(lever) - (0 if lever.is_bound else max(0, lever.beside.likely))


def amount_in_words(amount: Nano, *, is_bound: bool) -> str:
    return f"up to {show_dollars(amount)}" if is_bound else show_dollars(amount)


def settles(lever: LeverPlan) -> list[str]:
    """What would tell which of its scenarios holds, each once."""
    return list(dict.fromkeys(each.settled_by for each in lever.scenarios if each.settled_by))


def open_levers(plan: Plan) -> list[LeverPlan]:
    """Those that may save more than is in the total once somebody says or proves something, the biggest first."""
    found = [each for each in plan.levers if (each.is_bound or each.scenarios) and not_in_total(each) > 0]
    return sorted(found, key=not_in_total, reverse=True)


def saves_nothing(plan: Plan) -> list[str]:
    """Levers that change no call of these, alone or beside the others, whatever is hoped."""
    return [each.lever for each in plan.levers if not _matters(each)]


def _matters(lever: LeverPlan) -> bool:
    return bool(lever.calls or lever.dearer or lever.scenarios or lever.beside.likely)


def is_worth_words(lever: LeverPlan) -> bool:
    """Whether it saves if it is the only one, or might."""
    return lever.alone.likely > 0 or bool(lever.scenarios)


def is_ready(lever: LeverPlan) -> bool:
    """Whether its settings can be written as they are; else somebody must put a name in first."""
    return ".NAME]" not in lever.toml


def worth_doing(levers: Sequence[LeverPlan]) -> list[LeverPlan]:
    """Those whose saving is above zero, surely enough, where all others are on."""
    return [each for each in levers if each.beside.low > 0]


def ranked(plan: Plan) -> list[LeverPlan]:
    """By dollars a month beside the others, what is not sure to save last. Without those that change nothing."""
    return sorted(
        filter(_matters, plan.levers), key=lambda each: (each.is_bound, each.beside.low <= 0, -each.beside.likely)
    )
