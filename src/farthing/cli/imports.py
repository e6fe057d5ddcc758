"""`farthing import`: what other tools have: their configuration as farthing.toml, their logs as calls (`import_calls`)."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from farthing.cli.import_calls import calls
from farthing.cli.init import write_new
from farthing.settings import DEFAULT_FILE


@click.group("import")
def command() -> None:
    """Take over from other tools: their configuration, or the calls in their logs."""


command.add_command(calls)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_FILE,
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Overwrite the output if it is there.")
def litellm(file: Path, output: Path, force: bool) -> None:
    """Read a LiteLLM proxy's config FILE (YAML), and list what could not be carried over."""
    reader = _reader()
    try:
        made = reader.convert(file.read_text(encoding="utf-8"))
    except (reader.Unreadable, UnicodeDecodeError, OSError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    write_new(output, made.toml, force=force)
    click.echo(f"{output} is written: {made.providers} providers, {made.models} models. Next: farthing check")
    if made.left_out:
        click.echo(f"\nNot carried over ({len(made.left_out)}):")
    for left in made.left_out:
        click.echo(f"  {left.what}: {left.why}")


def _reader() -> Any:
    """What reads YAML, which only this command needs."""
    try:
        return import_module("farthing.cli.litellm")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("farthing"):
            raise
        raise click.ClickException(
            f"farthing import litellm needs the package {error.name}: pip install 'farthing[import]'"
        ) from None
