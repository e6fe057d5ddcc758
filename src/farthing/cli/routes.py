"""`farthing routes`: the table that routing goes by, what is proposed, and who changed what."""

import click

from farthing.cli.routes_changes import apply, reject, review, undo
from farthing.cli.routes_eval import eval_
from farthing.cli.routes_lock import lock, unlock
from farthing.cli.routes_show import history, show
from farthing.cli.routes_templates import templates


@click.group("routes")
def command() -> None:
    """Which model may do which work: the measured table, its proposals and its history."""


for each in (show, review, apply, reject, undo, history, lock, unlock, templates, eval_):
    command.add_command(each)
