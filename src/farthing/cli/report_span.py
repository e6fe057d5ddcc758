"""What the reports beside the spending have in common: their options, and how shares and intervals are written."""

import math
from collections.abc import Callable
from typing import Any

import click

from farthing.cli.common import CommandT, When, config_option


def report_options(since: str | None = None) -> Callable[[CommandT], CommandT]:
    """`--config`, `--since` (with a default), `--tenant`, `--json` as `as_json`."""
    options: tuple[Callable[[Any], Any], ...] = (
        config_option,
        click.option(
            "--since", type=When(), default=since, show_default=since is not None,
            help="First day (UTC): 2026-01-31, today, yesterday, or so long ago: 7d, 36h.",
        ),
        click.option("--tenant", default="", help="Only calls of this tenant."),
        click.option("--json", "as_json", is_flag=True, help="For machines."),
    )  # fmt: skip

    def add(command: CommandT) -> CommandT:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage; a dash where there is none."""
    if share is None:
        return "-"
    return f"{share * 100:.{digits}f} %" if math.isfinite(share) else "unbounded"


def share_of(part: int, whole: int) -> float | None:
    """None of nothing is no share."""
    return part / whole if whole else None
