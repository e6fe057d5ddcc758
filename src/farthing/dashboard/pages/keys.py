"""The keys of a tenant: whose they are, what they may, what they cost; and to make, renew and end them."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from farthing.dashboard.fields import end_of
from farthing.dashboard.forms import Form
from farthing.dashboard.page import Action, Page, Values
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.admin import NewKey
from farthing.gateway.guard import ADMIN
from farthing.model.errors import BadRequest, NotFound
from farthing.model.key_words import limits, owners, routing, state
from farthing.model.principal import TAG_FIELDS, Key
from farthing.store import ReportRow, hash_of, new_id, new_secret, reading
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

USED_DAYS = 90
"""How far back the last use is looked for."""
ROLES = (("", "own: sees its own calls"), ("viewer", "viewer: reads reports"), ("editor", "editor: changes budgets and routes"), ("admin", "admin: all, also keys"))  # fmt: skip
COLUMNS = (
    Column("name", "Name", "prose"),
    Column("id", "Id"),
    Column("state", "State"),
    Column("role", "Role", help="What it may do beside calling"),
    Column("owners", "Owner tags", "prose"),
    Column("limits", "Limits", "prose", help="Models, requests and tokens a minute, region"),
    Column("expires", "Expires", help="The last day, UTC"),
    Column("used", "Last used", help=f"The last day with a call, of the last {USED_DAYS}"),
    Column("calls", "Calls", "count"),
    Column("cost", "Cost", "money"),
)


class Use(msgspec.Struct):
    """Of one key."""

    calls: int = 0
    cost: int = 0
    last: str = ""
    """A day."""


async def read(view: View) -> Values:
    period, since = view.filters.period, view.now_us - USED_DAYS * DAY_US

    def rows(connection: Connection) -> list[ReportRow]:
        return reading.report(
            connection, "key,day", min(since, period.since_us), max(view.now_us, period.until_us), tenant=view.tenant
        )

    every, used = await asyncio.gather(view.sources.store.keys(), view.read(rows))
    keys = [key for key in every if key.tenant == view.tenant]
    return {"keys": _table(view, keys, _uses(view, used)), "first": not every, "secret": None, "roles": ROLES}


def _uses(view: View, rows: Sequence[ReportRow]) -> dict[str, Use]:
    first, last = view.filters.period.first.isoformat(), view.filters.period.last.isoformat()
    uses: dict[str, Use] = {}
    for row in rows:
        use = uses.setdefault(row.key, Use())
        use.last = max(use.last, row.also)
        if first <= row.also <= last:
            use.calls += row.calls
            use.cost += row.cost
    return uses


def _table(view: View, keys: Sequence[Key], uses: dict[str, Use]) -> Table:
    rows = []
    for key in sorted(keys, key=lambda key: (state(key, view.now_us) != "valid", key.name.casefold(), key.id)):
        use, now = uses.get(key.id, Use()), state(key, view.now_us)
        values = (
            key.name, key.id, now, key.role or "own", owners(key) or None, _held_to(key) or None, _last_day(key), use.last or None,
            use.calls, use.cost,
        )  # fmt: skip
        rows.append(
            Row(values, href=view.href("/spend", key=key.id), calls=view.calls(key=key.id), mark="" if now == "valid" else "quiet")
        )  # fmt: skip
    label = view.filters.period.in_sentence
    return Table(
        "keys", "Keys", COLUMNS, rows, empty="There is no key yet: the gateway serves its own machine only. Make one below.",
        note=f"Calls and cost: {label}. Calls without a known cost are in the first and not in the second.",
    )  # fmt: skip


def _held_to(key: Key) -> str:
    said = (", ".join(key.models), limits(key), routing(key))
    return "; ".join(each for each in said if each not in ("", "none", "default"))


def _last_day(key: Key) -> str | None:
    return f"{datetime.fromtimestamp((key.expires_us - 1) / 1e6, UTC):%Y-%m-%d}" if key.expires_us else None


async def create(view: View, form: Form) -> str | Values:
    secret = new_secret()
    wanted = msgspec.structs.asdict(_wanted(form, view.now_us))
    del wanted["admin"]
    key = Key(id=new_id(), hash=hash_of(secret), tenant=view.tenant, created_us=view.now_us, **wanted)
    await view.sources.store.add_key(key, who=view.entered.who)
    return {**await read(view), "secret": {"value": secret, "name": key.name, "is_new": True}}


async def rotate(view: View, form: Form) -> str | Values:
    key, secret = await _mine(view, form), new_secret()
    grace_s = _number(form.get("grace", "0"), "grace", 30 * 24) * 3600
    if not await view.sources.store.rotate_key(key.id, hash_of(secret), grace_s=grace_s, who=view.entered.who):
        raise BadRequest("The key is revoked. Make a new one.")
    return {**await read(view), "secret": {"value": secret, "name": key.name, "is_new": False}}


async def revoke(view: View, form: Form) -> str:
    key = await _mine(view, form)
    if not await view.sources.store.revoke_key(key.id, who=view.entered.who):
        raise BadRequest(f"The key {key.name} was revoked before.")
    return f"The key {key.name} is revoked. Calls with it are refused within seconds."


def _wanted(form: Form, now_us: int) -> NewKey:
    """Raises BadRequest."""
    tags = {name: form.get(name, "").strip() for name in TAG_FIELDS if form.get(name, "").strip()}
    said = {
        "name": form.get("name", "").strip(), "role": form.get("role", ""), "tags": tags,
        "pinned": list(tags) if form.get("pinned") else [],
        "models": [each for each in re.split(r"[\s,]+", form.get("models", "")) if each],
        "requests_per_minute": _number(form.get("rpm", ""), "rpm"), "tokens_per_minute": _number(form.get("tpm", ""), "tpm"),
        "expires_us": end_of(form.get("expires", ""), now_us, "expires"),
    }  # fmt: skip
    if not said["name"]:
        raise BadRequest("A key needs a name.", param="name")
    try:
        return msgspec.convert(said, NewKey)
    except msgspec.ValidationError as error:
        raise BadRequest(f"This makes no key: {error}.") from None


def _number(text: str, param: str, most: int = 10**12) -> int:
    text = text.strip().replace(",", "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 13 or int(text) > most:
        raise BadRequest(f"{param} is a whole number from 0 to {most:,}.", param=param)
    return int(text)


async def _mine(view: View, form: Form) -> Key:
    key = await view.sources.store.key(form.get("id", ""))
    if key is None or key.tenant != view.tenant:
        raise NotFound("There is no such key.")
    return key


PAGE = Page(
    "keys", "/keys", "Keys", ADMIN, read, section="Set-up", filters=("period",),
    actions={"create": Action(ADMIN, create), "rotate": Action(ADMIN, rotate), "revoke": Action(ADMIN, revoke)},
)  # fmt: skip
