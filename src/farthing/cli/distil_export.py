"""`farthing distil export`: captured calls as a data set for fine-tuning, what it would cost, and whether it pays."""

import math
from pathlib import Path
from statistics import stdev
from typing import Any, NamedTuple

import click
import msgspec

from farthing.cli.common import Number, When, config_option, load_without_keys, print_json, with_store
from farthing.cli.distil_common import (
    MILLION,
    captures_of,
    months,
    price_of,
    prices_name,
    training_price,
    tuned_name,
    warn_of_unreadable,
    whole_days,
    write_private,
)
from farthing.cli.report_scope import now_us
from farthing.model.errors import BadRequest
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.quality.student import two_sided
from farthing.selfhost.distil import formats
from farthing.selfhost.distil.dataset import DataSet, Filters, build, said
from farthing.selfhost.distil.deciding import (
    NOTHING,
    Decision,
    Question,
    Range,
    decide,
    exactly,
    gpu_dollars,
    gpu_hours,
    tokens,
    training_at_provider,
)
from farthing.selfhost.gpu_prices import offers_for, shipped
from farthing.selfhost.gpus import gpu as gpu_named
from farthing.settings import Settings
from farthing.store import Evidence, Store
from farthing.store.captures import Found
from farthing.store.work import Work

DAYS_A_MONTH = 365.25 / 12
LOOK_BACK = 28
LEAST_DAYS = 5
"""With fewer the month may be half as much, or half as much again."""
NANO = 1e9
_DOLLARS = Number(0)


class Options(NamedTuple):
    """What the money is worked out from."""

    base: str
    provider: str
    epochs: float
    gpu: str
    parameters: float
    people: float
    error_dollars: float
    worse: float
    hosting: float


@click.command("export", short_help="Captured calls as a data set; what training costs, and whether it pays.")
@config_option
@click.option(
    "--format", "format_", type=click.Choice(formats.FORMATS), default="openai", show_default=True, help="For whom."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("distil"), show_default=True, help="Folder."
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option("--tenant", default="default", show_default=True, help="Whose calls.")
@click.option("--feature", default=None, help="Only this feature's.")
@click.option("--task", default=None, help="Only this kind of work's.")
@click.option("--template", default="", help="Only this template's (fingerprint).")
@click.option("--since", type=When(), default=0, help="Only calls from then on.")
@click.option(
    "--system", default=None, help="Instructions instead of the calls' own; empty: none, which makes calls cheaper."
)
@click.option("--least-chars", type=click.IntRange(1), default=1, show_default=True, help="Of a question.")
@click.option("--most-chars", type=click.IntRange(10), default=24_000, show_default=True, help="Of a call.")
@click.option("--near", type=Number(0.5, 1.01), default=0.9, show_default=True, help="Similarity of questions that count as one; above 1: none.")  # fmt: skip
@click.option("--keep-pii", is_flag=True, help="Keep calls in which personal data or secrets are found.")
@click.option("--keep-hard", is_flag=True, help="Keep calls that a student gave back: the hard ones, so data unlike the traffic.")  # fmt: skip
@click.option("--test-share", type=Number(0, 0.9), default=0.2, show_default=True, help="Share for tests, the latest.")
@click.option("--base", default="", help="The model that would be tuned, such as gpt-4o-mini-2024-07-18.")
@click.option("--provider", default="openai", show_default=True, help="Who would tune it.")
@click.option("--epochs", type=Number(1, 50), default=3.0, show_default=True, help="How often it sees the data.")
@click.option("--gpu", default="", help="Train on this GPU instead; with --parameters.")
@click.option("--parameters", type=_DOLLARS, default=0.0, help="Of the model, in 10^9.")
@click.option(
    "--people", type=_DOLLARS, default=0.0, help="Dollars that looking at data and results costs people, once."
)
@click.option("--worse", type=Number(0, 1), default=0.02, show_default=True, help="Share of answers that may be worse, until measured.")  # fmt: skip
@click.option("--error-dollars", type=_DOLLARS, default=0.0, help="What a worse answer costs.")
@click.option("--hosting", type=_DOLLARS, default=0.0, help="Dollars a month that the model costs unused.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def export(
    config: Path | None, format_: str, out: Path, force: bool, tenant: str, feature: str | None, task: str | None,
    template: str, since: int, system: str | None, least_chars: int, most_chars: int, near: float, keep_pii: bool, keep_hard: bool,
    test_share: float, as_json: bool, **money: Any,
) -> None:  # fmt: skip
    """Write train and test files of captured calls, and say what each filter left out.

    Tests are the latest calls, and all calls of a tenth of the templates where there are many. eval.jsonl has them for
    `farthing distil evaluate`. The files hold prompts: only you may read them.
    """
    settings = load_without_keys(config, {"store", "capture", "prices", "providers", "models"})
    now = now_us()

    async def read(store: Store) -> tuple[Found, dict[str, float], list[list[Work]]]:
        found = await captures_of(store, settings).read(
            now, tenant=tenant, feature=feature, task=task, template=template, since_us=since
        )
        samples = await Evidence(store).samples(tenant=tenant)
        days = await store.do(lambda connection: whole_days(connection, now, LOOK_BACK, tenant))
        wanted = [[each for each in day if _is_meant(each, feature, task, template)] for day in days]
        return found, {each.call_id: each.difference for each in samples}, wanted

    found, scores, days = with_store(settings, read)
    warn_of_unreadable(found)
    if not found.calls and not found.unreadable:
        raise click.ClickException("no captured call is of it; `farthing capture status` shows what is kept")
    filters = Filters(least_chars, most_chars, fair=not keep_hard, pii=not keep_pii, near=near)
    try:
        made = build(found.calls, filters, scores=scores, test_share=test_share)
    except BadRequest as problem:
        raise click.ClickException(problem.message) from None
    sizes = _write(made, format_, out, system, force)
    decision = _decided(settings, made, sizes, days, system, Options(**money), now)
    shown = _for_machines(made, sizes, decision, format_, out)
    write_private(out / "report.json", [msgspec.json.format(msgspec.json.encode(shown), indent=2), b"\n"], over=True)
    if as_json:
        print_json(shown)
    else:
        _show(made, sizes, decision, format_, out)


def _is_meant(each: Work, feature: str | None, task: str | None, template: str) -> bool:
    asked = ((each.feature, feature), (each.task, task), (each.template, template or None))
    return all(wanted is None or has == wanted for has, wanted in asked)


def _write(made: DataSet, format_: str, out: Path, system: str | None, force: bool) -> dict[str, int]:
    """The files with their sizes."""
    ending = formats.suffix(format_)
    parts = (
        ("train" + ending, format_, made.train),
        ("test" + ending, format_, made.test),
        ("eval.jsonl", "eval", made.test),
    )
    return {
        name: write_private(out / name, formats.written(shape, calls, system), over=force)
        for name, shape, calls in parts
    }


class Money(NamedTuple):
    """What it costs and saves; None where a price or the ledger does not say."""

    tokens: Range
    training: Range | None
    decision: Decision | None
    why_not: str
    gpu_hours: Range | None = None


def _decided(
    settings: Settings, made: DataSet, sizes: dict[str, int], days: list[list[Work]], system: str | None, asked: Options, now: int
) -> Money:  # fmt: skip
    size = next(iter(sizes.values()))
    known = tokens(size).times(asked.epochs)
    if asked.gpu:
        hours = _hours(size, asked)
        return Money(known, _gpu_dollars(hours, asked), None, "what your own server costs a call: farthing tco", hours)
    if not asked.base:
        return Money(known, None, None, "no --base is named")
    book, prices = configured_book(settings.prices), prices_name(settings, asked.provider)
    priced = training_price(book, prices, asked.base, MILLION, now)
    if priced.state == "unpriced":
        return Money(known, None, None, f"no price is known for training {asked.base}")
    training = training_at_provider(size, asked.epochs, priced.nano / NANO)
    works = [each for day in days for each in day]
    calls, cost = sum(each.calls - each.without_cost for each in works), sum(each.cost for each in works)
    if not calls or not cost:
        return Money(known, training, None, f"the ledger has no priced calls of it in the last {LOOK_BACK} days")
    tuned = _tuned_call(book, prices, asked, works, made, system, now)
    if tuned is None:
        return Money(known, training, None, f"no price is known for calls of the tuned {asked.base}")
    month = calls * DAYS_A_MONTH / len(days)
    evaluation = len(made.test) * (cost / calls / NANO + 2 * tuned.likely)
    question = Question(
        _a_month([sum(each.calls for each in day) for day in days], month), cost / calls / NANO, tuned, Range(0.8, 1.0, 1.0), training, evaluation, asked.people,
        asked.hosting, Range(-asked.worse / 2, 0.0, asked.worse) if asked.error_dollars else NOTHING, asked.error_dollars,
    )  # fmt: skip
    return Money(known, training, decide(question), "")


def _a_month(daily: list[int], month: float) -> Range:
    """Calls a month: what the mean of the days says, with its interval where there are some."""
    if len(daily) < LEAST_DAYS:
        return Range(0.5 * month, month, 1.5 * month)
    reach = two_sided(0.1, len(daily) - 1) * stdev(daily) / math.sqrt(len(daily)) * DAYS_A_MONTH
    return Range(max(0.0, month - reach), month, month + reach)


def _tuned_call(
    book: PriceBook, prices: str, asked: Options, works: list[Work], made: DataSet, system: str | None, now: int
) -> Range | None:  # fmt: skip
    """Dollars a call: the ledger's own tokens; less what other instructions spare. None where no price is known."""
    counted = sum(each.counted for each in works)
    if not counted:
        return None
    spared = 0.0
    if system is not None:
        before = sum(len(each.instructions.encode()) for each in made.train) / len(made.train or (1,))
        spared = tokens(max(0, round(before) - len(system.encode()))).low
    in_tokens = max(0.0, sum(each.in_tokens for each in works) / counted - spared)
    out_tokens = sum(each.out_tokens for each in works) / counted
    usage = Usage(uncached_in=round(in_tokens * 1000), out=round(out_tokens * 1000))
    nano = price_of(book, prices, tuned_name(asked.base), now)(usage)
    return exactly(nano / 1000 / NANO) if nano is not None else None


def _hours(size: int, asked: Options) -> Range:
    if not asked.parameters:
        raise click.UsageError("--gpu needs --parameters: how large the model is, in 10^9")
    return gpu_hours(tokens(size), asked.epochs, asked.parameters * 1e9, gpu_named(asked.gpu).tflops16)


def _gpu_dollars(hours: Range, asked: Options) -> Range | None:
    offer = offers_for(gpu_named(asked.gpu), shipped())
    return None if offer is None else gpu_dollars(hours, offer)


def _for_machines(made: DataSet, sizes: dict[str, int], money: Money, format_: str, out: Path) -> dict[str, Any]:
    return {
        "format": format_, "folder": str(out), "files": sizes, "calls": made.given, "train": len(made.train), "test": len(made.test),
        "test_of_unseen_templates": made.unseen, "left_out": made.dropped, "training_tokens": msgspec.to_builtins(money.tokens),
        "training_dollars": None if money.training is None else msgspec.to_builtins(money.training),
        "gpu_hours": None if money.gpu_hours is None else msgspec.to_builtins(money.gpu_hours),
        "decision": None if money.decision is None else msgspec.to_builtins(money.decision), "no_decision": money.why_not,
    }  # fmt: skip


def _show(made: DataSet, sizes: dict[str, int], money: Money, format_: str, out: Path) -> None:
    click.echo(
        f"{made.given:,} captured calls: {len(made.train):,} to train on, {len(made.test):,} for tests ({made.unseen:,} of unseen templates)."
    )
    click.echo(f"Left out: {said(made.dropped)}.")
    click.echo(f"Written to {out}: {', '.join(f'{name} ({size:,} bytes)' for name, size in sizes.items())}.")
    if format_ == "axolotl":
        click.echo(formats.AXOLOTL)
    training = money.training
    click.echo(
        f"Training: {money.tokens.low:,.0f} to {money.tokens.high:,.0f} tokens, all epochs"
        + (f"; {_dollars(training)}." if training else ".")
    )
    if money.gpu_hours is not None:
        click.echo(f"GPU hours with LoRA: {money.gpu_hours.low:.2g} to {money.gpu_hours.high:.2g}.")
    found = money.decision
    if found is None:
        click.echo(f"No decision: {money.why_not}.")
        return
    click.echo(
        f"Saves {_dollars(found.saved_a_month)} a month; errors cost {_dollars(found.errors_a_month)}; once {_dollars(found.once)}."
    )
    click.echo(f"Paid back after {months(found.pay_back.low)} to {months(found.pay_back.high)}.")
    click.echo(f"Verdict: {found.verdict}: {found.why}.")


def _dollars(range_: Range) -> str:
    return f"${range_.low:,.2f} to ${range_.high:,.2f}"
