"""What the commands of the cache share: the store of answers, an encoder, and how they fail."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from farthing.cli.common import load_settings
from farthing.embed import Encoder, EncoderError
from farthing.embed.minilm import MiniLM
from farthing.settings import Settings
from farthing.store import StoreError
from farthing.store.entries import Budget, Budgets, Entries, open_entries, wrapping
from farthing.store.entries.place import SUFFIX

T = TypeVar("T")
CommandT = TypeVar("CommandT", bound=Callable[..., Any])

FILE = "sqlite:///"


def cache_settings(config: Path | None) -> Settings:
    """Raises SettingsError."""
    return load_settings(config, only={"store", "cache"})


def with_entries(settings: Settings, work: Callable[[Entries], Awaitable[T]], *, make: bool = False) -> T:
    """Do `work` with the cache of these settings, which is made only if the command is there to `make` it. Raises
    StoreError."""
    url = settings.store.url.reveal()
    if not make and url.startswith(FILE) and not Path(url.removeprefix(FILE) + SUFFIX).exists():
        raise StoreError(
            f'there is no cache at {url.removeprefix(FILE)}{SUFFIX} yet; a gateway with [cache] mode = "exact" or '
            '"semantic" makes it'
        )

    async def opened() -> T:
        entries = await open_entries(
            url, wrapping=wrapping(settings.cache.encryption_key.reveal()),
            budgets=Budgets(Budget(settings.cache.max_mb * 2**20, settings.cache.max_entries)),
        )  # fmt: skip
        try:
            return await work(entries)
        finally:
            await entries.close()

    return asyncio.run(opened())


async def with_encoder(threads: int, work: Callable[[Encoder], Awaitable[T]]) -> T:
    """Do `work` with the local encoder. Its lack is a message for people."""
    encoder = MiniLM(threads)
    try:
        return await work(encoder)
    except EncoderError as error:
        raise click.ClickException(str(error)) from None
    finally:
        await encoder.close()


def tenant_option(command: CommandT) -> CommandT:
    return click.option("--tenant", default="default", show_default=True, help="Whose answers.")(command)


def filter_options(command: CommandT) -> CommandT:
    """Which answers are meant: what `which` takes."""
    for option in (
        click.option("--user", help="Answers that calls of this user left."),
        click.option("--team", help="Answers that calls of this team left."),
        click.option("--model", help="Answers of this model, as callers asked for it."),
        click.option("--tag", help="Answers with this tag."),
        click.option("--feature", help="Answers of this feature."),
    ):
        command = option(command)
    return command
