"""`farthing prompts check`: fails where a change of a prompt makes its calls dearer than is allowed."""

import sys
import time
from pathlib import Path
from typing import Any

import click

from farthing.cli.common import Number, amounts, config_option, load_without_keys, print_json
from farthing.cli.prompts_common import place_of, prompt_of
from farthing.cli.routes_common import json_option
from farthing.lab.dearer import CALLS, Dearer, dearer
from farthing.model.money import Nano, show_dollars
from farthing.prices.configured import configured_book


@click.command("check", short_help="For CI: fail when a change makes a prompt's calls dearer than allowed.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--against", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The prompt as it was, such as `git show main:FILE` wrote it.",
)  # fmt: skip
@click.option("--model", required=True, help="The model whose prices count.")
@click.option("--allow", type=Number(0), default=0.0, show_default=True, help="Percent that a call may get dearer.")
@click.option(
    "--cached", type=Number(0, 100), default=0.0, show_default=True,
    help="Percent of the prompt that the provider's cache serves.",
)  # fmt: skip
@config_option
@json_option
def check(
    file: Path, against: Path, model: str, allow: float, cached: float, config: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Compare what calls cost with the prompt in FILE and with the one it was before. Ends with 1 if they are dearer by more
    than --allow percent.

    Tokens are counted here, nobody is asked. A usual call's input and output are those that the file's `typical` says.
    """
    settings = load_without_keys(config, {"prices", "providers", "models", "routing"})
    book = configured_book(settings.prices)
    found = dearer(
        prompt_of(against),
        prompt_of(file),
        model,
        book,
        place_of(settings, book, model),
        time.time_ns() // 1000,
        cached / 100,
    )
    share = found.share
    passed = share is None or 100 * share <= allow + 1e-9
    if as_json:
        print_json(_for_machines(found, model, allow, passed))
    else:
        _print(found, allow, passed)
    if not passed:
        sys.exit(1)


def _print(found: Dearer, allow: float, passed: bool) -> None:
    click.echo(f"tokens of the prompt  {found.before:,} -> {found.after:,}")
    click.echo(f"{CALLS:,} calls  {show_dollars(found.cost_before)} -> {show_dollars(found.cost_after)}")
    if found.cost_before is None or found.cost_after is None:
        click.echo("No price is known for the model: the prompts' tokens decide.")
    change = "as before" if not found.share else f"{100 * found.share:+.1f} %"
    click.echo(f"{change}, {'within' if passed else 'more than'} the {allow:g} % that are allowed")


def _for_machines(found: Dearer, model: str, allow: float, passed: bool) -> dict[str, Any]:
    def cost(nano: Nano | None) -> Any:
        return None if nano is None else amounts(nano)

    return {
        "model": model, "calls": CALLS, "tokens_before": found.before, "tokens_after": found.after,
        "cost_before": cost(found.cost_before), "cost_after": cost(found.cost_after),
        "dearer_percent": None if found.share is None else 100 * found.share, "allowed_percent": allow, "passed": passed,
    }  # fmt: skip
