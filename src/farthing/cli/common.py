"""What several commands share: the settings option, amounts and dates, and where the output goes."""

import asyncio
import os
import pwd
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from farthing.finops.amounts import amounts as amounts
from farthing.settings import DEFAULT_FILE, Settings, load
from farthing.store import Store, StoreError, open_store
from farthing.upstream.hosts import HOSTS

WIDEST = 2_000
"""Columns of a line of a table."""

T = TypeVar("T")
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A range of numbers in which `nan`, `inf` and what nobody means are not: one of them would make a whole table of it."""

    most = 1e15

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if not abs(found) <= self.most:
            self.fail(f"{value} is no number that can be counted with.", param, ctx)
        return found


def config_option(command: CommandT) -> CommandT:
    """`--config FILE`, which a command gets as `config`."""
    return click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), envvar="FARTHING_CONFIG", show_envvar=True,
        help="The settings file. Default: farthing.toml here, else the API keys in the environment.",
    )(command)  # fmt: skip


def load_settings(config: Path | None, only: Collection[str] | None = None) -> Settings:
    """The settings that a command works with, or `only` the tables that it needs. Raises SettingsError."""
    return load(config, os.environ, kinds={name: host.base_url for name, host in HOSTS.items()}, only=only)


def settings_file(config: Path | None) -> str:
    """The file that settings are read from, in full; empty where there is none."""
    file = config or Path(DEFAULT_FILE)
    return str(file.absolute()) if file.is_file() else ""


def load_without_keys(config: Path | None, only: Collection[str]) -> Settings:
    """`load_settings` for a command that must know the providers and calls none: their keys need not be at hand. Raises
    SettingsError."""
    file = config or Path(DEFAULT_FILE)
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    keys = dict.fromkeys(re.findall(r"""api_key\s*=\s*["']env:(\w+)["']""", text), "not at hand")
    named = re.search(r"^\s*\[?\s*providers\b", text, re.MULTILINE)
    if not named and not any(os.environ.get(name) for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")):
        only = set(only) - {"providers"}
    environ = {**keys, **os.environ}
    return load(config, environ, kinds={name: host.base_url for name, host in HOSTS.items()}, only=only)


def who_option(command: CommandT) -> CommandT:
    """`--who NAME`, which a command gets as `who`: the user of this machine, unless it is said."""
    return click.option(
        "--who", default=user, metavar="NAME", help="Whom the ledger names for it. Default: your user name here."
    )(command)


def user() -> str:
    """The user of this machine who runs the command; by its id, since names in the environment are anyone's."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container
        return f"user {os.getuid()}"


def with_store(settings: Settings, work: Callable[[Store], Awaitable[T]], *, make: bool = False) -> T:
    """Do `work` with the settings' store, which is made only if the command is there to `make` it. Raises StoreError."""
    url = settings.store.url.reveal() if make else ledger_of(settings)

    async def opened() -> T:
        store = await open_store(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def ledger_of(settings: Settings) -> str:
    """The address of the settings' store, which is there. Raises StoreError."""
    url = settings.store.url.reveal()
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise StoreError(f"there is no ledger at {url.removeprefix('sqlite:///')} yet; `farthing up` makes it")
    return url


_COMMANDS = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON lets stand in a text although it commands a terminal or turns the order of letters around."""


def print_json(value: Any) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    click.echo(_COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def printable(text: str) -> str:
    """A word as a terminal may get it: callers and administrators chose it, and must not move anyone's cursor."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


class PlainConsole(Console):
    """Shows text as it is, neither as markup nor as commands to the terminal."""

    def __init__(self, width: int | None = None) -> None:
        super().__init__(markup=False, highlight=False, width=width)

    def render_str(self, text: str, **more: Any) -> Text:
        return super().render_str(printable(text), **more)


def print_table(table: Table) -> None:
    """Print a table in its full width: an id that is cut cannot be copied, a name that is folded cannot be read."""
    wide = PlainConsole(WIDEST)
    PlainConsole(max(Console().width, Measurement.get(wide, wide.options, table).maximum)).print(table)


def split_pairs(given: Iterable[str]) -> dict[str, str]:
    """What options of the form NAME=VALUE say. Raises ValueError for one that is none."""
    pairs = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals or not each.isprintable():
            raise ValueError(f"{each!r} is not NAME=VALUE")
        pairs[name] = value
    return pairs


def pairs_option(name: str, *others: str, **more: Any) -> Callable[[CommandT], CommandT]:
    """An option `NAME=VALUE` that can be repeated, and comes as a mapping."""

    def checked(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
        try:
            return split_pairs(given)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return click.option(name, *others, multiple=True, callback=checked, metavar="NAME=VALUE", **more)


class When(click.ParamType[int]):
    """A moment, given to the library as microseconds since 1970: a day (UTC), a time, or so long ago (`36h`, `7d`)."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return microseconds(_moment(str(value)))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time. Write 2026-01-31, 2026-01-31T08:00, today, yesterday, 36h or 7d.", param, ctx
            )


def _moment(text: str) -> datetime:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("now", "today", "yesterday"):
        return {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}[text]
    if text[-1:] in ("h", "d") and text[:-1].isdigit():
        count = int(text[:-1])
        return now - (timedelta(hours=count) if text[-1] == "h" else timedelta(days=count))
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def show_time(us: int) -> str:
    """A moment in UTC, to the second."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
