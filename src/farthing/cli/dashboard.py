"""`farthing dashboard`: the way to the pages for people."""

import time
from pathlib import Path

import click

from farthing.cli.common import config_option, load_settings, print_json, with_store
from farthing.dashboard.access.links import LASTS_S, sign_in_link
from farthing.dashboard.signing import SECRET, Signer
from farthing.model.key_words import state
from farthing.model.principal import OPERATOR, ROLES, Key
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.secret import secret


@click.group("dashboard")
def command() -> None:
    """The pages for people."""


@command.command()
@config_option
@click.option("--key", "key_id", default="", metavar="ID", help="As whom. Default: an admin of the tenant default.")
@click.option("--url", default="", help="Where the pages are. Default: as dashboard.url or [server] says.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def link(config: Path | None, key_id: str, url: str, as_json: bool) -> None:
    """Print a link that signs you in once, within ten minutes, without typing a key.

    It needs what the gateway itself needs: the settings and the store.
    """
    settings = load_settings(config, only={"store", "server", "dashboard"})
    base = (url or _url(settings)).rstrip("/")

    async def make(store: Store) -> tuple[str, Key | None]:
        keys, now_us = await store.keys(), time.time_ns() // 1000
        if not keys:
            return f"{base}/", None
        key = _chosen(keys, key_id, now_us)
        signer = Signer(await store.do(lambda connection: secret(connection, SECRET)))
        return sign_in_link(signer, base, key, now_us), key

    address, key = with_store(settings, make, make=True)
    if as_json:
        print_json({"url": address, "key": key.id if key is not None else None})
        return
    if key is None:
        click.echo("There are no keys, so nobody signs in: the pages are open to this machine.", err=True)
    else:
        click.echo(f"Signs in as {key.name} ({key.id}), once, within {LASTS_S // 60} minutes:", err=True)
    click.echo(address)


def _chosen(keys: list[Key], key_id: str, now_us: int) -> Key:
    """That key, or the one that may most."""
    valid = [
        key
        for key in keys
        if state(key, now_us) == "valid" and (key.id == key_id if key_id else key.tenant == OPERATOR)
    ]
    if not valid:
        raise click.ClickException(f"there is no valid key {key_id}".rstrip() + "; `farthing keys list` shows all")
    return max(valid, key=lambda key: ROLES.index(key.role))


def _url(settings: Settings) -> str:
    if settings.dashboard.url:
        return settings.dashboard.url
    server = settings.server
    if not server.port:
        raise click.UsageError("the gateway takes any free port, so say where it is: --url http://127.0.0.1:PORT")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    return f"{'https' if server.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{server.port}"
