"""`farthing distil train`: a data set goes to a provider's fine-tuning API and comes back as a model; broken off, it goes on."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from farthing.app.providers import open_providers
from farthing.cli.common import (
    Number,
    amounts,
    config_option,
    load_settings,
    print_json,
    print_table,
    show_time,
    with_store,
)
from farthing.cli.distil_common import MILLION, lines_of, prices_name, training_price
from farthing.cli.report_scope import now_us
from farthing.model.errors import BadRequest
from farthing.model.money import show_dollars
from farthing.prices.book import PriceBook, Priced
from farthing.prices.configured import configured_book
from farthing.selfhost.distil.deciding import training_at_provider
from farthing.selfhost.distil.jobs import KINDS, SUFFIX, Event, FineTuningApi, Wish
from farthing.selfhost.distil.training import Order, Trainer
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.trainings import Training, Trainings

DEFAULT_EPOCHS = 3
NANO = 1e9


@click.command("train", short_help="Train a model of your own at a provider.")
@config_option
@click.option(
    "--provider",
    default="openai",
    show_default=True,
    help="NAME of a provider of the settings (OpenAI or Azure OpenAI).",
)
@click.option("--base", required=True, help="The model that is trained further, such as gpt-4o-mini-2024-07-18.")
@click.option("--data", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True, help="train.jsonl of `distil export --format openai`.")  # fmt: skip
@click.option("--test", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, help="A file that the provider validates on.")  # fmt: skip
@click.option(
    "--suffix", default="farthing", show_default=True, help=f"Part of the model's name; at most {SUFFIX} characters."
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 50),
    default=DEFAULT_EPOCHS,
    show_default=True,
    help="How often it sees the data.",
)
@click.option("--seed", type=int, default=None, help="For the provider.")
@click.option("--max-dollars", type=Number(0), default=None, help="Do not begin if it may cost more.")
@click.option("--tenant", default="default", show_default=True, help="Whose spending it is.")
@click.option(
    "--look-s",
    type=Number(0.05, 600),
    default=10.0,
    show_default=True,
    help="Seconds between looks at the job.",
)
@click.option("--lag-s", type=Number(0, 3600), default=60.0, show_default=True, help="Seconds after which a job that is not on the provider's list was never made.")  # fmt: skip
@click.option(
    "--no-wait", is_flag=True, help="Leave once the provider has the job; the same command waits for it later."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def train(
    config: Path | None, provider: str, base: str, data: Path, test: Path | None, suffix: str, epochs: int, seed: int | None,
    max_dollars: float | None, tenant: str, look_s: float, lag_s: float, no_wait: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Upload the data, have a model trained on it, and book what that cost.

    The same command goes on where it was broken off and never pays twice: what is trained on what is known by its contents.
    The cost is a row of the ledger under the feature "farthing training".
    """
    settings = load_settings(config)
    if len(suffix) > SUFFIX:
        raise click.UsageError(f"--suffix has at most {SUFFIX} characters")
    prices = prices_name(settings, provider)
    if (settings.providers[provider].kind or provider) not in KINDS:
        raise click.UsageError(f"{provider} is no host with this API: {', '.join(KINDS)}")
    order = Order(tenant, provider, Wish(base, suffix, epochs, seed), lines_of(data), lines_of(test) if test else ())
    try:
        order.check()
    except BadRequest as problem:
        raise click.ClickException(f"{data}: {problem.message}") from None
    book = configured_book(settings.prices)
    begun = with_store(settings, lambda store: Trainings(store).get(order.id), make=True)
    if begun is None:
        _ask(book, prices, order, epochs, max_dollars, yes)
    else:
        click.echo(f"{order.id} was begun before; it is {begun.state}.", err=True)

    def price(model: str, tokens: int) -> Priced:
        return training_price(book, prices, model, tokens, now_us())

    done = with_store(
        settings,
        lambda store: _run(store, settings, order, price, look_s=look_s, lag_s=lag_s, waits=not no_wait),
        make=True,
    )
    _tell(done, as_json)
    if done.state in ("failed", "cancelled"):
        raise click.exceptions.Exit(1)


@click.command("trainings", short_help="Trainings that were begun, and how far they are.")
@config_option
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option("--forget", "forgotten", default="", metavar="ID", help="Forget one, so that the same order begins anew.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def trainings(config: Path | None, tenant: str, forgotten: str, as_json: bool) -> None:
    """All trainings, newest first."""
    settings = load_settings(config, only={"store"})
    if forgotten:
        if not with_store(settings, lambda store: Trainings(store).forget(forgotten)):
            raise click.ClickException(f"there is no training {forgotten}")
        click.echo(f"{forgotten} is forgotten; what it cost stays in the ledger.")
        return
    found = with_store(settings, lambda store: Trainings(store).every(tenant))
    if as_json:
        print_json([_for_machines(each) for each in found])
        return
    table = Table("id", "begun", "provider", "base", "state", "model", box=None, pad_edge=False)
    table.add_column("tokens", justify="right")
    table.add_column("cost", justify="right")
    for each in found:
        table.add_row(
            each.id, show_time(each.created_us), each.provider, each.base, each.state, each.model or each.error or "-",
            f"{each.tokens:,}", show_dollars(each.cost),
        )  # fmt: skip
    print_table(table)


def _ask(book: PriceBook, prices: str, order: Order, epochs: int, max_dollars: float | None, yes: bool) -> None:
    """Say what it would cost. Raises ClickException where that is more than it may, or not known although there is a
    limit."""
    size = sum(map(len, order.train))
    priced = training_price(book, prices, order.wish.base, MILLION, now_us())
    if priced.state == "unpriced":
        if max_dollars is not None:
            raise click.ClickException(
                f"no price is known for training {order.wish.base}, so --max-dollars cannot be kept"
            )
        words = "what it costs is not known"
    else:
        dollars = training_at_provider(size, epochs, priced.nano / NANO)
        if max_dollars is not None and dollars.high > max_dollars:
            raise click.ClickException(f"it may cost ${dollars.high:,.2f}, and --max-dollars is {max_dollars:,.2f}")
        words = f"it will cost about ${dollars.likely:,.2f} (${dollars.low:,.2f} to ${dollars.high:,.2f})"
    click.echo(f"{len(order.train):,} examples, {epochs} epochs of {order.wish.base}: {words}.", err=True)
    if not yes:
        click.confirm("Train it?", abort=True, err=True)


async def _run(
    store: Store, settings: Settings, order: Order, price: Callable[[str, int], Priced], *, look_s: float, lag_s: float, waits: bool
) -> Training:  # fmt: skip
    async with AsyncExitStack() as stack:
        providers = await open_providers(settings, stack)
        shown = stack.enter_context(_Shown())
        trainer = Trainer(
            FineTuningApi(providers[order.provider]), Trainings(store), price, store.write, look_s=look_s, lag_s=lag_s, told=shown.tell
        )  # fmt: skip
        return await trainer.run(order, waits=waits)


class _Shown:
    """How far it is, on the error output, so that the result can be piped."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True
        )  # fmt: skip
        self._task = self._bar.add_task("training", total=1.0)

    def __enter__(self) -> "_Shown":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, training: Training, event: Event | None) -> None:
        if event is None:
            self._bar.update(self._task, description=training.state)
        elif event.share is not None:
            self._bar.update(self._task, completed=event.share, description=event.message[:80])
        else:
            self._bar.console.print(event.message, markup=False, highlight=False)


def _for_machines(each: Training) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(each)
    return plain | {
        "cost": None if each.cost is None else amounts(each.cost),
        "spec": msgspec.json.decode(each.spec or "{}"),
    }


def _tell(done: Training, as_json: bool) -> None:
    if as_json:
        print_json(_for_machines(done) | {"settings": entry(done) if done.model else ""})
        return
    click.echo(f"{done.id}: {done.state}{f' ({done.error})' if done.error else ''}")
    if done.state == "booked":
        click.echo(
            f'{done.tokens:,} training tokens, {show_dollars(done.cost)}, in the ledger under "farthing training".'
        )
    if done.model:
        click.echo(
            f"The model is {done.model}. Prove it with `farthing distil evaluate`; for farthing.toml:\n\n{entry(done)}"
        )


def entry(done: Training) -> str:
    """The model as settings name it, so that routing can be told of it."""
    name = (done.model.split(":")[3:4] or [""])[0] or "tuned"
    lines = [
        f"[models.{msgspec.json.encode(f'{name}-{done.id[-6:]}').decode()}]", f'provider = "{done.provider}"',
        f"model = {msgspec.json.encode(done.model).decode()}", f"price_as = {msgspec.json.encode(done.model).decode()}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n# routing may choose it once it is in a tier: [routing] small = [...]\n"
