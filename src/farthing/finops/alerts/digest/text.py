"""A digest in words: plain lines, as messages and terminals take them. No prompts, no secrets; amounts and names only."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from farthing.finops.alerts.digest.reading import Digest, Mover
from farthing.finops.alerts.seen import BudgetSeen
from farthing.finops.alerts.words import number, percent, span, times
from farthing.model.money import Nano, show_dollars
from farthing.store.rollups import DAY_US, HOUR_US


def title_of(digest: Digest) -> str:
    return f"Week {day_name(digest.since_us)} to {day_name(digest.until_us - DAY_US)}: {show_dollars(digest.cost)}"


def lines_of(digest: Digest, now_us: int) -> list[str]:
    """What there is to say, the spending first; parts without anything are left out."""
    return [
        *_spending(digest),
        *(f"{_mover(each)}" for each in digest.movers),
        *_alerts(digest),
        *_savings(digest),
        *digest.plan,
        *(_budget(each, now_us) for each in digest.budgets),
    ]


def _spending(digest: Digest) -> list[str]:
    lines = [
        f"Spent {show_dollars(digest.cost)} on {number(digest.calls, 'call')}, {_beside(digest.cost, digest.cost_before)} "
        f"({show_dollars(digest.cost_before)}, {number(digest.calls_before, 'call')})."
    ]
    if digest.without_cost:
        lines.append(
            f"{number(digest.without_cost, 'call')} without a known cost {'is' if digest.without_cost == 1 else 'are'} not in it."
        )
    if digest.corrections:
        lines.append(f"Corrections posted for these days: {_signed(digest.corrections)}, not in it.")
    return lines


def _beside(now: Nano, before: Nano) -> str:
    if not before:
        return "after a week without spending"
    if now == before:
        return "as in the week before"
    return f"{percent(abs(now - before) / before)} {'more' if now > before else 'less'} than in the week before"


def _signed(amount: Nano) -> str:
    return f"{'+' if amount > 0 else '-'}{show_dollars(abs(amount))}"


def _mover(each: Mover) -> str:
    name = f"Feature {each.feature or '(none)'}"
    said = f"{name}: {_signed(each.change)}, {show_dollars(each.before)} to {show_dollars(each.now)}"
    return f"{said}{_why(each)}.{f' {each.cause}' if each.cause else ''}"


def _why(each: Mover) -> str:
    """Whether it is more calls or dearer ones."""
    if not each.calls_before or not each.before:
        return ", new in this week"
    if not each.calls or not each.now:
        return ", without a call in this week" if not each.calls else ""
    dearer = (each.now / each.calls) / (each.before / each.calls_before)
    return f"; {times(each.calls / each.calls_before)} the calls, each {times(dearer)} as dear"


def _alerts(digest: Digest) -> list[str]:
    if not digest.alerts_told and not digest.alerts_open:
        return ["No alert was told."]
    lines = [f"{number(digest.alerts_told, 'alert')} told in the week, {digest.alerts_open} open now."]
    for each in digest.alerts:
        stake = f", {show_dollars(each.at_stake)} at stake" if each.at_stake else ""
        lines.append(f"{each.rule.replace('_', ' ')}, {each.scope}{stake}{', over' if each.over else ''}: {each.text}")
    return lines


def _savings(digest: Digest) -> list[str]:
    if not digest.savings:
        return []
    total = sum(each.now for each in digest.savings)
    before = sum(each.before for each in digest.savings)
    each = ", ".join(f"{one.lever} {show_dollars(one.now)} ({show_dollars(one.before)})" for one in digest.savings)
    return [f"Saved {show_dollars(total)}, in the week before {show_dollars(before)}: {each}."]


def _budget(each: BudgetSeen, now_us: int) -> str:
    said = f"Budget {each.name}: {percent(each.spent / each.limit)} of {show_dollars(each.limit)} is spent"
    chance = f", {percent(each.chance_over)} likely to end above it" if each.chance_over else ""
    left = f", {span((each.ends_us - now_us) / HOUR_US)} to go" if each.ends_us > now_us else ""
    return f"{said}{left}{chance}."


def plain(digest: Digest, now_us: int) -> dict[str, Any]:
    """For JSON; amounts are integer nano-dollars."""
    shown: dict[str, Any] = msgspec.to_builtins(digest)
    return shown | {"title": title_of(digest), "lines": lines_of(digest, now_us)}


def day_name(us: int) -> str:
    """The UTC date."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d")
