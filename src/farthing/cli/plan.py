"""`farthing plan`: what each strategy would have saved on the calls of the past, ranked, with an interval and what could go
wrong; and what people do with such a plan."""

import asyncio
import contextlib
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from farthing.cli.common import Number, config_option, load_settings, load_without_keys, pairs_option, print_json, user
from farthing.cli.import_calls import DEFAULT_STORE, SEAL_KEY, read_in
from farthing.cli.plan_changes import CHANGES
from farthing.cli.plan_kept import compare, kept
from farthing.cli.plan_say import say
from farthing.dashboard.own import models
from farthing.dashboard.plan.curves import charts_of
from farthing.finops.plans.document import Document, packed
from farthing.finops.plans.settings_text import proposed
from farthing.model.past import PastCall
from farthing.planner import documents
from farthing.planner.documents import Asked
from farthing.planner.imports.gaps import gaps
from farthing.planner.page import Drawing, page
from farthing.planner.scenario import Scenario
from farthing.settings import Settings
from farthing.steps.defer.asked import seconds_of
from farthing.store import Store, open_store, past_calls, past_texts
from farthing.store.plans import Plans
from farthing.store.proposed_settings import SettingChanges
from farthing.store.sealing import wrapping

MOST = 20_000
MOST_PROCESSES = 4
TABLES = {"prices", "routing", "cache", "prompts", "models", "providers"}
DRAWS = ("altair", "vl_convert")


class Plan(click.Group):
    """`farthing plan LOG` is `farthing plan make LOG`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = next(iter(args), "") in self.commands
        return super().parse_args(ctx, args if named else ["make", *args])


@click.group("plan", cls=Plan)
def command() -> None:
    """What would each strategy save on your own calls? `farthing plan LOG` is `farthing plan make LOG`."""


@command.command("make", short_help="Make a plan of calls of the past.")
@click.argument("sources", nargs=-1, metavar="[LOG...]")
@pairs_option("--map", "said", help="What a column of a table of your own is, as `farthing import calls` takes it.")
@config_option
@click.option(
    "--store", default=DEFAULT_STORE, show_default=True, metavar="STORE_URL", help="Where the calls are, or go."
)
@click.option(
    "--ledger", is_flag=True, help="The calls of your gateway's own ledger, 28 days of them; the plan is kept there."
)
@pairs_option("--patience", help="Features whose answers can wait, and how long: --patience nightly=6h. Repeat.")
@pairs_option(
    "--set", "settings_", help="Another setting for the whole plan: --set routing.quality_floor=0.98. Repeat."
)
@pairs_option("--price", "prices", help="Another price, dollars a million tokens: --price gpt-4o=1.25/5. Repeat.")
@click.option("--growth", type=Number(0.001, 1e6), default=1.0, help="So many times the calls.")
@pairs_option("--sweep", "sweeps", help="A setting at several values, as a curve: --sweep cache.ttl=1h..7d. Repeat.")
@click.option(
    "--own-model",
    default="",
    metavar="NAME",
    help=f"Own GPUs beside the dearest model, with one of: {', '.join(models.CONFIGS)}.",
)
@click.option("--gpu", default="H100", show_default=True, help="With --own-model: the GPU.")
@click.option(
    "--calls",
    "most",
    type=click.IntRange(100),
    default=MOST,
    show_default=True,
    help="The newest so many are replayed.",
)
@click.option(
    "--write",
    "write_to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the settings that the plan proposes.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan as a page that is whole in itself.",
)
@click.option("--keep", is_flag=True, help="Keep the plan in the store: `farthing plan kept` lists them.")
@click.option("--propose", is_flag=True, help="With --ledger: propose its settings to your gateway, for review.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def make(
    sources: tuple[str, ...], said: Mapping[str, str], config: Path | None, store: str, ledger: bool, patience: Mapping[str, str],
    settings_: Mapping[str, str], prices: Mapping[str, str], growth: float, sweeps: Mapping[str, str], own_model: str, gpu: str,
    most: int, write_to: Path | None, html: Path | None, keep: bool, propose: bool, as_json: bool,
) -> None:  # fmt: skip
    """What would each strategy save on your own calls, before you switch anything on?

    Each LOG is read into the store first, as `farthing import calls` does. Then the calls are asked again, by the gateway's own
    steps, before providers that answer as recorded: nothing leaves this machine, and no key is needed.

    Beside it: `farthing plan compare A.json B.json`, `kept`, and for settings that were proposed `changes`, `accept`, `reject`,
    `apply`; each has its own --help.
    """
    if propose and not ledger:
        raise click.UsageError("--propose is for the plan of a gateway's own calls: say --ledger too.")
    if ledger and sources:
        raise click.UsageError("Say a LOG or --ledger, not both.")
    if write_to is not None and write_to.exists():
        raise click.ClickException(f"{write_to} is there already; name another file")
    asked = _asked(config, ledger, Scenario(settings_, prices, growth), _seconds(patience), sweeps, (own_model, gpu))
    documents.check(asked)
    if sources:
        with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
            read_in(
                sources, config, format_="auto", into=store, said=said, texts=past_texts.KEEP, yes=True, with_gaps=False
            )
            click.echo()
    url = load_settings(config, only={"store"}).store.url.reveal() if ledger else store
    found, done = asyncio.run(
        _work(url, asked, most, ledger=ledger, keep=keep or ledger, propose=propose, hidden=as_json)
    )
    _hand_out(found, write_to, html, as_json=as_json)
    if not as_json:
        for line in done:
            click.echo(f"\n{line}")


def _asked(
    config: Path | None, ledger: bool, scenario: Scenario, patience: Mapping[str, float], sweeps: Mapping[str, str],
    beside: tuple[str, str],
) -> Asked:  # fmt: skip
    tables = TABLES | {"batch", "capture", "student", "plan", "finops"} if ledger else TABLES
    own = load_without_keys(config, tables) if config or Path("farthing.toml").is_file() else None
    return Asked(own, scenario, patience, sweeps, beside, MOST_PROCESSES)


async def _work(
    url: str, asked: Asked, most: int, *, ledger: bool, keep: bool, propose: bool, hidden: bool
) -> tuple[Document, list[str]]:
    """The plan, and what became of it. Raises ClickException for a store without calls."""
    _there(url)
    now, said = time.time_ns() // 1000, []
    store = await open_store(url)
    try:
        with _bar(hidden) as progress:
            task = progress.add_task("reading", total=None)

            def hear(what: str, done: int, total: int) -> None:
                progress.update(task, description=what, completed=done, total=total)

            if ledger:
                settings = asked.own or Settings()
                found, tenants = await documents.of_gateway(settings, store, now, asked, hear)
            else:
                past = await _newest(store, url, most)
                found, tenants = (
                    await documents.document(store, past, asked, hear, whole=True),
                    sorted({each.tenant for each in past}),
                )
        found.gaps += gaps(await store.do(past_calls.told))
        no = await Plans(store).keep(packed(found), tenants, now, user()) if keep else 0
        if no:
            said.append(f"The plan is kept as number {no}: farthing plan kept {no}")
        if propose:
            said.append(await _propose(store, found, no, now))
        return found, said
    finally:
        await store.close()


def _there(url: str) -> None:
    """A store that nobody made has no calls: none is made to say so."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise click.ClickException(f"{url} holds no calls: name a log, or read one with `farthing import calls`")


async def _newest(store: Store, url: str, most: int) -> list[PastCall]:
    seal = wrapping(os.environ.get(SEAL_KEY, ""))
    past = await store.do(lambda connection: documents.newest(connection, most, seal))
    if not past:
        raise click.ClickException(f"{url} holds no calls: name a log, or read one with `farthing import calls`")
    return past


async def _propose(store: Store, found: Document, no: int, now_us: int) -> str:
    text = proposed(found.plan.levers)
    if not any(line and not line.startswith("#") for line in text.splitlines()):
        return "Nothing is proposed: no lever is sure to save without proof or your word."
    number = await SettingChanges(store).propose(text, f"plan {no}", user(), now_us, plan=no)
    return f"Its settings are proposed as change {number}: farthing plan changes, or the page Plan"


def _seconds(patience: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for feature, text in patience.items():
        seconds = seconds_of(text)
        if seconds is None:
            raise click.BadParameter(f"{text!r} is no time; write 90s, 15m, 6h or 2d", param_hint="--patience")
        found[feature] = seconds
    return found


def _hand_out(found: Document, write_to: Path | None, html: Path | None, *, as_json: bool) -> None:
    if write_to is not None:
        write_to.write_text(
            "# Proposed by `farthing plan`. Switch on a part, look at `farthing report proof`, then go on.\n\n"
            + proposed(found.plan.levers),
            encoding="utf-8",
        )
    if html is not None:
        html.write_text(page(found, _drawings(found)), encoding="utf-8")
    if as_json:
        print_json(found)
        return
    say(found)
    if write_to is not None:
        click.echo(f"\n{write_to} is written. Next: farthing check --config {write_to}")
    if html is not None:
        click.echo(f"\nThe plan as a page is in {html}")


def _drawings(found: Document) -> Sequence[Drawing]:
    """The curves, where what draws them is installed; the page has their tables either way."""
    charts = charts_of(found.sweeps)
    if not charts or not all(map(importlib.util.find_spec, DRAWS)):
        return []
    svg_of = importlib.import_module("farthing.dashboard.charts.studio").svg_of
    return [(each.title, svg_of(each.kind, each.rows, each.options)) for each in charts]


def _bar(hidden: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn(),
        disable=hidden, transient=True,
    )  # fmt: skip


for each in (compare, kept, *CHANGES):
    command.add_command(each)
