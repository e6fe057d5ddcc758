"""`farthing status`: how a running gateway's deployments are: outages, rate limits, latencies, and what serves instead."""

import json
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import click
from rich.table import Table

from farthing.cli.common import config_option, load_settings, print_json, print_table, printable, show_time
from farthing.settings import ServerSettings

PATH = "/v1/farthing/status"
TIMEOUT_S = 10.0
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
    shown = _fetched(url or _address(server), key, server)
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


def _address(server: ServerSettings) -> str:
    if not server.port:
        raise click.UsageError(
            "the settings take a free port; say where the gateway listens: --url http://127.0.0.1:PORT"
        )
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    return f"{'https' if server.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{server.port}"


def _fetched(url: str, key: str, server: ServerSettings) -> Any:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"{url!r} is no address: write http://host:port")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    trust = ssl.create_default_context() if url.startswith("https://") else None
    if trust is not None and server.tls_cert and os.path.exists(server.tls_cert):
        trust.load_verify_locations(server.tls_cert)
    try:
        with urlopen(Request(url.rstrip("/") + PATH, headers=headers), timeout=TIMEOUT_S, context=trust) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise click.ClickException(_said(error)) from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise click.ClickException(
            f"no gateway answers at {url}: {getattr(reason, 'strerror', None) or reason}"
        ) from None
    except ValueError:
        raise click.ClickException(f"what answers at {url} is no gateway") from None


def _said(error: HTTPError) -> str:
    """The gateway's own words."""
    try:
        return printable(str(json.load(error)["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered with status {error.code}"
