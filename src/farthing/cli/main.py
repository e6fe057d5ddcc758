"""The command `farthing`: finds the command that was asked for, loads only that one, and explains what goes wrong."""

from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from farthing import __version__
from farthing.model.errors import FarthingError
from farthing.settings import SettingsError
from farthing.store.errors import StoreError


class Place(NamedTuple):
    """Where a command is: its module in this folder, and the extra that its imports need."""

    module: str
    summary: str
    extra: str = ""


COMMANDS = {
    "up": Place("up", "Start the gateway."),
    "init": Place("init", "Write a commented farthing.toml."),
    "check": Place("check", "Check the settings without starting."),
    "import": Place("imports", "Other tools' configuration and logs: calls of the past."),
    "keys": Place("keys", "Create, list, revoke and rotate API keys."),
    "audit": Place("audit", "Who changed keys, budgets, alerts and routes, and when."),
    "plan": Place("plan", "What each strategy would save on your own past calls."),
    "report": Place("report", "What was spent: by feature, user, team, model, day and so on."),
    "status": Place("status", "How a running gateway's deployments are, and what serves instead."),
    "unit": Place("unit", "What a ticket or an order costs, beside people; a calculator."),
    "lines": Place("lines", "Spending on AI that is no call: people, training, GPUs, tools."),
    "calls": Place("calls", "The newest calls, one line each."),
    "explain": Place("explain", "One call's cost card: rates, attempts, decisions, savings."),
    "batch": Place("batch", "Files of prompts at half the price: hand in, watch, fetch."),
    "cache": Place("cache", "Look into the cache, drop and approve answers, try questions."),
    "budgets": Place("budgets", "What may be spent, where it stands, and more for a time."),
    "alerts": Place("alerts", "What is out of order with spending, and who is told."),
    "prices": Place("prices", "Show prices, compare them with a newer list, price a call."),
    "export": Place("export", "The ledger for others: FOCUS data sets, statements for teams."),
    "reconcile": Place("reconcile", "Compare a provider's bill with the ledger; post corrections."),
    "rerate": Place("rerate", "Price calls anew after a contract or a price list changed."),
    "models": Place("models", "The models of each tier: what they can do, what a call costs."),
    "routes": Place("routes", "The routing table: show, review, apply, undo, lock, measure."),
    "prompts": Place("prompts", "Prompts that cost less: what can go, with proof; a check for CI."),
    "selfhost": Place("selfhost", "Own models: what fits on which GPU, how fast, load tests."),
    "quantize": Place("quantize", "Fewer bits for an own model, the loss measured first."),
    "capture": Place("capture", "Calls that are kept to learn from: how many, and be rid of them."),
    "distil": Place("distil", "A small model from your own calls: data, training, proof."),
    "tco": Place("tco", "Own GPUs or an API: what each costs a month, and from when on."),
    "dashboard": Place("dashboard", "A link that signs you in to the pages for people.", extra="dashboard"),
    "demo": Place("demo", "A company's morning through the gateway, no key needed.", extra="demo"),
    "simulate": Place("simulate", "Start a simulated provider: no key, no network, no cost."),
}
"""In the order of the help page."""


class Commands(click.Group):
    """Loads a command when it is asked for, so that each starts as fast as its own imports allow."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            near = get_close_matches(cmd_name, COMMANDS, 1)
            ctx.fail(f"There is no command {cmd_name!r}." + (f" Did you mean {near[0]}?" if near else ""))
        try:
            command: click.Command = import_module(f"farthing.cli.{place.module}").command
        except ModuleNotFoundError as error:
            if not place.extra or (error.name or "").startswith("farthing"):
                raise
            cure = f"pip install 'farthing[{place.extra}]'"
            raise click.ClickException(f"farthing {cmd_name} needs the package {error.name}: {cure}") from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise Misused(f"the settings cannot be used\n{error}") from None
        except (StoreError, FarthingError) as error:
            raise click.ClickException(error.message) from None


class Misused(click.ClickException):
    """The command or the settings cannot be used."""

    exit_code = 2


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(__version__, prog_name="farthing")
def cli() -> None:
    """The FinOps plane for LLM workloads: a gateway that meters every call to the exact dollar."""


def main() -> None:
    """Entry point. A mistake of the user's is a message and an exit code, never a traceback."""
    cli(prog_name="farthing")
