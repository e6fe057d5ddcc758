"""`farthing tco`: own GPUs beside an API, month against month; and what an own deployment's paid hours were used for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from farthing.cli.common import config_option, pairs_option, print_json
from farthing.cli.tco_case import Given, case_of
from farthing.cli.tco_deployment import deployment
from farthing.cli.tco_options import tco_options
from farthing.cli.tco_show import for_machines, show
from farthing.selfhost.tco.report import report
from farthing.selfhost.tco.sensitivity import simulate, tornado


@click.group("tco", invoke_without_command=True)
@tco_options
@pairs_option("--where", help="With --from-ledger: only calls of this feature (sums by hour are kept for it alone).")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def command(
    ctx: click.Context, /, where: Mapping[str, str], config: Path | None, as_json: bool, **options: Any
) -> None:  # fmt: skip
    """Own GPUs or an API: what each costs a month, from which volume on, and how sure that is.

    Own side: --own MODEL and --gpu work the speed out; --tokens-s says it as measured. API side: --api MODEL. Demand:
    --calls, --input, --output, or --from-ledger.
    """
    if ctx.invoked_subcommand is not None:
        return
    given = Given(**options)
    case, offer = case_of(given, config, dict(where))
    found, bars, sure = report(case), tornado(case), simulate(case, seed=given.seed)
    if as_json:
        print_json(for_machines(case, found, bars, sure))
    else:
        show(case, found, bars, sure)
    if offer:
        click.echo(offer, err=True)


command.add_command(deployment)
