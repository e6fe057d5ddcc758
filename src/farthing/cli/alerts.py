"""`farthing alerts`: what is out of order, who was told, and what the rules would have said of the past."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import (
    When,
    config_option,
    load_settings,
    microseconds,
    print_json,
    print_table,
    printable,
    show_time,
    user,
    with_store,
)
from farthing.finops.alerts.backtest import Fired, backtest
from farthing.finops.alerts.booked import StoredBudgets
from farthing.finops.alerts.catalog import looks_at_users, rules_for, single_call_limit
from farthing.finops.alerts.digest.reading import Digest, Digests
from farthing.finops.alerts.digest.text import lines_of, plain, title_of
from farthing.finops.alerts.incidents import scope_of
from farthing.finops.alerts.trial import try_channel
from farthing.model.money import show_dollars
from farthing.settings import ALERT_RULES, Settings
from farthing.store import Store
from farthing.store.alerts import Alerts, ChannelState, Entry, Mute, Standing
from farthing.store.rollups import DAY_US

tenant_option = click.option("--tenant", default="default", show_default=True, help="The wall that nothing crosses.")
who_option = click.option("--who", default="", help="Who does it. Default: the user of this machine.")
json_option = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group("alerts")
def command() -> None:
    """What is out of order with spending, and who is told.

    A gateway that runs looks every minute. Rules, channels and the sensitivity are in the settings ([alerts]).
    """


@command.command("list")
@config_option
@click.option("--all", "every", is_flag=True, help="Also those that are over.")
@tenant_option
@json_option
def list_(config: Path | None, every: bool, tenant: str, as_json: bool) -> None:
    """List what is out of order now, the newest first, and how the channels do."""

    async def read(store: Store) -> tuple[list[Standing], list[ChannelState], list[Mute]]:
        alerts = Alerts(store)
        return await alerts.standings(tenant), await alerts.channels(), await alerts.mutes(tenant)

    standings, channels, mutes = with_store(_settings(config), read)
    shown = [standing for standing in standings if every or standing.state != "ok"]
    if as_json:
        print_json({"alerts": shown, "channels": channels, "mutes": mutes})
        return
    _print_standings(shown)
    for channel in channels:
        if channel.error:
            waiting = f"{channel.waiting} messages wait" if channel.waiting != 1 else "1 message waits"
            click.echo(f"The channel {channel.channel} does not deliver: {printable(channel.error)}; {waiting}.")
    for mute in mutes:
        click.echo(f"Muted until {show_time(mute.until_us)}: {_of(mute)} (mute {mute.id}{_because(mute)})")


@command.command()
@click.argument("alert_id")
@config_option
@tenant_option
@json_option
def show(alert_id: str, config: Path | None, tenant: str, as_json: bool) -> None:
    """Show one alert and what happened to it."""

    async def read(store: Store) -> tuple[Standing | None, list[Entry]]:
        alerts = Alerts(store)
        found = next((each for each in await alerts.standings(tenant) if each.id == alert_id), None)
        return found, await alerts.history(tenant, alert_id)

    standing, history = with_store(_settings(config), read)
    if standing is None:
        raise click.ClickException(f"there is no alert {alert_id}; `farthing alerts list --all` shows all")
    if as_json:
        print_json({"alert": standing, "history": history})
        return
    click.echo(
        f"{standing.rule}, {printable(scope_of(standing))}: {standing.state} since {show_time(standing.changed_us)}"
    )
    for line in (
        standing.text,
        standing.cause,
        f"At stake: {show_dollars(standing.at_stake)}." if standing.at_stake else "",
    ):
        if line:
            click.echo(printable(line))
    if standing.acked_us:
        click.echo(f"Acknowledged by {printable(standing.acked_by)}, {show_time(standing.acked_us)}.")
    table = Table("when", "what", "who", "said", box=None, pad_edge=False)
    for entry in history:
        table.add_row(show_time(entry.at_us), entry.what, entry.who, entry.standing.text)
    print_table(table)


@command.command()
@click.argument("channel")
@config_option
@json_option
def test(channel: str, config: Path | None, as_json: bool) -> None:
    """Send a test message to a channel of the settings, now."""
    settings = load_settings(config, only={"alerts", "store"})
    name, error = channel, asyncio.run(try_channel(settings.alerts, channel, time.time_ns() // 1000))
    if as_json:
        print_json({"channel": name, "delivered": not error, "error": error})
    elif not error:
        click.echo(f"The channel {name} took a test message.")
    if error:
        raise click.ClickException(f"the channel {name} did not take it: {error}")


@command.command()
@click.argument("alert_id")
@config_option
@tenant_option
@who_option
@json_option
def ack(alert_id: str, config: Path | None, tenant: str, who: str, as_json: bool) -> None:
    """Say that somebody deals with an alert: no reminders until it is over, unless it doubles."""

    async def do(store: Store) -> Standing | None:
        return await Alerts(store).acknowledge(tenant, alert_id, who or user(), by=user())

    standing = with_store(_settings(config), do)
    if standing is None:
        raise click.ClickException(f"there is no alert {alert_id} that is not over; `farthing alerts list` shows them")
    if as_json:
        print_json(standing)
    else:
        click.echo(f"Acknowledged: {standing.rule}, {printable(scope_of(standing))}.")


class Span(click.ParamType[timedelta]):
    """So long: 90m, 12h, 7d."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        text = str(value)
        unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:])
        if unit is None or not text[:-1].isdigit() or not 0 < int(text[:-1]) <= 100_000:
            self.fail(f"{text!r} is no span. Write 90m, 12h or 7d.", param, ctx)
        return timedelta(**{unit: int(text[:-1])})


@command.command()
@config_option
@click.option("--rule", type=click.Choice(list(ALERT_RULES)), default=None, help="Only this rule. Default: all.")
@click.option("--scope", default="", metavar="KIND:NAME", help="Only this scope, such as feature:agent. Default: all.")
@click.option("--for", "span", type=Span(), default="24h", show_default=True, help="How long: 90m, 12h, 7d.")
@click.option("--why", default="", help="A word for the others.")
@click.option("--end", "mute_id", default="", metavar="MUTE", help="End this mute instead.")
@tenant_option
@who_option
@json_option
def mute(
    config: Path | None, rule: str | None, scope: str, span: timedelta, why: str, mute_id: str, tenant: str, who: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Let nobody be told for a while. What goes on when it ends is told then."""
    if not all(word.isprintable() for word in (scope, why, who)):
        raise click.UsageError("a scope, a reason and a name are plain text in one line")
    if mute_id:
        if not with_store(_settings(config), lambda store: Alerts(store).unmute(tenant, mute_id, who=user())):
            raise click.ClickException(f"there is no mute {mute_id}; `farthing alerts list` shows them")
        click.echo(f"The mute {mute_id} has ended.")
        return
    until_us = microseconds(datetime.now(UTC) + span)

    async def do(store: Store) -> Mute:
        return await Alerts(store).mute(
            tenant, rule=rule or "", scope=scope, until_us=until_us, who=who or user(), why=why, by=user()
        )

    made = with_store(_settings(config), do)
    if as_json:
        print_json(made)
    else:
        click.echo(f"Muted until {show_time(made.until_us)}: {_of(made)} (mute {made.id})")


@command.command()
@config_option
@click.option("--until", type=When(), default="today", show_default=True, help="The first day (UTC) after the week.")
@tenant_option
@json_option
def digest(config: Path | None, until: int, tenant: str, as_json: bool) -> None:
    """Print the weekly digest, of the seven whole days (UTC) before today. The gateway sends it by itself ([alerts.digest])."""
    now = time.time_ns() // 1000

    async def read(store: Store) -> Digest:
        return await Digests(store, Alerts(store), StoredBudgets(store)).read(tenant, until - until % DAY_US, now)

    found = with_store(_settings(config), read)
    if as_json:
        print_json(plain(found, now))
        return
    for line in (title_of(found), "", *lines_of(found, now)):
        click.echo(printable(line))


@command.command("backtest")
@config_option
@click.option("--since", type=When(), default="30d", show_default=True, help="First day (UTC): 2026-01-31 or 30d.")
@click.option("--until", type=When(), default="now", help="First day that is not looked at any more.")
@click.option("--tenant", default="", help="Only this tenant. Default: all.")
@json_option
def backtest_(config: Path | None, since: int, until: int, tenant: str, as_json: bool) -> None:
    """Lead the rules through the ledger: these alerts would have fired.

    Rules about budgets, prices, silence, shares of a week and slow rises are not replayed.
    """
    settings = load_settings(config, only={"alerts", "store"})

    async def do(store: Store) -> list[Fired]:
        return await backtest(
            Alerts(store), rules_for(settings.alerts), single_call_limit(settings.alerts), since, until, tenant=tenant,
            users=looks_at_users(settings.alerts),
        )  # fmt: skip

    fired = with_store(settings, do)
    if as_json:
        print_json({"since_us": since, "until_us": until, "alerts": fired})
        return
    if not fired:
        click.echo("No alert would have fired.")
        return
    table = Table("when (UTC)", "rule", "scope", "at stake", "said", box=None, pad_edge=False)
    for each in fired:
        finding = each.finding
        said = " ".join(part for part in (finding.text, finding.cause) if part)
        stake = show_dollars(finding.at_stake) if finding.at_stake else ""
        table.add_row(f"{each.day} {each.hour:02}h", finding.rule, str(finding.scope), stake, said)
    print_table(table)
    click.echo(f"{len(fired)} alerts would have fired.")


def _settings(config: Path | None) -> Settings:
    return load_settings(config, only={"store"})


def _print_standings(standings: list[Standing]) -> None:
    if not standings:
        click.echo("Nothing is out of order.")
        return
    table = Table("id", "state", "since", "rule", "scope", "at stake", "said", box=None, pad_edge=False)
    for each in standings:
        stake = show_dollars(each.at_stake) if each.at_stake else ""
        said = " ".join(part for part in (each.text, each.cause) if part)
        table.add_row(each.id, _state(each), show_time(each.since_us), each.rule, scope_of(each), stake, said)
    print_table(table)


def _state(standing: Standing) -> str:
    marks: list[str] = [standing.state]
    if standing.state != "ok" and standing.acked_us:
        marks.append("acknowledged")
    if standing.muted_until_us:
        marks.append("muted")
    return ", ".join(marks)


def _of(mute: Mute) -> str:
    return printable(f"{mute.rule or 'every rule'}, {mute.scope or 'every scope'}")


def _because(mute: Mute) -> str:
    said = ", ".join(part for part in (mute.who, mute.why) if part)
    return printable(f"; {said}") if said else ""
