"""The options of `farthing tco`, with their defaults and why these."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from farthing.cli.common import CommandT, Number, When
from farthing.selfhost.formats import ENGINES, FORMATS
from farthing.selfhost.tco.demand import PROFILES

_SHARE = Number(0, 1)
_AMOUNT = Number(0)

_DEMAND = (
    click.option("--calls", type=Number(0, min_open=True), help="Calls a month."),
    click.option("--input", "taken", type=Number(1), default=1000, show_default=True, help="Mean tokens of a prompt."),
    click.option("--output", "written", type=Number(1), default=300, show_default=True, help="Mean tokens of an answer."),
    click.option("--cached", type=_SHARE, default=None, help="Share of prompt tokens that the API's cache serves. Default: 0, or the ledger's."),
    click.option("--batch-share", type=_SHARE, default=0.0, show_default=True, help="Share of the calls that could wait for a batch."),
    click.option("--profile", type=click.Choice(list(PROFILES)), default="office", show_default=True, help="How a week is spread over its hours."),
    click.option("--from-ledger", is_flag=True, help="Take calls, tokens, cached share and hours of the week from the ledger."),
    click.option("--since", type=When(), default="28d", show_default=True, help="With --from-ledger: first hour."),
    click.option("--tenant", default="", help="With --from-ledger: only this tenant's calls."),
    click.option("--growth", type=Number(0, min_open=True), default=1.0, show_default=True, help="Times the demand."),
)  # fmt: skip

_API = (
    click.option("--api", default="", metavar="MODEL", help="The API's model, priced by the lists and your contracts."),
    click.option("--provider", default="", help="Whose price list holds. Default: the model's maker."),
    click.option("--api-input", type=_AMOUNT, default=None, help="Dollars a million tokens in, instead of --api."),
    click.option("--api-output", type=_AMOUNT, default=None, help="Dollars a million tokens out."),
    click.option("--api-cached", type=_AMOUNT, default=None, help="Dollars a million cached tokens in."),
    click.option("--training-tokens", type=_AMOUNT, default=0.0, help="Tokens of a fine-tuning data set."),
    click.option("--epochs", type=_AMOUNT, default=3.0, show_default=True, help="How often it is trained on."),
    click.option("--training-price", type=_AMOUNT, default=0.0, help="Dollars a million training tokens at the API."),
    click.option("--embedded-tokens", type=_AMOUNT, default=0.0, help="Tokens embedded a month."),
    click.option("--embedding-price", type=_AMOUNT, default=0.0, help="Dollars a million of these."),
)  # fmt: skip

_SPEED = (
    click.option("--own", type=click.Path(path_type=Path, exists=True), help="The own model: its folder or config.json."),
    click.option("--gpu", default="H100", show_default=True, help="The GPU."),
    click.option("--gpus", type=click.IntRange(0, 64), default=0, help="GPUs of a replica. 0: as few as hold it."),
    click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="fp8", show_default=True, help="Of the weights."),
    click.option("--engine", type=click.Choice(ENGINES), default="vllm", show_default=True, help="What serves it."),
    click.option("--tokens-s", type=Number(0, min_open=True), default=None, help="Output tokens a second of a replica, as measured."),
    click.option("--ttft", type=_AMOUNT, default=2.0, show_default=True, help="Most seconds to the first token. 0: no goal."),
    click.option("--tpot", type=_AMOUNT, default=0.05, show_default=True, help="Most seconds from token to token. 0: no goal."),
    click.option("--size-for", type=Number(0, 1, min_open=True), default=1.0, show_default=True, help="Share of the hours to serve without a queue: 0.95 leaves one in twenty out."),
    click.option("--headroom", type=Number(0, 1, min_open=True), default=0.8, show_default=True, help="Of the speed, what that hour may use."),
    click.option("--spares", type=click.IntRange(0, 100), default=1, show_default=True, help="Replicas beyond the needed ones."),
    click.option("--scale", is_flag=True, help="Rent replicas by the hour as they are needed."),
    click.option("--most-gpus", type=click.IntRange(0), default=0, help="GPUs that can be had. 0: no limit."),
)  # fmt: skip

_OWN = (
    click.option("--rent", type=click.Choice(["on-demand", "spot", "reserved", "premises"]), default="on-demand", show_default=True, help="How the GPUs are paid."),
    click.option("--gpu-hour", type=Number(0, min_open=True), default=None, help="Dollars of a GPU hour. Default: the median of the price table."),
    click.option("--discount", type=Number(0, 1, max_open=True), default=0.0, help="Off that, as a share, for a reservation."),
    click.option("--lost", type=_SHARE, default=0.0, help="Share of the hours in which spot GPUs are gone; on-demand ones serve then."),
    click.option("--gpu-price", type=_AMOUNT, default=None, help="On premises: dollars of a GPU with its share of the server."),
    click.option("--months", type=Number(1), default=36.0, show_default=True, help="On premises: months of use."),
    click.option("--watts", type=_AMOUNT, default=1000.0, show_default=True, help="On premises: a GPU with its share of the server."),
    click.option("--kwh", type=_AMOUNT, default=0.12, show_default=True, help="On premises: dollars of a kilowatt hour."),
    click.option("--storage-gb", type=_AMOUNT, default=500.0, show_default=True, help="Weights and data that are kept."),
    click.option("--storage-price", type=_AMOUNT, default=0.05, show_default=True, help="Dollars of a GB and month."),
    click.option("--egress-gb", type=_AMOUNT, default=0.0, help="GB a month that leave the cloud."),
    click.option("--egress-price", type=_AMOUNT, default=0.09, show_default=True, help="Dollars of such a GB."),
    click.option("--engineers", type=_AMOUNT, default=1.0, show_default=True, help="Full-time people who run it."),
    click.option("--salary", type=_AMOUNT, default=180_000.0, show_default=True, help="Dollars a year of one, with all that is paid beside."),
    click.option("--engineers-share", type=_SHARE, default=1.0, show_default=True, help="Of their time."),
    click.option("--evaluation", type=_AMOUNT, default=0.0, help="Dollars a month for evaluation and labels."),
    click.option("--own-training", type=_AMOUNT, default=0.0, help="Dollars once, spread over a year."),
    click.option("--api-success", type=Number(0, 1, min_open=True), default=1.0, help="Share of tasks that the API's model gets right."),
    click.option("--own-success", type=Number(0, 1, min_open=True), default=1.0, help="The same of the own model."),
    click.option("--seed", type=int, default=20_261_125, show_default=True, help="Of the draws behind the intervals."),
)  # fmt: skip


def tco_options(command: CommandT) -> CommandT:
    """All of them; the command gets each under its name."""
    options: tuple[Callable[[Any], Any], ...] = (*_DEMAND, *_API, *_SPEED, *_OWN)
    for option in reversed(options):
        command = option(command)
    return command
