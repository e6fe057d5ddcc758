"""`farthing keys`: who may call, and as whom."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from farthing.cli.common import (
    config_option,
    load_settings,
    microseconds,
    pairs_option,
    print_json,
    print_table,
    show_time,
    with_store,
)
from farthing.cli.common import user as user_here
from farthing.model.key_words import limits, owners, routing, state
from farthing.model.principal import ROLES, TAG_FIELDS, Key, Role
from farthing.model.routes import ANY
from farthing.settings import Settings
from farthing.store import Store, hash_of, new_id, new_secret
from farthing.store.keys import shown


@click.group("keys")
def command() -> None:
    """Create, list, revoke and rotate API keys.

    As long as there is no key, the gateway serves its own machine only.
    """


class Moment(click.ParamType[int]):
    """When a key ends: a day, a time, or so far ahead (`90d`, `12h`)."""

    name = "when"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            moment = ahead(str(value))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time. Write 2027-01-31, 2027-01-31T08:00, 90d or 12h.", param, ctx)
        if moment <= datetime.now(UTC):
            self.fail(f"{value!r} is over.", param, ctx)
        return microseconds(moment)


def ahead(text: str) -> datetime:
    """A moment to come. A day ends with its last second. Raises ValueError."""
    if text[-1:] in ("h", "d") and text[:-1].isdigit():
        count = int(text[:-1])
        return datetime.now(UTC) + (timedelta(hours=count) if text[-1] == "h" else timedelta(days=count))
    moment = datetime.fromisoformat(text)
    if len(text) == len("2027-01-31"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@command.command()
@click.argument("name")
@config_option
@click.option("--team", help="Owner tag; calls are reported by it.")
@click.option("--project", help="Owner tag.")
@click.option("--user", help="Owner tag.")
@click.option("--feature", help="Owner tag.")
@pairs_option("--tag", "tags", help="A tag of any other name; repeat.")
@click.option(
    "--pin",
    "pinned",
    multiple=True,
    metavar="NAME",
    help="A tag that callers cannot change; repeat. `all`: every tag of the key.",
)
@click.option("--tenant", default="default", show_default=True, help="The wall that nothing crosses.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="PATTERN",
    help="A model it may use, such as gpt-5*; repeat. Default: all.",
)
@click.option("--rpm", type=click.IntRange(1), help="Requests a minute.")
@click.option("--tpm", type=click.IntRange(1), help="Tokens a minute.")
@click.option("--expires", type=Moment(), help="Last day or time, or so far ahead (90d). Default: never.")
@click.option(
    "--substitute/--no-substitute",
    default=None,
    help="Calls that name a model may get a cheaper one that is as good, or never. Default: as routing.substitute says.",
)
@click.option("--region", default="", help="Where its calls must be served, such as eu. Default: anywhere.")
@click.option(
    "--role",
    type=click.Choice(["own", *(role for role in ROLES if role)]),
    default="own",
    show_default=True,
    help="What it may do beside calling: own: see its own calls; viewer: read its tenant's reports; editor: change its "
    "budgets, alerts and routes; admin: all, also keys.",
)
@click.option("--admin", is_flag=True, help="Short for --role admin.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def create(
    name: str, config: Path | None, team: str | None, project: str | None, user: str | None, feature: str | None,
    tags: dict[str, str], pinned: tuple[str, ...], tenant: str, models: tuple[str, ...], rpm: int | None,
    tpm: int | None, expires: int | None, substitute: bool | None, region: str, role: str, admin: bool, as_json: bool,
) -> None:  # fmt: skip
    """Make a key called NAME and print its secret, this once: only its hash is stored."""
    owners = dict(zip(TAG_FIELDS, (team, project, user, feature), strict=True))
    all_tags = tags | {field: value for field, value in owners.items() if value}
    if not all(word.isprintable() for word in (name, tenant, region, *pinned, *models, *all_tags.values())):
        raise click.UsageError("names, tags, models and regions are plain text in one line")
    if tenant == ANY:
        raise click.UsageError(f"{ANY!r} stands for all tenants, so no tenant is called that")
    if not all((name, tenant, *pinned, *models)):
        raise click.UsageError("a name, a tenant, a pinned tag and a model are not empty")
    secret = new_secret()
    key = Key(
        id=new_id(), name=name, hash=hash_of(secret), tenant=tenant, tags=all_tags,
        pinned=tuple(all_tags) if "all" in pinned else pinned, models=models, requests_per_minute=rpm or 0,
        tokens_per_minute=tpm or 0, role=_role(role, admin), created_us=time.time_ns() // 1000, expires_us=expires or 0,
        substitute=substitute, region=region,
    )  # fmt: skip

    async def add(store: Store) -> None:
        await store.add_key(key, who=user_here())

    with_store(_store_settings(config), add, make=True)
    _print_secret(key.id, secret, as_json, f"The key {key.id} ({name}) is made. This is its secret, shown only now:")


@command.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_(config: Path | None, as_json: bool) -> None:
    """List the keys; their secrets are not known to anyone but their owners."""

    async def every(store: Store) -> list[Key]:
        return await store.keys()

    keys = with_store(_store_settings(config), every, make=True)
    if as_json:
        print_json([_shown(key) for key in keys])
        return
    if not keys:
        click.echo("There are no keys: the gateway serves this machine only. Make one: farthing keys create NAME")
        return
    table = Table(
        "id", "name", "tenant", "role", "tags", "models", "routing", "limits", "state", box=None, pad_edge=False
    )
    for key in keys:
        table.add_row(
            key.id, key.name, key.tenant, key.role or "own", owners(key), ", ".join(key.models) or "all", routing(key),
            limits(key), _state(key),
        )  # fmt: skip
    print_table(table)


@command.command()
@click.argument("key_id")
@config_option
def revoke(key_id: str, config: Path | None) -> None:
    """End a key. Gateways that run refuse it within seconds."""

    async def end(store: Store) -> bool:
        return await store.revoke_key(key_id, who=user_here())

    if not with_store(_store_settings(config), end):
        raise click.ClickException(f"there is no valid key {key_id}; `farthing keys list` shows all")
    click.echo(f"The key {key_id} is revoked.")


@command.command()
@click.argument("key_id")
@config_option
@click.option(
    "--grace", type=click.IntRange(0), default=0, metavar="SECONDS", help="How long the old secret still works."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def rotate(key_id: str, config: Path | None, grace: int, as_json: bool) -> None:
    """Give a key a new secret and print it, this once. Tags, limits and history stay."""
    secret = new_secret()

    async def change(store: Store) -> bool:
        return await store.rotate_key(key_id, hash_of(secret), grace_s=grace, who=user_here())

    if not with_store(_store_settings(config), change):
        raise click.ClickException(f"there is no valid key {key_id}; `farthing keys list` shows all")
    until = f"the old one works for {grace} s more" if grace else "the old one works no longer"
    _print_secret(key_id, secret, as_json, f"The key {key_id} has a new secret, shown only now; {until}:")


def _store_settings(config: Path | None) -> Settings:
    return load_settings(config, only={"store"})


def _role(said: str, admin: bool) -> Role:
    if admin and said not in ("own", "admin"):
        raise click.UsageError("--admin is the role admin; say one of the two")
    return "admin" if admin else next((role for role in ROLES if role == said), "")


def _print_secret(key_id: str, secret: str, as_json: bool, words: str) -> None:
    if as_json:
        print_json({"id": key_id, "secret": secret})
        return
    click.echo(words, err=True)
    click.echo(secret)


def _shown(key: Key) -> dict[str, object]:
    return shown(key) | {"state": _state(key)}


def _state(key: Key) -> str:
    now = state(key, time.time_ns() // 1000)
    if now == "revoked" or not key.expires_us:
        return now
    return f"{'expired' if now == 'expired' else 'until'} {show_time(key.expires_us)}"
