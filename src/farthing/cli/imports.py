"""`farthing import`: turns another gateway's configuration into farthing.toml."""

from pathlib import Path

import click

from farthing.cli.init import write_new
from farthing.cli.litellm import Unreadable, convert
from farthing.settings import DEFAULT_FILE


@click.group("import")
def command() -> None:
    """Turn another gateway's configuration into farthing.toml."""


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
    try:
        made = convert(file.read_text(encoding="utf-8"))
    except (Unreadable, UnicodeDecodeError, OSError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    write_new(output, made.toml, force=force)
    click.echo(f"{output} is written: {made.providers} providers, {made.models} models. Next: farthing check")
    if made.left_out:
        click.echo(f"\nNot carried over ({len(made.left_out)}):")
    for left in made.left_out:
        click.echo(f"  {left.what}: {left.why}")
