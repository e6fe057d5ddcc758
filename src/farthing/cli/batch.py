"""`farthing batch`: files of prompts at half the price, for those who can wait."""

import click

from farthing.cli.batch_results import results
from farthing.cli.batch_schedules import schedules
from farthing.cli.batch_status import cancel, promote, status
from farthing.cli.batch_submit import submit
from farthing.cli.batch_watch import watch


@click.group("batch")
def command() -> None:
    """Files of prompts, or of requests, that are done until a deadline at half the price: handed in, watched, fetched.

    Jobs are in the store of the settings, and the gateway of these settings works them. With --url (or FARTHING_URL) they
    are handed in at a running gateway.
    """


for each in (submit, status, watch, results, cancel, promote, schedules):
    command.add_command(each)
