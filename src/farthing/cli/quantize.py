"""`farthing quantize`: fewer bits for a model of your own, with what that loses measured before it is used."""

import click

from farthing.cli.quantize_backends import backends
from farthing.cli.quantize_model import run


class Quantize(click.Group):
    """A folder is what it is used for most, so it needs no word before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["model", *args]
        return super().parse_args(ctx, args)


@click.group("quantize", cls=Quantize, no_args_is_help=True)
def command() -> None:
    """Fewer bits for a model of your own, with what that loses measured before it is used.

    `farthing quantize FOLDER` is short for `farthing quantize model FOLDER`.
    """


for each in (run, backends):
    command.add_command(each)
