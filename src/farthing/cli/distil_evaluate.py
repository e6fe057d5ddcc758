"""`farthing distil evaluate`: a tuned model against its teacher and its base on calls that it never saw, as evidence."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from farthing.app.eval import build_errands
from farthing.cli.common import amounts, config_option, load_settings, print_json, print_table, with_store
from farthing.cli.report_span import percent
from farthing.model.arms import DISTILLATION
from farthing.model.money import show_dollars
from farthing.prices.configured import configured_book
from farthing.quality.compare import Comparer
from farthing.quality.evalset import Case, EvalError, EvalSet, Found, read
from farthing.quality.evidence import Evidence
from farthing.quality.noninferiority import Counts, counted, lower, upper
from farthing.quality.pairwise import PairJudge
from farthing.quality.recorder import Recorder
from farthing.quality.watch import floors_of
from farthing.settings import Settings
from farthing.store import Evidence as KeptEvidence
from farthing.store import Store


class Against(msgspec.Struct, frozen=True):
    """How a model did beside another, on the same calls."""

    model: str
    other: str
    cases: int
    difference: float
    low: float
    high: float
    """95 % at least, however often one looks: see `quality.noninferiority`."""


@click.command("evaluate", short_help="Hold a tuned model against its teacher and its base.")
@click.argument("model")
@config_option
@click.option("--teacher", required=True, help="The model whose answers it learned.")
@click.option("--base", default="", help="The model that it was before.")
@click.option("--data", type=click.File("rb"), required=True, help="eval.jsonl of `farthing distil export`.")
@click.option("--task", required=True, help="The kind of work, as routing names it.")
@click.option("--tenant", default="default", show_default=True, help="Whose evidence it becomes.")
@click.option("--most", type=click.IntRange(1), default=500, show_default=True, help="Cases, the first ones.")
@click.option("--fresh", is_flag=True, help="Compare with what the teacher says now, not with what it said then.")
@click.option("--no-record", is_flag=True, help="Do not keep it as evidence.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def evaluate(
    model: str, config: Path | None, teacher: str, base: str, data: Any, task: str, tenant: str, most: int, fresh: bool,
    no_record: bool, as_json: bool,
) -> None:  # fmt: skip
    """Put calls that MODEL never saw to it, to its teacher and to its base.

    An answer is right if it is what the teacher answered then; with --fresh answers of the three are compared, by routing.judge
    where there is one. Calls cost money; the ledger has them under "farthing eval", as what distillation spends. What comes
    of it is evidence of the source `eval` for the task: routing looks at it where the teacher is the model that quality is
    compared with.
    """
    settings = load_settings(config)
    try:
        cases = read(data)[:most]
    except EvalError as error:
        raise click.ClickException(f"{data.name}: {error}") from None
    if fresh:
        cases = [msgspec.structs.replace(case, answers=()) for case in cases]
    rivals = [each for each in (model, base) if each]
    found, seen = with_store(
        settings,
        lambda store: _run(store, settings, cases, teacher, rivals, task, tenant, record=not no_record),
        make=True,
    )
    pairs = [_against(each, teacher, seen[each]) for each in rivals]
    if base:
        pairs.append(
            _against(
                model, base, [one - other for one, other in zip(*_both(seen, model, base, len(cases)), strict=True)]
            )
        )
    floor = floors_of(settings.routing)(f"task:{task}")[0]
    passes = pairs[0].low >= floor - 1
    if as_json:
        print_json({"cases": len(cases), "floor": floor, "clears_floor": passes, "models": [_for_machines(each) for each in found], "pairs": [msgspec.to_builtins(each) for each in pairs]})  # fmt: skip
    else:
        _show(found, pairs, floor, passes)
    if not any(each.cases for each in pairs):
        raise click.ClickException(
            'no answers could be compared; `farthing calls --where feature="farthing eval"` shows what failed'
        )


async def _run(
    store: Store, settings: Settings, cases: Sequence[Case], teacher: str, rivals: Sequence[str], task: str, tenant: str, *, record: bool
) -> tuple[list[Found], dict[str, list[int]]]:  # fmt: skip
    evidence = Evidence(KeptEvidence(store))
    await evidence.refresh()
    recorder = Recorder(evidence, floors_of(settings.routing))
    seen: dict[str, list[int]] = {each: [] for each in rivals}

    def note(model: str, difference: float) -> None:
        seen[model].append(round(difference))
        if record:
            recorder.evaluated(tenant, task, model, teacher, difference)

    async with AsyncExitStack() as stack:
        bar = stack.enter_context(_progress())
        calls = bar.add_task("calls", total=len(cases) * (1 + len(rivals)))
        book = configured_book(settings.prices)
        errands = await build_errands(settings, book, store, DISTILLATION, lambda: bar.advance(calls), stack)
        evals = EvalSet(errands, Comparer(PairJudge(errands, settings.routing.judge)), note)
        found = await evals.run(cases, teacher, rivals, tenant)
        await evidence.refresh()
    return found, seen


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    )  # fmt: skip


def _both(seen: dict[str, list[int]], one: str, other: str, cases: int) -> tuple[list[int], list[int]]:
    """Differences from the teacher, case by case; none where a case of either could not be judged, since nobody then knows which belong together."""
    if not len(seen[one]) == len(seen[other]) == cases:
        return [], []
    return seen[one], seen[other]


def _against(model: str, other: str, differences: Sequence[int]) -> Against:
    """Two models that are both held against the teacher differ by up to 2; halves of it are bet on as such."""
    scale = 2 if any(abs(each) > 1 for each in differences) else 1
    counts = sum((counted(1, each / scale, (each / scale) ** 2) for each in differences), Counts())
    size = len(differences)
    mean = sum(differences) / size if size else 0.0
    return Against(model, other, size, mean, scale * lower(counts), scale * upper(counts))


def _for_machines(found: Found) -> dict[str, Any]:
    return msgspec.structs.asdict(found) | {"cost": None if found.cost is None else amounts(found.cost)}


def _show(found: Sequence[Found], pairs: Sequence[Against], floor: float, passes: bool) -> None:
    grid = Table("model", box=None, pad_edge=False)
    for title in ("cases", "as the teacher then", "the teacher itself", "failed", "cost"):
        grid.add_column(title, justify="right")
    for each in found:
        grid.add_row(
            each.model, f"{each.cases:,}", percent(each.right), percent(each.flagship_right), f"{each.failed:,}", show_dollars(each.cost)
        )  # fmt: skip
    print_table(grid)
    for pair in pairs:
        click.echo(
            f"{pair.model} against {pair.other}: {100 * pair.difference:+.1f} points ({100 * pair.low:+.1f} to {100 * pair.high:+.1f}) on {pair.cases:,} calls"
        )  # fmt: skip
    word = "It clears" if passes else "It is not shown to clear"
    click.echo(f"{word} the floor of {percent(floor)} of the teacher's quality.")
