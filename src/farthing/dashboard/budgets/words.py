"""A budget in words: for which calls it holds, when it begins anew, amounts in its unit; and where its calls are listed."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import unquote

from farthing.dashboard.formats import count, money
from farthing.dashboard.periods import day_of
from farthing.dashboard.view import View
from farthing.finops.alerts.words import span
from farthing.model.budget import EACH, FIELDS, Budget
from farthing.model.windows import FOREVER_US
from farthing.store.budgets import Standing
from farthing.store.reading import FILTERS
from farthing.store.rollups import HOUR_US

CUT = "…"
"""In names of members that were too long to be kept."""


def amount(budget: Budget, value: int) -> str:
    """In the budget's unit."""
    return money(value) if budget.unit == "money" else f"{count(value)} {budget.unit}"


def scope(budget: Budget) -> str:
    """`calls of team support, one budget for each user`."""
    fixed = [_fixed(name, value) for name, value in budget.scope.items() if value != EACH]
    each = [name if name in FIELDS else f"value of the tag {name}" for name, value in budget.scope.items() if value == EACH]  # fmt: skip
    if budget.tenant == EACH:
        each.insert(0, "tenant")
    said = f"calls of {', '.join(fixed)}" if fixed else "all calls"
    return f"{said}, one budget for each {' and '.join(each)}" if each else said


def _fixed(name: str, value: str) -> str:
    what = name if name in FIELDS else f"the tag {name}"
    if name == "model":
        return f"models like {value}" if any(char in value for char in "*?[") else f"model {value}"
    return f"each {what} that begins with “{value.removesuffix(EACH)}”" if value.endswith(EACH) else f"{what} {value}"


def window(budget: Budget) -> str:
    """`a month`, `a quarter of the year from 04-01, Europe/Berlin`, `in any 30d`."""
    if budget.window == "total":
        return "once, for all time"
    if budget.window.startswith("rolling "):
        return f"in any {budget.window.removeprefix('rolling ')}"
    fiscal = (
        f" of the year from {budget.fiscal_start}"
        if budget.window == "quarter" and budget.fiscal_start != "01-01"
        else ""
    )
    zone = f", {budget.zone}" if budget.zone != "UTC" and budget.window != "hour" else ""
    return f"a {budget.window}{fiscal}{zone}"


def resets(budget: Budget, until_us: int, now_us: int) -> str:
    """When what is spent counts no longer."""
    if budget.window == "total" or until_us >= FOREVER_US:
        return "never begins anew"
    if budget.window.startswith("rolling "):
        return "begins anew bit by bit"
    left = span((until_us - now_us) / HOUR_US)
    hour = "" if until_us % (24 * HOUR_US) == 0 else f" {until_us // HOUR_US % 24:02}:{until_us // 60_000_000 % 60:02}"
    return f"begins anew on {day_of(until_us):%-d %b}{hour} UTC, in {left}"


def calls(view: View, budget: Budget, standing: Standing) -> str:
    """Where the calls of a member are listed; empty where no list can be narrowed just so."""
    where: dict[str, str] | None = dict(budget.scope)
    if budget.has_members:
        where = member_scope(budget, standing.member)
    if where is None or budget.tenant == EACH or not all(_is_exact(name, value) for name, value in where.items()):
        return ""
    return view.href("/calls", period=_period(budget, standing, view.now_us), **where)


def member_scope(budget: Budget, member: str) -> dict[str, str] | None:
    """The budget's scope with the member's own values; None where its name was cut, or there is none."""
    names = [name for name, value in budget.scope.items() if value == EACH]
    parts = member.split("/")
    if budget.tenant == EACH:
        names.insert(0, "tenant")
    if CUT in member or len(parts) != len(names):
        return None
    own: Mapping[str, str] = dict(zip(names, map(unquote, parts), strict=True))
    return {name: own[name] if value == EACH else value for name, value in budget.scope.items()}


def _is_exact(name: str, value: str) -> bool:
    return name in FILTERS and not any(char in value for char in ("*?[" if name == "model" else EACH))


def _period(budget: Budget, standing: Standing, now_us: int) -> str:
    today = day_of(now_us)
    first = day_of(standing.from_us or budget.created_us or now_us)
    if budget.window.startswith("rolling "):
        first = day_of(now_us - budget.period.length_us)
    first = max(first, today - timedelta(days=3_600))
    return f"{first}..{today}" if first < today else f"{today}"
