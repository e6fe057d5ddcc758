"""`farthing export`: the ledger as files for others. What is in them is `finops.focus` and `finops.statement`."""

import click

from farthing.cli.export_focus import focus
from farthing.cli.export_statement import statement


@click.group("export")
def command() -> None:
    """The ledger as files for others: a FOCUS data set for finance tools, statements for teams."""


command.add_command(focus)
command.add_command(statement)
