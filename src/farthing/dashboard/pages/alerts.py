"""Alerts: what is out of order now and what was, who is told of what, and what the rules would have said of the past; to
acknowledge, mute and try."""

import asyncio
from typing import Any

import msgspec

from farthing.dashboard.alerts import cards, tables
from farthing.dashboard.fields import end_of, seconds_of
from farthing.dashboard.formats import count, moment, money
from farthing.dashboard.forms import Form
from farthing.dashboard.page import Action, Done, Page, Values
from farthing.dashboard.paging import PAGE_ROWS, before_of, part_of
from farthing.dashboard.view import View
from farthing.finops.alerts.incidents import NEAREST
from farthing.finops.alerts.trial import try_channel
from farthing.gateway.alerts import LONGEST_MUTE_S, NewMute
from farthing.gateway.guard import EDITOR, VIEWER, Need
from farthing.model.errors import BadRequest, NotFound
from farthing.settings import ALERT_RULES
from farthing.store.alerts import Alerts, Standing
from farthing.store.rollups import DAY_US

GATEWAY = Need("viewer", whole=True)
"""Channels are the gateway's own."""
OPEN_ROWS = 25
"""Cards of one part of the list of what is open."""
MOST_IN_FILE = 10_000
REPLAYS = (30, 60, 90)
"""Days that a replay may be of."""
SPANS = (
    ("1h", "1 hour"),
    ("4h", "4 hours"),
    ("24h", "24 hours"),
    ("3d", "3 days"),
    ("7d", "7 days"),
    ("30d", "30 days"),
)


async def read(view: View) -> Values:
    """Raises NotFound, BadRequest."""
    alerts, settings = Alerts(view.sources.store), view.sources.settings.alerts
    chosen = view.query.get("alert", "")
    standings, mutes = await asyncio.gather(alerts.standings(view.tenant), alerts.mutes(view.tenant))
    shared: dict[str, Any] = {
        "spans": SPANS, "rules_": [("", "every rule"), *((name, cards.rule_name(name)) for name in ALERT_RULES)],
        "file": view.sources.settings_file or "farthing.toml", "replays": REPLAYS,
    }  # fmt: skip
    if chosen:
        return {**shared, **await _one(view, alerts, standings, chosen)}
    open_ = cards.worst_first(each for each in standings if each.state != "ok")
    told, muted = ([each for each in open_ if (each.muted_until_us > view.now_us) is of] for of in (False, True))
    kept = {name: view.query.get(name) for name in ("open", "muted", "over", "before_no", "backtest")}
    shown, part = part_of(view, told, "open", kept, OPEN_ROWS)
    shown_muted, muted_part = part_of(view, muted, "muted", kept, OPEN_ROWS)
    over, over_part = part_of(view, [each for each in standings if each.state == "ok"], "over", kept)
    channels = await alerts.channels() if view.meets(GATEWAY) else None
    return {
        **shared, "one": None, "open": [cards.card(view, each) for each in shown], "open_part": part,
        "muted": [cards.card(view, each) for each in shown_muted], "muted_part": muted_part, "over_part": over_part,
        "mutes": tables.mutes(mutes), "mute_ids": [each.id for each in mutes], "rules": tables.rules(settings), "on": settings.on,
        "over": tables.over(view, over), **await _history(view, alerts, kept), "channels": None if channels is None else tables.channels(settings, channels),
        "tiles": _tiles(open_, view.now_us), **await _replay(view),
    }  # fmt: skip


async def _one(view: View, alerts: Alerts, standings: list[Standing], chosen: str) -> dict[str, Any]:
    alert = next((each for each in standings if each.id == chosen), None)
    if alert is None:
        raise NotFound("There is no such alert. It may be of another tenant, or so old that it was forgotten.")
    return {
        "one": cards.card(view, alert),
        **await _history(view, alerts, {"alert": alert.id}, alert.id, "What happened to it"),
    }


async def _history(
    view: View, alerts: Alerts, kept: dict[str, str | None], alert_id: str = "", title: str = "What happened"
) -> dict[str, Any]:
    """The part of the list that the address asks for, with where it goes on; all of it for a file. Raises BadRequest."""
    before, most = before_of(view, "before_no"), MOST_IN_FILE if "table" in view.params else PAGE_ROWS
    entries = await alerts.history(view.tenant, alert_id, most + 1, None if "table" in view.params else before)
    shown = entries[:most]
    return {
        "history": tables.history(view, shown, title),
        "older": view.href(**(kept | {"before_no": f"{shown[-1].no}"})) if len(entries) > most else "",
        "newest": view.href(**(kept | {"before_no": None})) if before is not None else "",
    }


def _tiles(open_: list[Standing], now_us: int) -> list[dict[str, str]]:
    told = [each for each in open_ if each.muted_until_us <= now_us]
    severe, stake = sum(each.state == "alert" for each in told), sum(each.at_stake for each in told)
    waiting = sum(not each.acked_us for each in told)
    unsaid = sum(not each.at_stake for each in told)
    return [
        {"title": "Open", "value": count(len(told)), "note": f"{severe} to act on" if severe else "none to act on at once",
         "state": "bad" if severe else "warn" if told else "good"},
        {"title": "At stake", "value": money(stake or None),
         "note": f"{unsaid} of them cannot say what" if unsaid and told else "if nobody does anything; some may be about the same money"},
        {"title": "Nobody looks after", "value": count(waiting), "note": "not acknowledged", "state": "warn" if waiting else ""},
        {"title": "Muted", "value": count(len(open_) - len(told)), "note": "found, and nobody is told"},
    ]  # fmt: skip


async def _replay(view: View) -> dict[str, Any]:
    """On demand only: months of a large ledger take seconds."""
    asked = view.query.get("backtest", "")
    if not asked:
        return {"replay": "", "days": REPLAYS[1]}
    if asked not in map(str, REPLAYS):
        raise BadRequest(f"A replay is of {', '.join(map(str, REPLAYS))} days.", param="backtest")
    until_us = view.now_us - view.now_us % DAY_US
    found = await view.sources.backtests.of(view.tenant, until_us - int(asked) * DAY_US, until_us)
    if found is None:
        return {"replay": "under way", "days": int(asked), "soon": True}
    return {
        "replay": "done",
        "days": int(asked),
        "fired": tables.fired(view, found, int(asked)),
        "each": tables.each_fired(found),
        "tally": tables.tally(found),
    }


async def acknowledge(view: View, form: Form) -> str:
    acked = await Alerts(view.sources.store).acknowledge(view.tenant, form.get("id", ""), view.entered.who)
    if acked is None:
        raise BadRequest("The alert is over, so that there is nothing to acknowledge.")
    return f"Acknowledged: {cards.title(acked)}. Nobody is reminded of it, unless it doubles."


async def mute(view: View, form: Form) -> str:
    until_us = end_of(form.get("until", ""), view.now_us, "until")
    if not until_us:
        until_us = view.now_us + seconds_of(form.get("for", "24h"), "for") * 1_000_000
    for_s = -(-(until_us - view.now_us) // 1_000_000)
    if for_s > LONGEST_MUTE_S:
        raise BadRequest("A mute lasts a year at most.", param="until")
    said = {
        "rule": form.get("rule", ""), "scope": _scope(form.get("scope", "")), "why": form.get("why", "").strip(),
        "for_s": for_s,
    }  # fmt: skip
    try:
        wanted = msgspec.convert(said, NewMute)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f"This is no mute: {error}.") from None
    await Alerts(view.sources.store).mute(
        view.tenant, rule=wanted.rule, scope=wanted.scope, until_us=until_us, who=view.entered.who, why=wanted.why
    )
    what = f"{cards.rule_name(wanted.rule) or 'every rule'}, {wanted.scope or 'everything'}"
    return f"Muted until {moment(until_us)} UTC: {what}. What goes on then is told then."


def _scope(text: str) -> str:
    """`feature:agent`, as mutes keep it. Raises BadRequest."""
    text = text.strip()
    if not text:
        return ""
    kind, _, name = text.partition(":")
    if kind == "total" and not name:
        return "total:"
    if kind not in NEAREST or not name:
        raise BadRequest(
            f"A scope is written KIND:NAME, such as feature:agent; kinds are {', '.join(NEAREST)}.", param="scope"
        )
    return text


async def unmute(view: View, form: Form) -> str:
    if not await Alerts(view.sources.store).unmute(view.tenant, form.get("id", ""), who=view.entered.who):
        raise NotFound("There is no such mute; it may be over.")
    return "The mute has ended. What is out of order is told again."


async def test(view: View, form: Form) -> str | Done:
    name = form.get("channel", "")
    error = await try_channel(view.sources.settings.alerts, name, view.now_us)
    if error:
        raise BadRequest(f"The channel {name} did not take it: {error}")
    return f"The channel {name} took a test message."


PAGE = Page(
    "alerts", "/alerts", "Alerts", VIEWER, read, section="Control", filters=(), live=True,
    actions={
        "acknowledge": Action(EDITOR, acknowledge), "mute": Action(EDITOR, mute), "unmute": Action(EDITOR, unmute),
        "test": Action(Need("editor", whole=True), test),
    },
)  # fmt: skip
