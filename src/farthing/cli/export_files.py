"""What the exports have in common: which month, and files that are whole or not there."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from farthing.cli.common import CommandT, config_option
from farthing.cli.report_scope import now_us, span_of, span_options
from farthing.store.rollups import month_of


def export_options(command: CommandT) -> CommandT:
    """`--since`, `--until`, `--month`, `--out`, `--tenant`, `--config`."""
    for option in (
        config_option,
        click.option("--tenant", default="", help="Only this tenant's."),
        click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file. Default: standard output."),
        span_options,
    ):  # fmt: skip
        command = option(command)
    return command


def span(since: int | None, until: int | None, month: int | None) -> tuple[int, int]:
    """Whole UTC days; this month where nothing is said. Raises click.UsageError."""
    if since is None and until is None and month is None:
        month = month_of(now_us())
    return span_of(since, until, month, now_us())


@contextmanager
def whole_file(out: Path) -> Iterator[Path]:
    """A path to write to, which becomes `out` at the end; a run that fails leaves neither."""
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        os.replace(unfinished, out)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def tell(text: str) -> None:
    """To people, beside what standard output may carry."""
    click.echo(text, file=sys.stderr)
