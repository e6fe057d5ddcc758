"""`farthing batch submit`: hands a file of requests in, and says before what that will cost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from farthing.batch.handing import PRIORITY, Order, seconds_until
from farthing.batch.prompts.costing import Quote
from farthing.batch.prompts.requests import InputError, Prepared, Source, TemplateError, pieces, source
from farthing.batch.prompts.tally import Group, counted
from farthing.cli.batch_places import Place, Upload, place_options, placed
from farthing.cli.batch_watch import watch_job
from farthing.cli.common import pairs_option, print_json, printable
from farthing.cli.routes_common import confirm, json_option, yes_option
from farthing.cli.unit_estimate import NUMBER
from farthing.model.errors import BadRequest
from farthing.model.money import exact_dollars, show_dollars

NEEDED = ("providers", "models", "prices", "routing", "finops")
FIELDS = ("feature", "team", "project", "user", "transaction")


@click.command("submit", short_help="Hand a file of requests in.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--template", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What to ask of each row: a text, or JSON with messages, with places such as {column}.",
)  # fmt: skip
@click.option("--model", default="", help="The model that rows are asked of.")
@click.option("--max-tokens", type=click.IntRange(1), help="The longest answer to a row.")
@click.option("--deadline", default="24h", show_default=True, help="When all must be done: 30m, 6h, 2d.")
@click.option(
    "--priority", type=click.IntRange(-PRIORITY, PRIORITY), default=0, show_default=True,
    help="Higher goes first among your jobs.",
)  # fmt: skip
@click.option("--name", default="", help="What the job is called. Default: the file's name.")
@click.option("--max-cost", type=NUMBER, help="Most dollars that it may cost. What would cost more is not sent.")
@click.option("--feature", default="", help="The feature that it serves, for the ledger.")
@click.option("--team", default="", help="The team that owns it.")
@click.option("--project", default="", help="The project.")
@click.option("--user", default="", help="Whom it is for.")
@click.option("--transaction", default="", help="The business unit of work, as TYPE/ID.")
@pairs_option("--tag", "tags", help="A tag of your own; repeat.")
@click.option("--watch", "stays", is_flag=True, help="Stay and show how it goes.")
@place_options
@yes_option
@json_option
def submit(
    file: Path, template: Path | None, model: str, max_tokens: int | None, deadline: str, priority: int, name: str, max_cost: Any,
    tags: dict[str, str], stays: bool, config: Path | None, url: str, key: str, tenant: str, yes: bool, as_json: bool, **said: str,
) -> None:  # fmt: skip
    """Hand the requests in FILE in, to be done until --deadline at half the price.

    FILE is one of: lines of an OpenAI batch; requests of an Anthropic batch, a line each; rows of a table (CSV with a head, or
    JSON lines), with --template and --model. All of it is checked first, and its cost is shown and agreed. Prints the id of
    the job.
    """
    order = Order(
        "", _deadline(deadline), name or file.name[:100], priority, 0 if max_cost is None else max(1, round(max_cost * 10**9)),
        _headers(said, tags),
    )  # fmt: skip
    try:
        found = source(file, template=template, model=model, max_tokens=max_tokens)
        groups, size = _read(found)
    except (InputError, OSError) as error:
        raise click.ClickException(f"{file}: {printable(str(error))}") from None
    except TemplateError as error:
        raise click.ClickException(f"{template}: {printable(str(error))}") from None
    with placed(config, url, key, tenant, NEEDED) as place:
        quote = place.quote(groups)
        _show(quote, order)
        confirm("Start?", yes)
        job = _submitted(place, _of(order, found.wire), found, quote.requests, size)
        if as_json:
            print_json({**job, "quote": {name: getattr(quote, name) for name in quote.__struct_fields__}})
        else:
            click.echo(job["id"])
        if stays:
            watch_job(place, job["id"])


def _deadline(text: str) -> float:
    try:
        return seconds_until(text)
    except BadRequest as error:
        raise click.BadParameter(error.message, param_hint="--deadline") from None


def _headers(said: dict[str, str], tags: dict[str, str]) -> dict[str, str]:
    """The attribution as a call's headers have it."""
    pairs = [(name, said[name]) for name in FIELDS if said.get(name)]
    pairs += [(f"tag-{name}", value) for name, value in tags.items()]
    for name, value in pairs:
        if not name.isascii() or not value.isprintable() or " " in name:
            raise click.UsageError(f"{name} {value!r} cannot be sent in a header")
    return {f"x-farthing-{name.lower()}": value for name, value in pairs}


def _of(order: Order, wire: str) -> Order:
    return Order(wire, order.deadline_s, order.name, order.priority, order.cap, order.headers)


def _read(found: Source) -> tuple[list[Group], int]:
    """Everything is looked at once before anything is handed in: what costs depend on, and how many bytes will be sent."""
    groups: dict[tuple[object, ...], Group] = {}
    size = 0
    with _working("reads") as told:
        for number, each in enumerate(counted(found.requests(), found.wire, groups), 1):
            size += len(each.data)
            if not number % 1000:
                told(f"{number:,} requests")
    return list(groups.values()), size


def _submitted(place: Place, order: Order, found: Source, count: int, size: int) -> dict[str, Any]:
    with _working("hands in") as told:

        def noted(requests: Iterator[Prepared]) -> Iterator[Prepared]:
            for number, each in enumerate(requests, 1):
                if not number % 1000:
                    told(f"{number:,} of {count:,} requests")
                yield each

        try:
            return place.submit(order, Upload(found.path.name, pieces(noted(found.requests())), size))
        except (InputError, OSError) as error:
            raise click.ClickException(f"{found.path}: the file has changed: {printable(str(error))}") from None


def _show(quote: Quote, order: Order) -> None:
    click.echo(
        f"{quote.requests:,} requests to {printable(', '.join(quote.models[:5]))}; about {quote.in_tokens:,} tokens in and "
        f"{quote.out_tokens:,} out.",
        err=True,
    )
    if quote.batch is None or quote.at_once is None or quote.most is None:
        click.echo(
            f"No price is known for {printable(', '.join(quote.unpriced))}, so nobody can say what that costs.", err=True
        )  # fmt: skip
    else:
        saved = f", {1 - quote.batch / quote.at_once:.0%} less" if quote.batch < quote.at_once else ""
        click.echo(
            f"Likely {show_dollars(quote.batch)} as a batch, {show_dollars(quote.at_once)} at once{saved}. At most "
            f"{show_dollars(quote.most)}: with the longest answers, and all of it sent at once because batches are late.",
            err=True,
        )
        if order.cap and order.cap < quote.batch:
            click.echo(
                f"--max-cost {exact_dollars(order.cap)} is less than it is likely to cost: not all of it will be done.", err=True
            )  # fmt: skip
    if order.cap:
        click.echo(f"It may cost {show_dollars(order.cap)}; what would cost more is not sent.", err=True)


class _working:
    """Shows on a terminal that something goes on."""

    def __init__(self, what: str) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(what)
        self._what = what

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda text: self._bar.update(self._task, description=f"{self._what} {text}")

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
