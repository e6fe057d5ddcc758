"""Alerts as pages show them: in words, the worst first, with a way to what is behind each."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from farthing.dashboard.filters import address
from farthing.dashboard.formats import moment, money
from farthing.dashboard.periods import day_of
from farthing.dashboard.view import View
from farthing.finops.alerts.finding import SEVERITY
from farthing.finops.alerts.incidents import scope_of
from farthing.store.alerts import Standing
from farthing.store.reading import FILTERS


class Card(NamedTuple):
    """One alert."""

    id: str
    level: Literal["bad", "warn", "good"]
    badge: str
    title: str
    text: str
    cause: str
    at_stake: str
    """Empty where that cannot be said."""
    since: str
    seen: str
    also: str
    acked: str
    muted: str
    rule: str
    scope: str
    """As mutes name it."""
    href: str
    behind: str
    """Where what is behind it is listed."""
    behind_is: str


def card(view: View, alert: Standing) -> Card:
    is_open = alert.state != "ok"
    behind, behind_is = behind_of(view, alert)
    level: Literal["bad", "warn", "good"] = "good" if not is_open else "bad" if alert.state == "alert" else "warn"
    badge = {"ok": "over", "alert": "act", "warn": "look", "no-data": "silent"}[alert.state]
    acked = f"{alert.acked_by} looks after it since {moment(alert.acked_us)} UTC." if alert.acked_us else ""
    muted = f"Nobody is told until {moment(alert.muted_until_us)} UTC." if alert.muted_until_us > view.now_us else ""
    return Card(
        alert.id, level, badge, title(alert), alert.text, sentence(alert.cause), money(alert.at_stake) if alert.at_stake else "",
        moment(alert.since_us), moment(alert.seen_us), ", ".join(alert.also), acked, muted, alert.rule,
        f"{alert.scope_kind}:{alert.scope}", view.href("/alerts", alert=alert.id), behind, behind_is,
    )  # fmt: skip


def worst_first(alerts: Iterable[Standing]) -> list[Standing]:
    return sorted(alerts, key=lambda each: (-SEVERITY[each.state], -each.at_stake, -each.since_us, each.id))


def title(alert: Standing) -> str:
    name = scope_of(alert) if alert.scope_kind != "total" else "all spending"
    return f"{rule_name(alert.rule)}: {name}"


def rule_name(rule: str) -> str:
    return rule.replace("_", " ")


def behind_of(view: View, alert: Standing) -> tuple[str, str]:
    """The budget, or the calls of its scope on the day when it was last found; and which of them it is."""
    if alert.scope_kind == "budget":
        return view.href("/budgets", budget=alert.scope.partition(" (")[0]), "budget"
    return calls_of(view, alert.scope_kind, alert.scope, day_of(alert.seen_us or view.now_us).isoformat()), "calls"


def calls_of(view: View, kind: str, name: str, day: str) -> str:
    where = {kind: name} if kind in FILTERS else {}
    return address("/calls", view.filters, dict.fromkeys(view.filters.where) | {"period": day, "compare": None} | where)


def sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""
