"""`farthing status`: how a running gateway's deployments are: outages, rate limits, latencies, and what serves instead."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from farthing.cli.common import config_option, load_settings, print_json, print_table, printable, show_time
from farthing.cli.web import Web, address_of

PATH = "/v1/farthing/status"
KEY = "FARTHING_ADMIN_KEY"


@click.command("status")
@config_option
@click.option("--url", default="", help="The gateway's address. Default: the one that the settings name.")
@click.option("--key", default="", envvar=KEY, show_envvar=True, help="An admin key, where the gateway has keys.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(config: Path | None, url: str, key: str, as_json: bool) -> None:
    """How the deployments are that a running gateway sends calls to, and what serves in place of one that is out.

    With several workers the answer is the view of one of them; each learns of failures by itself.
    """
    server = load_settings(config, only={"server"}).server
    shown = Web(url or address_of(server), key, server).json("GET", PATH)
    if as_json:
        print_json(shown)
        return
    troubles = [each for each in shown["data"] if each["state"] != "closed"]
    if not shown["data"]:
        click.echo("No deployment is named in the settings, and none was used yet.")
        return
    print_table(_table(shown["data"]))
    for each in troubles:
        click.echo(_sentence(each))
    if not troubles:
        click.echo("All are well.")
    if shown["workers"] > 1:
        click.echo(f"This is the view of process {shown['process']}, one of {shown['workers']} workers.")


def _table(states: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("deployment", "state"):
        table.add_column(title)
    for title in ("under way", "served", "failures", "first byte", "total", "limits left"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in states:
        table.add_row(
            each["name"], each["state"] if each["state"] != "closed" else "ok", f"{each['in_flight']:,}",
            f"{each['served']:,}", f"{each['failures']:,}", _ms(each["first_byte_ms"]), _ms(each["total_ms"]),
            f"{each['head_room']:.0%}",
        )  # fmt: skip
    return table


def _sentence(each: dict[str, Any]) -> str:
    """What is wrong, since when, and who serves meanwhile."""
    name = printable(each["name"])
    if each["state"] == "limited":
        what = f"{name} is at its rate limit; it has room again in {each['back_in_s']:.1f} s."
    else:
        why = printable(each["why"])
        what = f"{name} is out since {show_time(each['since_us'])}: {why.rstrip('.')}. It is tried again in {each['back_in_s']:.1f} s."
    if each["instead"]:
        return f"{what} Instead: {printable(', '.join(each['instead']))}."
    return f"{what} Nothing serves instead." if each["models"] else what


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value else ""
