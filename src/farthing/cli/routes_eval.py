"""`farthing routes eval`: puts a set of prompts to the flagship and its rivals, and keeps what comes of it as evidence."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from farthing.app.eval import build_eval
from farthing.cli.common import amounts, config_option, print_json, print_table, with_store
from farthing.cli.report_span import percent
from farthing.cli.routes_common import Known, json_option, known_of, tenant_option
from farthing.model.money import show_dollars
from farthing.prices.configured import configured_book
from farthing.quality.evalset import Case, EvalError, Found, read
from farthing.quality.evidence import Evidence
from farthing.quality.recorder import Recorder
from farthing.store import Evidence as KeptEvidence
from farthing.store import Store


@click.command("eval", short_help="Put a file of prompts to the models, as evidence.")
@click.argument("file", type=click.File("rb"))
@click.option("--task", required=True, help="The kind of work that the prompts are.")
@click.option("--model", "models", multiple=True, help="A model to try; repeat. Default: all of the tiers.")
@config_option
@tenant_option("Whose evidence it becomes.", default="default")
@json_option
def eval_(
    file: Any, task: str, models: tuple[str, ...], config: Path | None, tenant: str, as_json: bool
) -> None:  # fmt: skip
    """Put the prompts in FILE to the flagship and to other models, and keep how they did as evidence for a task.

    FILE has one JSON object a line: "prompt" or "messages"; optional: "answer" (the right one, or a list of them), "check"
    (as in routing.tasks.NAME.check), "body" (further members of the request). Without an answer and a check the two models'
    answers are compared, by routing.judge if there is one. These are calls that cost money; the ledger has them under the
    feature "farthing eval".
    """
    if not task or not task.isprintable():
        raise click.UsageError("--task is a word in one line")
    known = known_of(config)
    try:
        cases = read(file)
    except EvalError as error:
        raise click.ClickException(f"{file.name}: {error}") from None
    rivals = _rivals(known, models)
    found = with_store(known.settings, lambda store: _run(store, known, cases, rivals, task, tenant), make=True)
    floor = known.floors(f"task:{task}")[0]
    if as_json:
        shown = [_for_machines(each, floor) for each in found]
        print_json({"task": task, "flagship": known.catalog.reference, "floor": floor, "models": shown})
    else:
        _print(found, known.catalog.reference, floor)


def _rivals(known: Known, models: Sequence[str]) -> list[str]:
    """Raises UsageError for a model that nobody serves."""
    for model in models:
        if not known.catalog.places(model):
            raise click.UsageError(f"no provider serves {model}")
    wanted = models or [model for tier in known.catalog.tiers().values() for model in tier]
    rivals = [model for model in dict.fromkeys(wanted) if model != known.catalog.reference]
    if not rivals:
        raise click.UsageError(f"there is no model to try beside {known.catalog.reference}")
    return rivals


async def _run(
    store: Store, known: Known, cases: Sequence[Case], rivals: Sequence[str], task: str, tenant: str
) -> list[Found]:  # fmt: skip
    flagship = known.catalog.reference
    evidence = Evidence(KeptEvidence(store))
    await evidence.refresh()
    recorder = Recorder(evidence, known.floors)

    def note(model: str, difference: float) -> None:
        recorder.evaluated(tenant, task, model, flagship, difference)

    async with AsyncExitStack() as stack:
        bar = stack.enter_context(_progress())
        calls = bar.add_task("calls", total=len(cases) * (1 + len(rivals)))
        book = configured_book(known.settings.prices)
        evals = await build_eval(known.settings, book, store, note, lambda: bar.advance(calls), stack)
        found = await evals.run(cases, flagship, rivals, tenant)
        await evidence.refresh()
    return found


def _progress() -> Progress:
    """On the error output, so that the result can be piped."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip


def _is_shown(found: Found, floor: float) -> bool:
    return found.cases > 0 and found.lower >= floor - 1


def _for_machines(found: Found, floor: float) -> dict[str, Any]:
    return msgspec.structs.asdict(found) | {
        "cost": None if found.cost is None else amounts(found.cost), "clears_floor": _is_shown(found, floor),
    }  # fmt: skip


def _print(found: Sequence[Found], flagship: str, floor: float) -> None:
    grid = Table(box=None, pad_edge=False)
    grid.add_column("model")
    for title in ("cases", "right", f"right of {flagship}", "difference", "at least", "failed", "cost"):
        grid.add_column(title, justify="right")
    grid.add_column(f"floor {percent(floor)}")
    for each in found:
        known = each.cases > 0
        grid.add_row(
            each.model, f"{each.cases:,}", percent(each.right), percent(each.flagship_right),
            _points(each.difference) if known else "-", _points(each.lower) if known else "-", f"{each.failed:,}",
            show_dollars(each.cost), "clears it" if _is_shown(each, floor) else "not shown",
        )  # fmt: skip
    print_table(grid)
    if any(each.failed for each in found):
        click.echo("Failed: a model did not answer, or nobody could say which answer was better.")
    click.echo("It is kept as evidence; gateways look at it within seconds.")


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"
