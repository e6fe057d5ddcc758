"""What the commands that make own models share: progress of a tool, how the result is served, and what a full disk says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from farthing.cli import toml_text
from farthing.cli.common import printable
from farthing.selfhost.serving import Served, Use, command, deployment, provider, provider_name


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Shows on the error output what a tool does, how much of it is done, and how much there is."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[of]}"), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("starts", total=None, of="")

        def told(what: str, done: int, total: int) -> None:
            known = total > 1
            of = f"{done} of {total}" if known else ""
            bar.update(task, description=printable(what), completed=done, total=total if known else None, of=of)

        yield told


@contextmanager
def written(out: Path) -> Iterator[None]:
    """Says plainly what the disk does not take; what is there by then stays, and the same command goes on."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or out}: {error.strerror or error}; what is done is kept, the same command goes on"
        ) from None


def use_of(served: Served, card: Path) -> Use:
    """How it is served, as reports have it."""
    host, place = provider(served), deployment(served)
    tables = [
        toml_text.table(f"providers.{provider_name(served)}", host),
        toml_text.table(f"models.{toml_text.key(served.model)}.deployments", place, array=True),
    ]
    return Use(served.served, command(served), host, place, "\n".join(tables), str(card))
