"""`farthing unit estimate`: what a business transaction will cost, line by line, beside what it costs by hand."""

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from farthing.cli.common import config_option, load_settings, pairs_option, print_json, printable
from farthing.cli.report_span import percent
from farthing.finops.calculator import Asked, calculated, fraction_of
from farthing.finops.estimate import Estimate, shown, trimmed
from farthing.finops.handling import Handling
from farthing.finops.units import amount, plain_handling
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.prices.configured import configured_book


class Number(click.ParamType[Fraction]):
    """A number that is not below zero, exact; `5%` is 0.05."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        if isinstance(value, Fraction):
            return value
        try:
            return fraction_of(str(value))
        except ValueError as error:
            self.fail(f"{error}", param, ctx)


NUMBER = Number()


@click.command("estimate")
@config_option
@click.option(
    "--type", "kind", default="", help="A type of the settings: people's minutes and rate are taken from there."
)
@click.option("--model", default="", help="The model that is called.")
@click.option("--provider", default="", help="Whose price list holds. Default: the model's maker.")
@click.option("--in", "in_tokens", type=click.IntRange(0, 10**9), default=0, help="Input tokens of a call, on average.")
@click.option("--cached", type=click.IntRange(0, 10**9), default=0, help="Those of them that the provider's cache has.")
@click.option(
    "--out", "out_tokens", type=click.IntRange(0, 10**9), default=0, help="Output tokens of a call, on average."
)
@click.option("--calls", type=NUMBER, default="1", show_default=True, help="Calls of a transaction.")
@click.option(
    "--retries", type=NUMBER, default="0", show_default=True, help="Share of calls that are sent once more: 5%."
)
@pairs_option("--tool", "tools", help="Tool = uses in a transaction, at [transactions.tools]; repeat.")
@click.option("--tool-calls", type=NUMBER, default="0", help="Uses of tools that cost --tool-cost each.")
@click.option("--tool-cost", type=NUMBER, default="0", help="Dollars for one of them.")
@click.option("--embeddings", type=NUMBER, default="0", help="Embedding queries of a transaction.")
@click.option("--embedding-model", default="", help="The model that makes the vectors.")
@click.option("--embedding-tokens", type=click.IntRange(0, 10**9), default=0, help="Tokens of a query.")
@click.option("--embedding-cost", type=NUMBER, help="Dollars for one query, instead of the model.")
@click.option("--cost", "plain", type=NUMBER, help="Dollars of a transaction that are known anyway; added to the rest.")
@click.option("--human-minutes", type=NUMBER, help="Minutes in which a person does it by hand.")
@click.option("--hourly-rate", type=NUMBER, help="Dollars for an hour of a person, with all that comes on top.")
@click.option("--human-cost", type=NUMBER, help="Dollars for one by hand, instead of the minutes.")
@click.option("--review-minutes", type=NUMBER, default="0", help="Minutes of a person that each takes all the same.")
@click.option(
    "--success-rate", type=NUMBER, default="1", show_default=True, help="Share that needs no handling by hand: 85%."
)
@click.option("--volume", type=click.IntRange(1, 10**9), help="Transactions of a month.")
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars and as text.")
def command(config: Path | None, volume: int | None, as_json: bool, **asked: Any) -> None:
    """What one business transaction will cost, and what it costs by hand.

    (calls x tokens x price) + (tool calls x tool cost) + (embedding queries x embedding cost)
    """
    settings = load_settings(config, only={"prices", "transactions"})
    book = configured_book(settings.prices)
    tools = {name: NUMBER.convert(count, None, None) for name, count in asked.pop("tools").items()}
    try:
        found = calculated(book, settings.transactions, Asked(**asked, tools=tools), time.time_ns() // 1000, _option)
    except BadRequest as error:
        raise click.UsageError(error.message) from None
    if as_json:
        print_json(_plain(found, volume))
    else:
        _print(found, volume)


_OPTIONS = {"in_tokens": "--in", "out_tokens": "--out", "plain": "--cost", "kind": "--type"}


def _option(field: str) -> str:
    return _OPTIONS.get(field, f"--{field.replace('_', '-')}")


def _print(found: Estimate, volume: int | None) -> None:
    lines = [
        (f"{item.what}, {item.name}" if item.name != item.what else item.what, item.how, item.cost)
        for item in found.items
    ]
    lines.append(("one transaction", "", found.cost))
    _rows(lines)
    handling = found.handling
    if handling is None:
        if found.review:
            _rows([("people's time", "spent all the same", found.review)])
        click.echo("\nSay --human-cost, or --human-minutes with --hourly-rate, to compare it with handling by hand.")
    else:
        _print_handling(found, handling)
    if volume is not None:
        click.echo(f"\n{volume:,} a month: AI ${trimmed(found.cost * volume)}")
        if handling is not None:
            click.echo(
                f"by hand ${trimmed(handling.by_hand * volume)}, with AI ${trimmed(handling.spent * volume)}, "
                f"saved {_signed(handling.saved * volume)}"
            )


def _print_handling(found: Estimate, handling: Handling) -> None:
    click.echo()
    lines = [("by hand", "", handling.human), ("AI", "", handling.ai)]
    if handling.review:
        lines.append(("people's time", "spent all the same", handling.review))
    if handling.fallback:
        failed = 1 - found.success_rate
        lines.append(
            ("by hand after all", f"{percent(float(failed))} that fail x ${trimmed(handling.human)}", handling.fallback)
        )
    _rows(lines)
    share, roi, even, per_success = handling.saved_share, handling.roi, handling.break_even, found.per_success
    click.echo(
        f"saved  {_signed(handling.saved)}"
        + (f", {percent(float(share))} of the cost by hand" if share is not None else "")
    )
    if roi is not None:
        click.echo(f"return on each dollar of AI and review  ${float(roi):,.2f}")
    if per_success is not None and found.success_rate < 1:
        click.echo(f"AI and review for each that succeeds  ${trimmed(per_success)}")
    if even is not None:
        click.echo(f"pays from a success rate of  {percent(float(even))}" if even <= 1 else "pays at no success rate")


def _rows(lines: list[tuple[str, str, Nano]]) -> None:
    first = max(len(what) for what, _, _ in lines)
    second = max(len(how) for _, how, _ in lines)
    last = max(len(trimmed(cost)) for _, _, cost in lines) + 1
    for what, how, cost in lines:
        click.echo(printable(f"{what:<{first}}  {how:<{second}}  {f'${trimmed(cost)}':>{last}}"))


def _signed(nano: Nano) -> str:
    return f"-${trimmed(-nano)}" if nano < 0 else f"${trimmed(nano)}"


def _plain(found: Estimate, volume: int | None) -> dict[str, Any]:
    return {
        "items": [
            {"what": each.what, "name": each.name, "count": shown(each.count), "each": amount(each.each), "cost": amount(each.cost),
             "how": each.how}
            for each in found.items
        ],
        "cost": amount(found.cost), "review": amount(found.review), "human": amount(found.human),
        "success_rate": float(found.success_rate), "per_success": amount(found.per_success), "volume": volume,
        "against_people": plain_handling(found.handling) if found.handling is not None else None,
    }  # fmt: skip
