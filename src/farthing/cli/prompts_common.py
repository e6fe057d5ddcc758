"""What the commands of `farthing prompts` share: prompts read from files, and where a model is served."""

from pathlib import Path

import click

from farthing.cli.places import catalog_of
from farthing.lab.prompt import Prompt, PromptError, read_prompt
from farthing.model.call import Deployment
from farthing.prices import PriceBook
from farthing.settings import Settings


def prompt_of(path: Path) -> Prompt:
    """Raises ClickException."""
    try:
        return read_prompt(path.read_text(encoding="utf-8-sig"), path.stem)
    except UnicodeDecodeError:
        raise click.ClickException(f"{path}: it is not UTF-8") from None
    except PromptError as error:
        raise click.ClickException(f"{path}: {error}") from None


def place_of(settings: Settings, book: PriceBook, model: str) -> Deployment:
    """Where the model is served. Raises UsageError."""
    places = catalog_of(settings, book).places(model)
    if not places:
        raise click.UsageError(f"no provider serves {model}")
    return places[0]
