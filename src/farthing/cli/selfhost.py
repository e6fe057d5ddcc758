"""`farthing selfhost`: own models: what fits on which GPU, how fast it is, what a server really does."""

import click

from farthing.cli.selfhost_fit import fit
from farthing.cli.selfhost_gpus import gpus, prices
from farthing.cli.selfhost_measure import measure
from farthing.cli.selfhost_tools import tools


@click.group("selfhost")
def command() -> None:
    """Own models: what fits on which GPU, how fast it would be, and what your own server really does."""


for each in (fit, measure, gpus, prices, tools):
    command.add_command(each)
