"""`farthing import calls`: logs of other tools into a store of their own: what is read is shown, bad lines are listed, and what
cannot be said for lack of text, times or tags is said."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import click
import msgspec
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from farthing.cli.common import config_option, load_settings, pairs_option, print_json, print_table, printable
from farthing.model.errors import BadRequest
from farthing.model.money import show_dollars
from farthing.planner.imports import formats
from farthing.planner.imports.farthing import import_store, is_url
from farthing.planner.imports.gaps import gaps
from farthing.planner.imports.job import Outcome, Plan, import_file
from farthing.planner.imports.mapping import FIELDS, Mapping_, examples, guess, unused
from farthing.planner.imports.reading import Sample, sample_of
from farthing.planner.imports.values import EPOCH
from farthing.prices.configured import configured_book
from farthing.store import Store, engine_for, imported_files, open_store, past_calls, past_days, past_texts
from farthing.store.past_calls import Told
from farthing.store.past_days import Split
from farthing.store.sealing import wrapping

DEFAULT_STORE = "sqlite:///imported.db"
SEAL_KEY = "FARTHING_IMPORT_KEY"
LISTED = 20
"""Bad lines that are shown."""


@click.command("calls", short_help="Calls of the past, from logs of any tool, into a store.")
@click.argument("sources", nargs=-1, required=True, metavar="FILE...")
@config_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(formats.NAMES),
    default="auto",
    show_default=True,
    help="What the files are.",
)
@click.option(
    "--into", default=DEFAULT_STORE, show_default=True, metavar="STORE_URL", help="The store; made if there is none."
)
@pairs_option(
    "--map", "said",
    help="For tables of your own: FIELD=COLUMN. FIELD==VALUE holds for every row, tags.NAME=COLUMN makes a tag. Fields: "
    + ", ".join(FIELDS) + ".",
)  # fmt: skip
@click.option(
    "--text", "texts", type=click.Choice([past_texts.KEEP, past_texts.HASH, past_texts.DROP]), default=None,
    help="Prompts and answers: keep them, keep digests by which equal ones are seen, or drop them. Default: keep in the default "
    "store, drop in any other.",
)  # fmt: skip
@click.option(
    "--seal-with", default=SEAL_KEY, show_default=True, metavar="NAME",
    help="Environment variable with the key (32 bytes, base64 or hex) that seals kept texts; without one they are not sealed.",
)  # fmt: skip
@click.option(
    "--bad",
    "bad_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every bad line's number and reason there.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="For machines: what was read; implies --yes.")
def calls(
    sources: tuple[str, ...], config: Path | None, format_: str, into: str, said: Mapping[str, str], texts: str | None,
    seal_with: str, bad_file: Path | None, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Read calls of the past from each FILE into a store, where reports, pages and the planner find them.

    FILE is a log or export of LiteLLM, Langfuse, Helicone, OpenTelemetry or OpenAI, a table of your own (CSV, JSON lines), or
    the URL of another store of Farthing. It may be packed with gzip. Nothing leaves this machine. Reading goes on where it was
    broken off, and a file that was read adds nothing again.
    """
    read_in(
        sources, config, format_=format_, into=into, said=said, texts=texts, seal_with=seal_with, bad_file=bad_file, yes=yes,
        as_json=as_json,
    )  # fmt: skip


def read_in(
    sources: tuple[str, ...], config: Path | None, *, format_: str, into: str, said: Mapping[str, str], texts: str | None,
    seal_with: str = SEAL_KEY, bad_file: Path | None = None, yes: bool = False, as_json: bool = False, with_gaps: bool = True,
) -> None:  # fmt: skip
    """What the command does; `with_gaps` says what cannot be said of the calls, too."""
    quiet = yes or as_json
    how = texts or (past_texts.KEEP if into == DEFAULT_STORE else past_texts.DROP)
    settings = load_settings(config, only={"prices", "store"})
    book = configured_book(settings.prices)
    try:
        plans = [each if is_url(each) else _plan(Path(each), format_, said, how, quiet, as_json) for each in sources]
    except OSError as error:
        raise click.ClickException(str(error)) from None
    if not as_json:
        _say_where(into, how, bool(os.environ.get(seal_with)), seal_with)
    seal = wrapping(os.environ.get(seal_with, ""))
    bad = _BadLines(bad_file)

    async def work() -> tuple[list[Outcome], Told, list[Split]]:
        store = await open_store(into)
        try:
            await _may_go_there(store, into, settings.store.url.reveal(), quiet)
            with _bar(as_json) as progress:
                found = []
                for each in plans:
                    hear = _Bar(progress)
                    if isinstance(each, str):
                        found.append(await import_store(store, each, texts=how, wrapping=seal, hear=hear))
                    else:
                        found.append(await import_file(store, each, book, wrapping=seal, hear=hear, bad=bad))
                    hear.end()
            return (
                found,
                await store.do(past_calls.told),
                await store.do(lambda connection: past_days.split(connection, "model")),
            )
        finally:
            await store.close()

    begun = time.monotonic()
    try:
        outcomes, told, split = asyncio.run(work())
    except OSError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        raise click.ClickException("broken off; what was read stays, and the same command goes on from there") from None
    finally:
        bad.close()
    if as_json:
        print_json({"store": into, "texts": how, "files": outcomes, "bad": bad.shown, "told": told, "split": split})
        return
    _say_outcomes(outcomes, time.monotonic() - begun)
    bad.show(bad_file)
    if with_gaps:
        _say_gaps(told, split, into)


# ------------------------------------------------------------------------------------------------ before


def _plan(path: Path, format_: str, said: Mapping[str, str], texts: str, quiet: bool, silent: bool) -> Plan:
    """What a file is, said and, for tables of one's own, confirmed. Raises BadRequest, OSError."""
    if not path.is_file():
        raise click.ClickException(f"there is no file {path}")
    sample = sample_of(path)
    name = format_ if format_ != "auto" else formats.PLAIN if said else formats.detect(sample)
    if name != formats.PLAIN:
        if not silent:
            click.echo(f"{path}: {formats.title_of(name)}")
        return Plan(path, name, texts=texts)
    if not sample.rows:
        raise BadRequest(f"{path.name} has no row that can be read")
    mapping = guess(sample, said)
    if not silent:
        _show_mapping(path, sample, mapping)
    if mapping.lacking:
        raise BadRequest(f"{path.name}: {_lacking(mapping, sample)}")
    if not quiet and not click.confirm("Is this right?", default=True):
        raise click.ClickException(
            "nothing was read. Correct it with --map FIELD=COLUMN, or --map FIELD= to leave a field out"
        )
    return Plan(path, name, mapping, texts)


def _lacking(mapping: Mapping_, sample: Sample) -> str:
    """What must be said before anything can be read, with an example of how."""
    columns = sample.layout.columns or tuple(sample.rows[0])
    ways = {
        "at": ("no column says the time", f"--map at={columns[0]}"),
        "start": ("its times count from a start", "--map start==2026-10-01"),
        "model": ("no column says the model", "--map model=COLUMN, or for every row --map model==gpt-5-mini"),
    }
    found = [ways[each] for each in mapping.lacking]
    return f"{' and '.join(what for what, _ in found)}. Say it: {' '.join(how for _, how in found)}"


def _show_mapping(path: Path, sample: Sample, mapping: Mapping_) -> None:
    click.echo(f"{path}: a table of your own; by its names and values:\n")
    table = Table("field", "column", "examples", "read as", box=None, pad_edge=False)
    for field, column in mapping.fields.items():
        table.add_row(field, column.column, ", ".join(examples(sample, column.column)), column.how)
    for tag, name in mapping.tags.items():
        table.add_row(f"tags.{tag}", name, ", ".join(examples(sample, name)), "")
    for field, value in mapping.constants.items():
        table.add_row(field, "", value, "every row")
    print_table(table)
    left = unused(sample, mapping)
    if left:
        click.echo(f"\nNot read: {printable(', '.join(left[:30]))}")
    click.echo()


def _say_where(into: str, texts: str, sealed: bool, name: str) -> None:
    how = {
        past_texts.KEEP: "kept in its table past_texts"
        + (", sealed" if sealed else f", not sealed (${name} holds no key)"),
        past_texts.HASH: "kept as keyed digests only",
        past_texts.DROP: "dropped",
    }[texts]
    click.echo(f"Into {_shown(into)}. Prompts and answers: {how}. Nothing leaves this machine.")


def _shown(url: str) -> str:
    return engine_for(url).where if "@" in url else url


async def _may_go_there(store: Store, into: str, own: str, quiet: bool) -> None:
    """Imported calls would be in the reports of a gateway: never without a word. Raises Abort, StoreError."""
    if quiet:
        return
    files = await store.do(imported_files.every)
    there = await store.do(past_calls.any_calls)
    if (into == own or not files) and there:
        click.confirm(
            f"{_shown(into)} holds calls that were not imported: a gateway's ledger, it seems. Imported calls would be in all of "
            "its reports. Go on?",
            abort=True,
        )


# ------------------------------------------------------------------------------------------------ meanwhile


def _bar(hidden: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}", markup=False), TimeRemainingColumn(), disable=hidden, transient=True,
    )  # fmt: skip


class _Bar:
    """How far a file is, on the terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._begun = time.monotonic()
        self._task = progress.add_task("reading", total=None, rate="")

    def __call__(self, outcome: Outcome) -> None:
        rate = outcome.rows / max(0.001, time.monotonic() - self._begun)
        self._progress.update(
            self._task, description=printable(outcome.name), total=outcome.size or None, completed=outcome.consumed,
            rate=f"{outcome.rows:,} rows, {rate:,.0f} a second",
        )  # fmt: skip

    def end(self) -> None:
        self._progress.remove_task(self._task)


class _BadLines:
    """The first bad lines to show, and all of them in a file where that is wanted. Never their text."""

    def __init__(self, path: Path | None) -> None:
        self.shown: list[tuple[str, int, str]] = []
        self.count = 0
        self._path = path
        self._file: TextIO | None = None

    def __call__(self, file: str, line: int, why: str) -> None:
        self.count += 1
        if len(self.shown) < LISTED:
            self.shown.append((file, line, why))
        if self._path is not None:
            if self._file is None:
                self._file = self._path.open("w", encoding="utf-8")
            told = msgspec.json.encode({"file": file, "line": line, "why": why}).decode()
            self._file.write(f"{told}\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def show(self, path: Path | None) -> None:
        if not self.count:
            return
        click.echo(f"\nBad lines ({self.count:,}):")
        for file, line, why in self.shown:
            click.echo(f"  {printable(file)}:{line}: {printable(why)}")
        if self.count > len(self.shown):
            where = f"all of them are in {path}" if path is not None else "--bad FILE writes all of them"
            click.echo(f"  ... {self.count - len(self.shown):,} more; {where}")


# ------------------------------------------------------------------------------------------------ after


def _say_outcomes(outcomes: list[Outcome], seconds: float) -> None:
    for each in outcomes:
        name = printable(each.name)
        if each.days:
            click.echo(f"{name}: {each.days:,} sums by day, {_span(each)}. They hold no single calls.")
        elif each.nothing_new:
            click.echo(f"{name}: nothing new; it was read before.")
        else:
            went_on = f" (went on after line {each.went_on:,})" if each.went_on else ""
            known = f"; {each.known:,} had ids that were there already" if each.known else ""
            click.echo(f"{name}: {each.calls:,} calls, {_span(each)}{went_on}{known}")
        for what, count in each.passed_over.most_common(8):
            click.echo(f"  passed over: {count:,} x {printable(what)}")
        for note in each.notes:
            click.echo(f"  {printable(note)}")
    rows = sum(each.rows for each in outcomes)
    if rows:
        click.echo(f"{rows:,} rows in {seconds:.1f} s")


def _span(outcome: Outcome) -> str:
    if not outcome.first_us:
        return "no time"
    first, last = (_day(us) for us in (outcome.first_us, outcome.last_us))
    return first if first == last else f"{first} to {last}"


def _day(us: int) -> str:
    return EPOCH.fromtimestamp(us // 1_000_000, EPOCH.tzinfo).strftime("%Y-%m-%d")


def _say_gaps(told: Told, split: list[Split], into: str) -> None:
    found = gaps(told)
    if found:
        click.echo("\nWhat cannot be said:")
        for each in found:
            click.echo(f"  - {each}")
    if split:
        click.echo("\nSums by day, by model; they split cost and say nothing that needs single calls:")
        table = Table("model", box=None, pad_edge=False)
        for title in ("billed", "usage at our prices", "calls"):
            table.add_column(title, justify="right")
        for line in split[:12]:
            count = f"{line.calls:,}" if line.calls else ""
            table.add_row(line.value or "(not said)", show_dollars(line.billed), show_dollars(line.priced), count)
        print_table(table)
    if told.calls:
        click.echo(f'\nReports: with [store] url = "{_shown(into)}" in a farthing.toml, `farthing report --by model`')
