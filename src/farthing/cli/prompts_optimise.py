"""`farthing prompts optimise`: finds what can go of a prompt, and proves it on fresh items."""

import os
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from farthing.app.lab import build_asking
from farthing.batch.handing import seconds_until
from farthing.catalog.token_ratio import TokenRatios
from farthing.cli.common import Number, config_option, load_settings, print_json, print_table, printable, with_store
from farthing.cli.prompts_common import place_of, prompt_of
from farthing.cli.routes_common import confirm, json_option, tenant_option, yes_option
from farthing.cli.unit_estimate import NUMBER
from farthing.lab.asking import Stopped
from farthing.lab.captured import items_of
from farthing.lab.items import Item, read_items
from farthing.lab.optimise import Hopeless
from farthing.lab.optimise import optimise as run_lab
from farthing.lab.page import page
from farthing.lab.plan import Plan, planned, shares, shuffled
from farthing.lab.prompt import Prompt
from farthing.lab.report import Report, for_machines, report_of
from farthing.lab.rewrite import PROPOSALS
from farthing.lab.runs import Answers, RunError, name_of
from farthing.lab.structured import Armed
from farthing.lab.worth import volume, worth
from farthing.model.call import Deployment
from farthing.model.errors import BadRequest
from farthing.model.money import Nano, show_dollars
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.quality.evalset import MOST, EvalError
from farthing.settings import Settings
from farthing.steps.defer.booking import BATCH
from farthing.store import Store
from farthing.store.captures import Captures
from farthing.store.lab_reports import LabReports
from farthing.store.sealing import wrapping

SAMPLE = 50
"""Items by which the length of an input is guessed."""
SHOWN = 72
"""Characters of a part in the table."""


class _Work(NamedTuple):
    """All that a run is made of."""

    settings: Settings
    book: PriceBook
    place: Deployment
    prompt: Prompt
    items: list[Item]
    model: str
    writer: str | None
    plan: Plan
    weights: dict[int, int]
    tenant: str
    deadline: str | None
    """Of a round; None: calls go at once."""
    keep: bool
    """The report, in the store."""


@click.command("optimise", short_help="Find which parts of a prompt can go, and prove it.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--items", "items_file", type=click.File("rb"), help="What the prompt is tried on, JSON lines.")
@click.option("--captured", is_flag=True, help="Try it on captured calls of its feature or template instead.")
@click.option("--model", required=True, help="The model that it is for.")
@click.option(
    "--margin", type=Number(0.5, 20), default=3.0, show_default=True,
    help="Points of quality that may be lost, at most.",
)  # fmt: skip
@click.option("--per-trial", type=click.IntRange(1), help="Items of a trial. Default: what the margin needs.")
@click.option("--max-cost", type=NUMBER, help="Dollars at which it stops. Default: twice what is expected.")
@click.option("--rewrite", "writer", help="A model that proposes shorter wordings, which are tried like all else.")
@click.option(
    "--deadline", help="Put the calls to the running gateway's batches, at half the price: how long each round may take (30m, 6h).",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with a run that was broken off, within the cost agreed then.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the report as a page.")
@click.option(
    "--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the new prompt, where it is proved."
)
@click.option(
    "--keep", is_flag=True, help="Keep the report in the store, with the prompt's words: the dashboard shows it."
)
@click.option(
    "--answers", "kept", type=click.Path(dir_okay=False, path_type=Path),
    help="Where answers are kept. Default: FILE with the ending .lab.jsonl.",
)  # fmt: skip
@config_option
@tenant_option("Whose calls and ledger it is.", default="default")
@yes_option
@json_option
def optimise(
    file: Path, items_file: Any, captured: bool, model: str, margin: float, per_trial: int | None, max_cost: Any, writer: str | None, deadline: str | None,
    resume: bool, html: Path | None, write: Path | None, keep: bool, kept: Path | None, config: Path | None, tenant: str, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find which parts of the prompt in FILE can go without losing more than --margin points of quality, and prove it on items
    that were not used for finding it.

    It makes some thousands of calls, says first what they will cost, and asks. Each answer is kept as it comes: a run that was
    broken off goes on with --resume. The ledger has its calls under the feature "farthing lab".

    With --deadline a gateway with these settings must be running. It takes some ten to twenty-five rounds, each within the
    deadline and often much sooner.
    """
    if deadline is not None:
        _seconds(deadline)
    for target in (html, write):
        _check_target(target)
    settings = load_settings(config)
    book = configured_book(settings.prices)
    prompt = prompt_of(file)
    if captured == (items_file is not None):
        raise click.UsageError("say either --items or --captured")
    try:
        items = shuffled(_captured(settings, prompt, tenant) if captured else read_items(items_file, prompt.slots))
        each, doubt = shares(len(items), margin / 100, per_trial or 0)
    except EvalError as error:
        raise click.ClickException(f"{file if captured else items_file.name}: {error}") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    ratios = TokenRatios()
    place = place_of(settings, book, model)
    if writer is not None:
        place_of(settings, book, writer)
    weights = {part.id: ratios.tokens(model, part.text) for part in prompt.parts}
    bound = None if max_cost is None else round(max_cost * 10**9)
    plan = planned(
        prompt,
        each,
        margin / 100,
        _a_call(prompt, items, model, book, place, ratios, tier="" if deadline is None else BATCH),
        doubt,
        bound,
        PROPOSALS if writer else 0,
    )
    if not plan.parts and not plan.arms and writer is None:
        raise click.ClickException(
            f"{file}: nothing in it may be tried: all of its parts are protected, or hold an input"
        )
    run = name_of(
        file.read_bytes(), model.encode(), f"{margin} {each} {writer}".encode(), *(_key(item) for item in items)
    )
    work = _Work(settings, book, place, prompt, items[: 2 * each], model, writer, plan, weights, tenant, deadline, keep)
    try:
        with Answers(kept or file.with_suffix(".lab.jsonl")) as answers:
            limit = _agreed(answers, run, work, resume, yes, given=bound)
            answers.start(run, limit)
            report = with_store(settings, lambda store: _run(store, work, answers, limit), make=True)
    except (RunError, Hopeless) as error:
        raise click.ClickException(str(error)) from None
    except Stopped as error:
        raise click.ClickException(f"{error} (--resume)") from None
    except KeyboardInterrupt:
        click.echo("\nBroken off. What was answered is kept: --resume goes on with it.", err=True)
        raise click.exceptions.Exit(130) from None
    try:
        if html is not None:
            html.write_text(page(report), encoding="utf-8")
        if write is not None and report.found.is_proved:
            write.write_text(report.prompt, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; the answers are kept (--resume)") from None
    if as_json:
        print_json(for_machines(report))
    else:
        _print(report)


def _captured(settings: Settings, prompt: Prompt, tenant: str) -> list[Item]:
    """Raises EvalError, StoreError, UsageError."""
    if not prompt.feature and not prompt.template:
        raise click.UsageError("the prompt's file names no `feature` and no `template` whose captured calls are meant")
    sealing = wrapping(settings.capture.encryption_key.reveal())
    found = with_store(
        settings,
        lambda store: Captures(store, sealing).read(
            _now_us(),
            tenant=tenant,
            feature=None if prompt.template else prompt.feature,
            template=prompt.template,
            most=MOST,
        ),
    )
    return items_of(prompt, found.calls)


def _check_target(path: Path | None) -> None:
    """Whether it can be written, before anything is paid for. Raises ClickException."""
    if path is not None and not (
        os.access(path, os.W_OK) if path.exists() else os.access(path.parent, os.W_OK | os.X_OK)
    ):
        raise click.ClickException(f"{path} cannot be written")


def _key(item: Item) -> bytes:
    return repr((sorted(item.inputs.items()), item.case.answers, item.case.check)).encode("utf-8", "replace")


def _seconds(deadline: str) -> float:
    try:
        return seconds_until(deadline)
    except BadRequest as error:
        raise click.BadParameter(error.message, param_hint="--deadline") from None


def _a_call(
    prompt: Prompt, items: list[Item], model: str, book: PriceBook, place: Deployment, ratios: TokenRatios, *, tier: str
) -> Nano | None:  # fmt: skip
    """What a call with the whole prompt is expected to cost."""
    sample = items[:SAMPLE]
    inputs = sum(ratios.tokens(model, text) for item in sample for text in item.inputs.values()) // len(sample)
    usage = Usage(uncached_in=ratios.tokens(model, prompt.fixed()) + inputs, out=prompt.typical.output)
    name = place.price_as or place.model
    priced = book.price(place.prices, name, usage, tier=tier, at_us=_now_us())
    if priced.state == "unpriced":  # a model that has no price for batches
        priced = book.price(place.prices, name, usage, at_us=_now_us())
    return None if priced.state == "unpriced" else priced.nano


def _agreed(answers: Answers, run: str, work: _Work, resume: bool, yes: bool, given: Nano | None) -> Nano | None:
    """What the run may cost, agreed now or when it began. Raises Abort, UsageError."""
    plan = work.plan
    before = answers.started(run)
    if resume:
        if before is None:
            raise click.UsageError("there is no run of this prompt, these items and this model to go on with")
        return before.bound if given is None else given
    click.echo(
        f"{plan.parts} parts and {plan.arms} arms, {plan.items:,} items a trial and as many fresh ones for the proof: some "
        f"{plan.calls:,} calls.", err=True,
    )  # fmt: skip
    if plan.doubt:
        click.echo(f"Note: {plan.doubt}.", err=True)
    if len(answers):
        click.echo(f"{len(answers):,} answers are there already and cost nothing.", err=True)
    if plan.cost is None:
        click.echo("No price is known for the model, so nobody can say what that costs.", err=True)
    else:
        click.echo(
            f"They are expected to cost {show_dollars(plan.cost)}; it stops at {show_dollars(plan.bound)}.", err=True
        )
    if work.deadline is not None:
        click.echo(
            f"A running gateway with these settings does them as batches, in some {plan.rounds} rounds, each within "
            f"{work.deadline}.", err=True,
        )  # fmt: skip
    confirm("Start?", yes)
    return plan.bound


async def _run(store: Store, work: _Work, answers: Answers, limit: Nano | None) -> Report:
    """Raises Stopped."""
    async with AsyncExitStack() as stack:
        bar = stack.enter_context(_progress())
        task = bar.add_task("starts", total=work.plan.calls, spent="")

        def heard(paid: bool) -> None:
            spent = f"{show_dollars(answers.spent)} of {show_dollars(limit)}" if limit is not None else ""
            bar.update(task, advance=1, spent=spent)

        asking = await build_asking(
            work.settings,
            work.book,
            store,
            work.prompt,
            work.items,
            work.model,
            answers,
            work.tenant,
            limit,
            heard,
            stack,
            deadline_s=None if work.deadline is None else _seconds(work.deadline),
            told=lambda what: bar.update(task, description=what),
        )
        found = await run_lab(
            work.prompt, asking.scores, work.plan.items, work.plan.margin, {id: float(each) for id, each in work.weights.items()},
            lambda what: bar.update(task, description=what), asking.flips,
            None if work.writer is None else partial(asking.text, work.writer), together=work.deadline is not None,
        )  # fmt: skip
    earned = None
    if found.proof is not None:
        seen = await store.do(
            lambda connection: volume(
                connection, _now_us(), tenant=work.tenant, feature=work.prompt.feature, template=work.prompt.template
            )
        )
        prefix = float(sum(work.weights.values()))
        earned = worth(
            work.book, work.place, seen, found.proof.before, found.proof.after, prefix, answers.spent, _now_us()
        )  # fmt: skip
    report = report_of(
        work.prompt, work.model, work.plan, found, earned, work.weights, asking.calls, asking.paid, answers.cost
    )  # fmt: skip
    if work.keep:
        told = msgspec.json.encode(for_machines(report)).decode()
        await LabReports(store).keep(work.tenant, _now_us(), report.name, work.model, told)
    return report


def _progress() -> Progress:
    """On the error output, so that the result can be piped."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[spent]}"),
        TimeElapsedColumn(), console=Console(stderr=True), transient=True,
    )  # fmt: skip


def _now_us() -> int:
    return time.time_ns() // 1000


def _print(report: Report) -> None:
    grid = Table(box=None, pad_edge=False)
    for title in ("", "part"):
        grid.add_column(title)
    grid.add_column("tokens", justify="right")
    grid.add_column("why")
    for line in report.lines:
        grid.add_row("-" if line.removed else " ", _short(line.text), f"{line.tokens:,}", line.why)
    print_table(grid)
    found = report.found
    if found.order is not None:
        click.echo(f"order of the examples: {found.order.why}")
    if found.rewrite is not None:
        click.echo(
            f"wording: {found.rewrite.why}; {found.rewrite.proposed} were proposed, {found.rewrite.fit} of them could be tried"
        )
    for each in found.arms:
        click.echo(printable(_arm(each, each.name == found.variant.arm)))
    click.echo(f"\n{report.verdict}")
    if report.plan.doubt:
        click.echo(f"Note: {report.plan.doubt}.")
    _print_worth(report)
    click.echo(
        f"The run cost {show_dollars(report.spent)}; {report.calls:,} answers, {report.paid:,} of them asked now. The prompt as it "
        f"is changes {100 * found.flips:.1f} % of its answers by itself."
    )


def _arm(found: Armed, taken: bool) -> str:
    parsed = "" if found.after.parsed is None else f", {100 * found.after.parsed:.1f} % as was asked"
    return (
        f"arm {found.name}: {found.before.out_tokens:.1f} -> {found.after.out_tokens:.1f} output tokens, a call "
        f"{100 * abs(found.saves):.1f} % {'cheaper' if found.saves >= 0 else 'dearer'}{parsed}; {found.words}"
        f"{', taken' if taken else ''}"
    )


def _print_worth(report: Report) -> None:
    worth, proof = report.worth, report.found.proof
    if worth is None or proof is None:
        return
    click.echo(
        f"a call: {proof.before.in_tokens:,.0f} -> {proof.after.in_tokens:,.0f} tokens in, "
        f"{proof.before.out_tokens:,.1f} -> {proof.after.out_tokens:,.1f} out"
    )
    if worth.saved is None:
        click.echo(
            f"saved in 1,000 calls: {show_dollars(worth.saved_a_thousand)} (the ledger has no calls of it in 30 days)"
        )
        return
    back = worth.pays_back_days
    click.echo(
        f"saved a month: {show_dollars(worth.saved)} in {worth.calls:,} calls, {100 * worth.prefix_cached:.0f} % of the prompt "
        f"at the cache's rate" + ("" if back is None else f"; the run pays back in {back:,.1f} days")
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 3] + "..."
