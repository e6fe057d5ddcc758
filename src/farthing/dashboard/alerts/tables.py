"""The tables of the page on alerts: mutes, what is over, what happened, the rules as they are set, channels, a replay."""

from collections import Counter
from collections.abc import Sequence

from farthing.dashboard.alerts import cards
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.finops.alerts.backtest import Fired
from farthing.finops.alerts.catalog import about, is_on, looks_at
from farthing.finops.alerts.finding import Scope
from farthing.finops.alerts.incidents import scope_of
from farthing.finops.alerts.recipients import LOG, Recipients
from farthing.settings import ALERT_RULES, AlertChannelSettings, AlertRuleSettings, AlertSettings
from farthing.store.alerts import ChannelState, Entry, Mute, Standing

WHAT = {
    "raised": "told first", "escalated": "worse, told again", "reminder": "told again", "resolved": "over", "acknowledged": "acknowledged",
    "test": "test", "digest": "weekly digest",
}  # fmt: skip
MUTES = (
    Column("rule", "Rule"), Column("scope", "Of"), Column("until", "Until (UTC)", "moment"), Column("who", "By", "prose"),
    Column("why", "Why", "prose"),
)  # fmt: skip
OVER = (
    Column("alert", "Alert", "prose"), Column("since", "Since (UTC)", "moment"), Column("over", "Over (UTC)", "moment"),
    Column("at_stake", "At stake", "money"), Column("said", "Said", "prose"),
)  # fmt: skip
HISTORY = (
    Column("alert", "Alert", "prose"), Column("at", "When (UTC)", "moment"), Column("what", "What"), Column("who", "Who", "prose"),
    Column("at_stake", "At stake", "money"), Column("said", "Said", "prose"),
)  # fmt: skip
RULES = (
    Column("rule", "Rule"), Column("state", "Looked at"), Column("when", "It is told when", "prose"),
    Column("by", "Of each", "prose"), Column("channels", "Told to", "prose"),
)  # fmt: skip
CHANNELS = (
    Column("channel", "Channel"), Column("kind", "Kind"), Column("wants", "Wants", "prose"), Column("delivered", "Delivered", "count"),
    Column("last", "Last (UTC)", "moment"), Column("waiting", "Waiting", "count"), Column("error", "Last try", "prose"),
)  # fmt: skip
FIRED = (
    Column("alert", "Alert", "prose"), Column("days", "Days", "count", "On which it would have been told"),
    Column("at_stake", "Most at stake", "money", "On one of these days"), Column("last", "Last (UTC)"),
    Column("said", "It would have said then", "prose"),
)  # fmt: skip
EACH = (
    Column("day", "Day"), Column("hour", "Hour", "count"), Column("rule", "Rule"), Column("scope", "Of"), Column("level", "Level"),
    Column("at_stake", "At stake", "money"), Column("said", "Said"), Column("cause", "Cause"),
)  # fmt: skip
"""One row an alert, for files."""


def mutes(found: Sequence[Mute]) -> Table:
    rows = [
        Row((each.rule or "every rule", each.scope or "everything", each.until_us, each.who, each.why))
        for each in found
    ]
    return Table("mutes", "Mutes in force", MUTES, rows, empty="Nothing is muted.")


def over(view: View, found: Sequence[Standing]) -> Table:
    rows = [
        Row((cards.title(each), each.since_us, each.changed_us, each.at_stake or None, each.text), href=view.href("/alerts", alert=each.id))
        for each in found
    ]  # fmt: skip
    return Table("over", "Over", OVER, rows, empty="No alert has come and gone yet.")


def history(view: View, found: Sequence[Entry], title: str = "What happened") -> Table:
    rows = []
    for each in found:
        standing = each.standing
        name = "weekly digest" if each.what == "digest" else f"{cards.rule_name(standing.rule)}: {scope_of(standing)}"
        values = (
            name,
            each.at_us,
            WHAT.get(each.what, each.what),
            each.who or None,
            standing.at_stake or None,
            standing.text,
        )
        href = view.href("/alerts", alert=each.alert_id) if each.what != "digest" else ""
        rows.append(Row(values, href=href, mark="good" if each.what == "resolved" else ""))
    return Table(
        "history", title, HISTORY, rows, empty="Nothing was ever out of order.",
        note="What was never told, since a mute or an incident covered it, is not in it." if rows else "",
    )  # fmt: skip


def rules(settings: AlertSettings) -> Table:
    told, rows = Recipients(settings), []
    for name in ALERT_RULES:
        on = settings.on and is_on(settings, name)
        own = settings.rules.get(name, AlertRuleSettings()) != AlertRuleSettings()
        state = ("yes" if on else "no") + (", changed" if own else "")
        values = (
            name,
            state,
            about(settings, name),
            ", ".join(looks_at(settings, name)) or None,
            ", ".join(told.of_rule(name)),
        )
        rows.append(Row(values, mark="" if on else "quiet"))
    floors = f"An excess below ${settings.floor_dollars} or {settings.floor_percent:g} % of what all spend in a usual day is not told"
    pace = f"the same thing is not told again within {settings.cool_down_h:g} hours unless it doubles"
    remind = f"what is severe and not acknowledged is told again after {settings.remind_h:g} hours" if settings.remind_h else "nothing is told again only because nobody acknowledged it"  # fmt: skip
    return Table("rules", "Rules", RULES, rows, note=f"{floors}; {pace}; {remind}. Days are UTC days.")


def channels(settings: AlertSettings, states: Sequence[ChannelState]) -> Table:
    known = {each.channel: each for each in states}
    configured = settings.channels or {LOG: AlertChannelSettings("log")}
    rows = []
    for name in [*configured, *(name for name in known if name not in configured)]:
        state, said = known.get(name, ChannelState(name)), configured.get(name)
        values = (
            name, said.kind if said is not None else "gone", _wants(said) if said is not None else "It is no longer in the settings",
            state.delivered, state.delivered_us or None, state.waiting, state.error or ("delivered" if state.delivered else None),
        )  # fmt: skip
        rows.append(Row(values, mark="bad" if state.error else ""))
    return Table("channels", "Channels", CHANNELS, rows, note="A message that cannot be delivered waits in the store and is tried again, up to an hour apart.")  # fmt: skip


def _wants(settings: AlertChannelSettings) -> str:
    parts = ["warnings and alerts" if settings.least == "warn" else "alerts, and their end"]
    parts += [f"of the rules {', '.join(settings.rules)}"] if settings.rules else []
    parts += [f"of the tenant {settings.tenant}"] if settings.tenant else []
    return ", ".join(parts)


def fired(view: View, found: Sequence[Fired], days: int) -> Table:
    """One row for a rule and what it is about; the one that was told most often first."""
    groups: dict[tuple[str, Scope], list[Fired]] = {}
    for each in found:
        groups.setdefault((each.finding.rule, each.finding.scope), []).append(each)
    rows = []
    for (rule, scope), some in sorted(groups.items(), key=lambda each: (-len(each[1]), each[0])):
        last = some[-1]
        said = " ".join(filter(None, (last.finding.text, cards.sentence(last.finding.cause))))
        stake = max(each.finding.at_stake for each in some) or None
        rows.append(
            Row(
                (f"{cards.rule_name(rule)}: {scope}", len(some), stake, f"{last.day} {min(last.hour, 23):02}h", said),
                calls=cards.calls_of(view, scope.kind, scope.name, last.day),
                mark="bad" if any(each.finding.level == "alert" for each in some) else "",
            )
        )
    return Table(
        "fired", f"These alerts would have fired in the last {days} days", FIRED, rows,
        empty=f"No alert would have fired in the last {days} days.",
        note="By the rules as they are set now. Rules about budgets, prices, silence, shares of a week and slow rises are not replayed.",
    )  # fmt: skip


def each_fired(found: Sequence[Fired]) -> Table:
    rows = [
        Row((each.day, each.hour, each.finding.rule, f"{each.finding.scope}", each.finding.level, each.finding.at_stake or None,
             each.finding.text, each.finding.cause))
        for each in found
    ]  # fmt: skip
    return Table("each", "Each of them", EACH, rows)


def tally(found: Sequence[Fired]) -> str:
    """`12: 9 day spend, 3 single call`."""
    by_rule = Counter(cards.rule_name(each.finding.rule) for each in found)
    return f"{len(found)}: {', '.join(f'{count} {rule}' for rule, count in by_rule.most_common())}" if found else "none"
