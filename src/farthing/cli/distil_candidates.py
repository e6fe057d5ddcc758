"""`farthing distil candidates`: which work a student or a small tuned model could take over, and for how much a month."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.common import config_option, load_without_keys, print_json, print_table, with_store
from farthing.cli.distil_common import captures_of, price_of, prices_name, tuned_name, warn_of_unreadable, whole_days
from farthing.cli.report_scope import now_us
from farthing.cli.report_span import percent
from farthing.model.money import show_dollars
from farthing.prices.configured import configured_book
from farthing.selfhost.distil.candidates import Candidate
from farthing.selfhost.distil.candidates import candidates as found_candidates
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.captures import Found
from farthing.store.work import Work

SHOWN = 20


@click.command("candidates", short_help="Work that a student or a tuned model could take over.")
@config_option
@click.option(
    "--days", type=click.IntRange(1, 90), default=28, show_default=True, help="Whole days that are looked at."
)
@click.option("--tenant", default="", help="Only calls of this tenant.")
@click.option(
    "--base", default="", help="Small model to compare with, such as gpt-4o-mini-2024-07-18, at its tuned price."
)
@click.option("--provider", default="openai", show_default=True, help="Whose model --base is.")
@click.option("--least-calls", type=click.IntRange(1), default=30, show_default=True, help="Leave out what has fewer.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars.")
def candidates(
    config: Path | None, days: int, tenant: str, base: str, provider: str, least_calls: int, as_json: bool
) -> None:  # fmt: skip
    """Work of the ledger by what a student in the gateway would save a month, the most promising first.

    Volumes and dollars are the ledger's own. Answers are looked at where calls are captured. The share that a student would
    answer is an interval from measurements on public sets; `missing` says what makes it surer.
    """
    settings = load_without_keys(config, {"store", "capture", "prices", "providers", "models"})
    now = now_us()
    price = None
    if base:
        book = configured_book(settings.prices)
        price = price_of(book, prices_name(settings, provider), tuned_name(base), now)
    spans, captured = with_store(settings, lambda store: _read(store, settings, now, days, tenant))
    warn_of_unreadable(captured)
    found = found_candidates(spans, captured.calls, price=price, least_calls=least_calls)
    if as_json:
        print_json({"days": days, "candidates": [_for_machines(each) for each in found]})
        return
    if not found:
        click.echo(f"No work had {least_calls:,} calls in the last {days} whole days (UTC); today's are not looked at.")
        return
    print_table(_table(found[:SHOWN], tuned=bool(base)))
    for number, each in enumerate(found[:SHOWN], 1):
        for word in each.missing:
            click.echo(f"{number}: missing: {word}")


async def _read(store: Store, settings: Settings, now: int, days: int, tenant: str) -> tuple[list[list[Work]], Found]:
    spans = await store.do(lambda connection: whole_days(connection, now, days, tenant))
    return spans, await captures_of(store, settings).read(now, tenant=tenant)


def _for_machines(each: Candidate) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(each)
    if each.answers is not None:
        plain["answers"] = {**plain["answers"], "closed": each.answers.closed}
    return plain


def _table(found: list[Candidate], *, tuned: bool) -> Table:
    table = Table("", "feature", "task", "template", box=None, pad_edge=False)
    titles = ["calls a month", "$ a month", "answers", "bits", "closed", "coverage", "a student saves a month"]
    for title in [*titles, *(["a tuned model saves"] if tuned else [])]:
        table.add_column(title, justify="right")
    for number, each in enumerate(found, 1):
        answers = each.answers
        saved = [each.student, *([each.tuned] if tuned else [])]
        table.add_row(
            str(number), each.feature or "(none)", each.task or "(unknown)", each.template or "(not known)",
            f"{each.calls_a_month:,.0f}", show_dollars(each.cost_a_month.middle),
            "?" if answers is None else f"{len(answers.labels) or answers.distinct:,}", "?" if answers is None else f"{answers.entropy:.1f}",
            {None: "?", True: "yes", False: "no"}[each.closed], f"{percent(each.coverage[0], 0)} - {percent(each.coverage[1], 0)}",
            *("?" if one is None else f"{show_dollars(one.low)} - {show_dollars(one.high)}" for one in saved),
        )  # fmt: skip
    return table
