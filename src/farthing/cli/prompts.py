"""`farthing prompts`: prompts that cost less, with proof."""

import click

from farthing.cli.prompts_check import check
from farthing.cli.prompts_controls import controls
from farthing.cli.prompts_doctor import doctor
from farthing.cli.prompts_optimise import optimise


@click.group("prompts")
def command() -> None:
    """Which parts of a prompt can go, shown on items with known answers; and a check that a change makes it no dearer."""


for each in (optimise, check, doctor, controls):
    command.add_command(each)
