"""What is wrong now: open alerts with their cause, budgets near their end, calls without a cost, deployments that are left
alone. Lines about the same thing are told as one, which leads to what is behind each."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from farthing.dashboard.alerts import cards
from farthing.dashboard.formats import count, duration, moment, money, percent
from farthing.dashboard.overview.reading import Overview
from farthing.dashboard.view import View
from farthing.finops.alerts.catalog import percent_of
from farthing.finops.alerts.rules import budget_level, unpriced
from farthing.finops.alerts.words import until
from farthing.gateway.budgets import is_of
from farthing.gateway.guard import Need
from farthing.model.budget import Budget
from farthing.steps.balance.health import DeploymentState
from farthing.store.alerts import Alerts, ChannelState, Standing
from farthing.store.budgets import Budgets
from farthing.store.budgets import Standing as Spent

SHOWN = 3
"""Troubles that are told in full; the others are named."""
MOST = 50
"""Lines of one kind; the others are counted."""
MEMBERS = 5
"""Of a budget with members, those who spent most."""
GATEWAY = Need("viewer", whole=True)


class Wrong(NamedTuple):
    """One line."""

    topic: str
    """Lines of the same topic most often have the same cause."""
    level: Literal["bad", "warn"]
    title: str
    text: str
    """One sentence."""
    cause: str
    since: str
    href: str
    """To the calls behind it, or the page that tells of it."""
    link: str


class Trouble(NamedTuple):
    """Lines of one topic, the worst first."""

    worst: Wrong
    also: list[Wrong]


class State(NamedTuple):
    troubles: list[Trouble]
    """The worst, to be told in full."""
    named: list[Wrong]
    """What comes after them."""
    more: int
    """How many these are, with the alerts that were not even read."""
    others: int
    """Lines that are no alert."""
    alerts: int
    """Open and not muted."""
    worst: Literal["", "warn", "bad"]
    muted: int


async def look(view: View, found: Overview) -> State:
    """For whoever may see all of the tenant; others see their own calls without a cost."""
    if not view.may("viewer"):
        return _state(list(_without_cost(view, found)))
    alerts = Alerts(view.sources.store)
    standings = [each for each in await alerts.standings(view.tenant) if each.state != "ok"]
    open_ = cards.worst_first(each for each in standings if each.muted_until_us <= view.now_us)
    others = await _budgets(view, open_)
    if not any(each.rule == unpriced.NAME for each in open_):
        others += _without_cost(view, found)
    if view.meets(GATEWAY):
        others += [_deployment(each) for each in view.sources.health.snapshot() if each.state in ("open", "half-open")]
        others += [_channel(each) for each in await alerts.channels() if each.error]
    worst: Literal["", "warn", "bad"] = "" if not open_ else "bad" if open_[0].state == "alert" else "warn"
    told = [_alert(view, each) for each in open_[:MOST]]
    return _state(others, told, len(open_), worst, len(standings) - len(open_))


def _state(
    others: list[Wrong], told: Sequence[Wrong] = (), alerts: int = 0, worst: Literal["", "warn", "bad"] = "", muted: int = 0
) -> State:  # fmt: skip
    every = by_topic([*told, *others])
    named = [line for each in every[SHOWN:] for line in (each.worst, *each.also)]
    return State(every[:SHOWN], named, len(named) + alerts - len(told), len(others), alerts, worst, muted)


def by_topic(lines: Iterable[Wrong]) -> list[Trouble]:
    """What must be acted on comes before what is to be looked at; else in the order of the lines."""
    found: dict[str, list[Wrong]] = {}
    for line in sorted(lines, key=lambda each: each.level != "bad"):
        found.setdefault(line.topic, []).append(line)
    return [Trouble(first, also) for first, *also in found.values()]


def _alert(view: View, alert: Standing) -> Wrong:
    also = f"Also: {', '.join(alert.also)}." if alert.also else ""
    acked = f"{alert.acked_by} looks after it." if alert.acked_us else ""
    behind, behind_is = cards.behind_of(view, alert)
    topic = "budget" if alert.scope_kind == "budget" else "cost" if alert.rule == unpriced.NAME else alert.rule
    return Wrong(
        topic, "bad" if alert.state == "alert" else "warn", cards.title(alert), alert.text,
        " ".join(filter(None, (cards.sentence(alert.cause), also, acked))), moment(alert.since_us), behind, behind_is,
    )  # fmt: skip


async def _budgets(view: View, alerts: Sequence[Standing]) -> list[Wrong]:
    """Those near their end that no alert tells of already."""
    budgets = Budgets(view.sources.store)
    mine = {each.id: each for each in await budgets.every() if is_of(each, view.entered)}
    told = {each.scope.partition(" (")[0] for each in alerts if each.scope_kind == "budget"}
    near = percent_of(view.sources.settings.alerts, budget_level.NAME)
    standings = await budgets.standings([each for each in mine.values() if each.id not in told], view.now_us, MEMBERS)
    found = [each for each in standings if each.limit > 0 and each.spent * 100 >= each.limit * near]
    found.sort(key=lambda each: -each.spent / each.limit)
    return [_budget(mine[each.budget], each, view.now_us) for each in found[:MOST]]


def _budget(budget: Budget, spent: Spent, now_us: int) -> Wrong:
    def amount(value: int) -> str:
        return money(value) if budget.unit == "money" else f"{count(value)} {budget.unit}"

    over = spent.spent >= spent.limit
    who = f" ({spent.member})" if spent.member else ""
    rest = f"{amount(max(0, spent.left))} is left" if not over else "nothing is left"
    what = "; it refuses calls" if over and budget.hard else "; it only watches" if not budget.hard else ""
    end = until(spent.until_us, now_us) if spent.resets_us else ""
    return Wrong(
        "budget", "bad" if over and budget.hard else "warn", f"budget: {budget.id}{who}",
        f"{percent(spent.spent / spent.limit, 0)} of {amount(spent.limit)} is spent; {rest}{end}{what}.", "", "", f"/budgets?budget={budget.id}", "budget",
    )  # fmt: skip


def _without_cost(view: View, found: Overview) -> Iterator[Wrong]:
    for state, why in (("unpriced", "have no known price"), ("unknown", "ended before the provider said their usage")):
        calls = found.calls_of_state(state)
        if calls:
            yield Wrong(
                "cost", "warn", "cost not known", f"{count(calls)} of {count(found.calls)} calls {why}: they are in no amount on this page.",
                "Add a rate card or a contract below [prices]." if state == "unpriced" else "", "", view.calls(cost_state=state), "calls",
            )  # fmt: skip


def _deployment(state: DeploymentState) -> Wrong:
    instead = f"{', '.join(state.instead)} answers meanwhile." if state.instead else "Nothing answers in its place."
    again = f"; it is tried again in {duration(state.back_in_s * 1e6)}" if state.back_in_s > 0 else ""
    return Wrong(
        "deployment", "warn" if state.instead else "bad", f"deployment: {state.name}", f"It is left alone{again}.",
        f"{cards.sentence(state.why)} {instead}".strip(), moment(state.since_us), "/routing", "deployments",
    )  # fmt: skip


def _channel(state: ChannelState) -> Wrong:
    return Wrong(
        "channel", "bad", f"alert channel: {state.channel}", f"It does not deliver, and {count(state.waiting)} messages wait.",
        cards.sentence(state.error), moment(state.failed_us), "/alerts", "alerts",
    )  # fmt: skip
