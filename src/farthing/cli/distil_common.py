"""What the commands of `farthing distil` share: captured calls as settings seal them, prices of small models and of training,
files that hold prompts."""

import math
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click

from farthing.model.money import Nano
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.book import Priced
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.captures import Captures, Found
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US
from farthing.store.sealing import wrapping
from farthing.store.work import Work, work

MILLION = 1_000_000


def captures_of(store: Store, settings: Settings) -> Captures:
    """Raises StoreError for a key that is none."""
    return Captures(store, wrapping(settings.capture.encryption_key.reveal()))


def whole_days(connection: Connection, now_us: int, days: int, tenant: str) -> list[list[Work]]:
    """The work of each of the last whole days, from the first that had any: the ledger may be younger than the span."""
    until = now_us - now_us % DAY_US
    read = [
        work(connection, since, since + DAY_US, tenant=tenant) for since in range(until - days * DAY_US, until, DAY_US)
    ]
    first = next((at for at, each in enumerate(read) if each), len(read) - 1)
    return read[first:]


def warn_of_unreadable(found: Found) -> None:
    if found.unreadable:
        click.echo(
            f"Warning: {found.unreadable:,} captured calls cannot be opened with [capture] encryption_key; they are left out.",
            err=True,
        )  # fmt: skip


def prices_name(settings: Settings, provider: str) -> str:
    """Whose price list holds for a provider of the settings. Raises UsageError for one that there is not."""
    if provider not in settings.providers:
        raise click.UsageError(f"there is no provider {provider!r} in the settings")
    own = settings.providers[provider]
    return own.prices or own.kind or provider


def tuned_name(base: str) -> str:
    """As a name of a tuned model is priced: OpenAI's lists have those of dated snapshots."""
    return base if base.startswith("ft:") else f"ft:{base}:org::id"


def price_of(book: PriceBook, prices: str, model: str, now_us: int) -> Callable[[Usage], Nano | None]:
    """What a usage costs at a model; None where that is not known."""

    def price(usage: Usage) -> Nano | None:
        priced = book.price(prices, model, usage, at_us=now_us)
        return None if priced.state == "unpriced" else priced.nano

    return price


def training_price(book: PriceBook, prices: str, base: str, tokens: int, now_us: int) -> Priced:
    """What so many training tokens cost."""
    return book.price(prices, base, Usage(requests={"training": tokens}), at_us=now_us)


def write_private(file: Path, lines: Iterable[bytes], *, over: bool) -> int:
    """Write a file that only its owner may read, whole or not at all; how many bytes. Raises ClickException for one that is
    there already, unless it may be written `over`, and for what the disk does not take."""
    if file.exists() and not over:
        raise click.ClickException(f"{file} is there already; --force writes over it")
    part, size = file.with_name(file.name + ".part"), 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for line in lines:
                size += out.write(line)
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise click.ClickException(f"{file} cannot be written: {error.strerror or error}") from None
    return size


def lines_of(file: Path) -> tuple[bytes, ...]:
    """The lines of a file that are not empty, each with its end. Raises ClickException."""
    try:
        return tuple(line + b"\n" for line in file.read_bytes().splitlines() if line.strip())
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror or error}") from None


def months(value: float) -> str:
    return f"{value:.1f} months" if math.isfinite(value) else "never"
