"""What the reports of metrics, forecast and phases have in common: which calls and days, and how figures are written."""

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from farthing.cli.common import CommandT, When, config_option, microseconds, pairs_option
from farthing.cli.report_span import percent
from farthing.finops.trend import Trend
from farthing.model.money import show_dollars
from farthing.store.rollups import DAY_US, month_of

DEFAULT_DAYS = 30


def now_us() -> int:
    return time.time_ns() // 1000


class Month(click.ParamType[int]):
    """A calendar month, given to the library as the microseconds of its beginning."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return microseconds(datetime.strptime(str(value), "%Y-%m").replace(tzinfo=UTC))
        except ValueError:
            self.fail(f"{value!r} is no month. Write 2026-01.", param, ctx)


def span_options(command: CommandT) -> CommandT:
    """`--since`, `--until`, `--month`: which days."""
    for option in (
        click.option("--month", type=Month(), help="A calendar month (UTC), 2026-01, instead of --since and --until."),
        click.option("--until", type=When(), help="First day that is not counted any more. Default: tomorrow."),
        click.option(
            "--since", type=When(), help="First day (UTC): 2026-01-31, today, or so long ago: 7d. Default: 30 days ago."
        ),
    ):
        command = option(command)
    return command


def scope_options(command: CommandT) -> CommandT:
    """`--config`, `--where`, `--tenant`, `--json` as `as_json`."""
    options: tuple[Callable[[Any], Any], ...] = (
        click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars and as text."),
        click.option("--tenant", default="", help="Only calls of this tenant."),
        pairs_option("--where", help="Only calls of this feature, team, model, ...; repeat where sums of both are kept."),
        config_option,
    )  # fmt: skip
    for option in options:
        command = option(command)
    return command


def span_of(since: int | None, until: int | None, month: int | None, now: int) -> tuple[int, int]:
    """Whole UTC days. Raises click.UsageError for a span that holds none."""
    if month is not None:
        if since is not None or until is not None:
            raise click.UsageError("--month says it all: leave out --since and --until.")
        return month, month_of(month + 32 * DAY_US)
    today = now - now % DAY_US
    first = since - since % DAY_US if since is not None else today - (DEFAULT_DAYS - 1) * DAY_US
    end = -(-until // DAY_US) * DAY_US if until is not None else today + DAY_US
    if end <= first:
        raise click.UsageError("The span ends before it begins.")
    return first, end


def day_name(us: int) -> str:
    """The UTC date."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d")


def scope_name(where: Mapping[str, str], tenant: str) -> str:
    parts = [f"{name} {value or '(none)'}" for name, value in where.items()] + ([f"tenant {tenant}"] if tenant else [])
    return ", ".join(parts) or "all calls"


def figure(value: float | None, unit: str) -> str:
    """A value of a metric for people."""
    if value is None:
        return "-"
    if unit == "dollars":
        return show_dollars(round(value))
    return percent(value) if unit == "share" else f"{value:,.1f}"


def shown_trend(found: Trend | None) -> str:
    """The slope in a month with its interval; the word only where the interval excludes zero."""
    month = found.a_month if found is not None else None
    if found is None or month is None:
        return "-"
    slope, low, high = month
    if not math.isfinite(low) or not math.isfinite(high):
        return "not shown: the days do not bound it"
    word = {"up": "rising", "down": "falling", "none": "none shown"}[found.direction]
    return f"{word}, {slope * 100:+.1f} % a month ({low * 100:+.1f} to {high * 100:+.1f})"
