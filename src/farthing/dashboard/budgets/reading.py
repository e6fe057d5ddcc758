"""Budgets as the page shows them: where each stands in its present window, how fast it goes, and where its month will end."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from farthing.dashboard.budgets import words
from farthing.dashboard.formats import money
from farthing.dashboard.periods import day_of
from farthing.dashboard.view import View
from farthing.finops import forecasts
from farthing.finops.alerts.booked import can_foresee
from farthing.finops.alerts.catalog import percent_of
from farthing.finops.alerts.rules import budget_level
from farthing.finops.alerts.words import percent, span, times
from farthing.finops.forecast import Forecast
from farthing.finops.pace import Pace, pace
from farthing.gateway.budgets import is_of
from farthing.model.budget import OVERHEAD, Budget
from farthing.model.errors import BadRequest
from farthing.store.budgets import Budgets, Standing
from farthing.store.engine import Connection
from farthing.store.rollups import HOUR_US, month_of

WIDE = 1_000
"""Units across a bar."""
MOST_FORECAST = 24
"""Budgets of a list that are forecast, the fullest first; each one costs some milliseconds."""
FEW, MANY = 3, 200
"""Members that are looked at of one budget: in the list, and on its own page."""


class Part(NamedTuple):
    """A piece of a bar, in units of `WIDE`."""

    kind: Literal["spent", "reserved", "left", "over"]
    x: int
    width: int


class Card(NamedTuple):
    """One budget, by its fullest member where it has members."""

    budget: Budget
    href: str
    scope: str
    window: str
    limit: str
    state: Literal["good", "warn", "bad", ""]
    verdict: str
    share: float | None
    """Spent, of the limit; None without one."""
    spent: str
    reserved: str
    left: str
    resets: str
    pace: str
    forecast: str
    bar: list[Part]
    mark: int | None
    """Where the bar would stand at an even pace."""
    said: str
    """The bar in words."""
    member: str
    members: str
    """How many there are, in words; empty for a budget without."""
    raised: str
    """How much of the limit is a raise, in words."""
    calls: str
    is_overhead: bool
    standing: Standing | None


async def every(view: View) -> list[Budget]:
    """Those that whoever came may see."""
    return [each for each in await Budgets(view.sources.store).every() if is_of(each, view.entered)]


async def cards(view: View, budgets: Sequence[Budget], members: int = FEW) -> tuple[list[Card], list[Standing]]:
    """The fullest first; with the members' standings."""
    standings = await Budgets(view.sources.store).standings(budgets, view.now_us, members)
    fullest: dict[str, Standing] = {}
    for each in standings:
        known = fullest.get(each.budget)
        if known is None or share(each) > share(known):
            fullest[each.budget] = each
    ordered = sorted(budgets, key=lambda each: (-share(fullest.get(each.id)), each.id))
    asked = [each for each in ordered if can_foresee(each)][:MOST_FORECAST]
    foreseen = await _forecasts(view, asked)
    near = percent_of(view.sources.settings.alerts, budget_level.NAME) / 100
    found = []
    for budget in ordered:
        count = sum(each.budget == budget.id for each in standings)
        found.append(_card(view, budget, fullest.get(budget.id), foreseen.get(budget.id), near, count, members))
    return found, standings


def used(standing: Standing) -> int:
    """Spent, with what vanished gateways held."""
    return standing.spent + standing.lost


def share(standing: Standing | None) -> float:
    """Spent, of the limit; what has no limit is full at once."""
    if standing is None:
        return 0.0
    return used(standing) / standing.limit if standing.limit > 0 else float(used(standing) > 0) * 2


async def _forecasts(view: View, budgets: Sequence[Budget]) -> dict[str, Forecast]:
    """By budget; kept for the hour, since they are made from whole days."""
    found: dict[str, Forecast] = {}
    memory, hour = view.sources.memory, view.now_us // HOUR_US
    missing = []
    for budget in budgets:
        key = ("budget forecast", budget.tenant, *sorted(budget.scope.items()))
        kept = memory.get(key, hour)
        if kept is None:
            missing.append((budget, key))
        else:
            found[budget.id] = kept

    def read(connection: Connection) -> list[Forecast | None]:
        return [_forecast(connection, budget, view.now_us) for budget, _ in missing]

    for (budget, key), made in zip(missing, await view.read(read) if missing else [], strict=True):
        if made is not None:
            memory.keep(key, hour, made)
            found[budget.id] = made
    return found


def _forecast(connection: Connection, budget: Budget, now_us: int) -> Forecast | None:
    try:
        return forecasts.read(connection, now_us, tenant=budget.tenant, where=budget.scope).total.forecast
    except BadRequest:  # no sums are kept of such a scope
        return None


def _card(
    view: View, budget: Budget, standing: Standing | None, foreseen: Forecast | None, near: float, count: int, most: int
) -> Card:  # fmt: skip
    said: dict[str, Any] = {
        "budget": budget, "href": view.href("/budgets", budget=budget.id), "scope": words.scope(budget),
        "window": words.window(budget), "limit": words.amount(budget, budget.allowed_at(view.now_us)),
        "raised": _raised(budget, view.now_us), "is_overhead": budget.id == OVERHEAD, "standing": standing,
    }  # fmt: skip
    if standing is None:
        return Card(
            **said, state="", verdict="nobody yet", share=None, spent=words.amount(budget, 0), reserved="", left="", resets="",
            pace="", forecast=_foreseen(budget, foreseen, 0, view.now_us), bar=[], mark=None, said="Nothing is spent.", member="",
            members="", calls="",
        )  # fmt: skip
    spent, full = used(standing), share(standing)
    rolling = budget.window.startswith("rolling ")
    going = None if rolling else pace(spent, standing.limit, standing.from_us, standing.until_us, view.now_us)
    state, verdict = _verdict(budget, full, near)
    bar, scale = _bar(standing)
    left = words.amount(budget, max(0, standing.left))
    said["limit"] = words.amount(budget, standing.limit)
    return Card(
        **said, state=state, verdict=verdict, share=full if standing.limit > 0 else None, spent=words.amount(budget, spent),
        reserved=words.amount(budget, standing.reserved) if standing.reserved else "", left=left,
        resets=words.resets(budget, standing.until_us, view.now_us), pace=_pace(going, view.now_us, standing.until_us),
        forecast=_foreseen(budget, foreseen, standing.limit, view.now_us), bar=bar,
        mark=min(WIDE - 4, round(WIDE * going.elapsed * scale)) if going is not None else None,
        said=f"{words.amount(budget, spent)} of {said['limit']} is spent, {left} is left.",
        member=standing.member if budget.has_members else "", members=_members(budget, count, most),
        calls=words.calls(view, budget, standing),
    )  # fmt: skip


def _raised(budget: Budget, now_us: int) -> str:
    now = [each for each in budget.raises if each.from_us <= now_us < each.until_us]
    if not now:
        return ""
    more, until = sum(each.amount for each in now), min(each.until_us for each in now)
    return f"{words.amount(budget, more)} of it is a raise until {day_of(until - 1):%-d %b}"


def _verdict(budget: Budget, full: float, near: float) -> tuple[Literal["good", "warn", "bad"], str]:
    if full >= 1:
        return ("bad", "used up: refuses calls") if budget.hard else ("warn", "passed")
    return ("warn", "near its end") if full >= near else ("good", "within")


def _bar(standing: Standing) -> tuple[list[Part], float]:
    """Its pieces, and the limit's part of the width: less than 1 where more than that is spent."""
    spent, reserved = used(standing), standing.reserved
    whole = max(standing.limit, spent + reserved, 1)
    until_limit = min(spent, standing.limit)
    edges = [0, until_limit, spent, spent + reserved, whole]
    kinds: tuple[Literal["spent", "reserved", "left", "over"], ...] = ("spent", "over", "reserved", "left")
    at = [round(WIDE * edge / whole) for edge in edges]
    parts = [Part(kind, at[no], at[no + 1] - at[no]) for no, kind in enumerate(kinds)]
    return [each for each in parts if each.width], standing.limit / whole


def _pace(going: Pace | None, now_us: int, until_us: int) -> str:
    if going is None:
        return "no window to pace against"
    if going.ratio is None:
        return "too early to say"
    if going.gone_us is None:
        return f"{times(going.ratio)} the even pace" if going.ratio else "nothing spent"
    early = span((until_us - going.gone_us) / HOUR_US)
    return f"{times(going.ratio)} the even pace: gone in {span((going.gone_us - now_us) / HOUR_US)}, {early} early"


def _foreseen(budget: Budget, foreseen: Forecast | None, limit: int, now_us: int) -> str:
    if foreseen is None or foreseen.method in ("none", "over"):
        return "not forecast"
    month = f"{day_of(foreseen.month_us):%B}"
    chance = foreseen.chance_above(limit) if limit > 0 else None
    above = f"; the chance to end above is {percent(chance)}" if chance is not None else ""
    begun = "; with its calls from before it was made" if budget.created_us > month_of(now_us) else ""
    between = f"({money(foreseen.low)} to {money(foreseen.high)})"
    return f"{money(foreseen.expected)} at the end of {month} {between}{above}{begun}"


def _members(budget: Budget, count: int, most: int) -> str:
    if not budget.has_members:
        return ""
    if count <= 1:
        return "its only member so far"
    return f"the fullest of the {count} that spent most" if count >= most else f"the fullest of {count} members"
