"""`farthing distil students`: small models that answer in the gateway: how they do, how to go back, how to be rid of one, and
training without waiting for the gateway to do it."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.app.students import build_school, local_encoder
from farthing.cli.common import config_option, load_settings, print_json, print_table, show_time, who_option, with_store
from farthing.cli.distil_common import whole_days
from farthing.cli.own_models import progress
from farthing.cli.report_scope import now_us
from farthing.finops.metrics.metric import wilson
from farthing.model.money import Nano, show_dollars
from farthing.selfhost.distil.candidates import Range, at_stake
from farthing.selfhost.students.due import Foretold
from farthing.settings import Settings
from farthing.store import Store
from farthing.store.students import Looks, Students, Version

OVERHEAD = ""
"""Audits have no template."""
DAYS = 28
"""Whole days of the ledger that an estimate looks at."""


class _Shown(msgspec.Struct):
    """One version, for people and machines. Shares are 0 to 1; None where nothing is known."""

    tenant: str
    scope: str
    version: int
    state: str
    why: str
    teacher: str
    models: list[str]
    """It answers calls that ask for one of these; empty where nothing says so."""
    changed_us: int
    pairs: int
    coverage: float | None
    """Of live calls; of those of the training while none was judged."""
    agreement: float | None
    """With the teacher, of what was compared: audits, or beside the teacher before it serves."""
    at_least: float | None
    """Wilson's lower limit, 95 %; without any comparison, what training showed."""
    compared: int
    audits: int
    saved: Nano | None
    """Of the scope, all versions together; given at the newest."""


@click.command("students", short_help="Students, and how they do.")
@config_option
@click.option("--tenant", default="", help="Only this tenant's.")
@click.option(
    "--all", "every", is_flag=True, help="Former versions, too; else the newest of each scope and those at work."
)
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars.")
def students(config: Path | None, tenant: str, every: bool, as_json: bool) -> None:
    """Each scope's students: who is tried and who answers, what share, how far they agree with the teacher, what they saved.

    `saved` is what the ledger booked at their answers. What audits cost is told apart.
    """
    settings = load_settings(config, only={"store"})
    found, audits = with_store(settings, lambda store: _read(Students(store), tenant, every))
    if as_json:
        print_json({"students": [msgspec.to_builtins(each) for each in found], "audits_cost": audits})
    elif not found:
        click.echo('There are no students. [student] mode = "on" and [capture] in farthing.toml make some.')
    else:
        print_table(_table(found))
        if audits:
            click.echo(f"Audits cost {show_dollars(audits)}.")


@click.command("rollback", short_help="Go back to the version before.")
@config_option
@click.argument("scope")
@click.option("--tenant", default="default", show_default=True, help="Whose scope.")
@who_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def rollback(config: Path | None, scope: str, tenant: str, who: str, as_json: bool) -> None:
    """Take back the version of SCOPE that answers; the newest former one answers then, or else the teacher.

    Gateways follow within seconds.
    """
    settings = load_settings(config, only={"store"})

    async def work(store: Store) -> int:
        kept = Students(store)
        if not any(each.state == "serving" for each in await kept.versions(tenant=tenant, scope=scope)):
            raise click.ClickException(f"no student of {scope} answers in tenant {tenant}")
        return await kept.rollback(tenant, scope, who)

    version = with_store(settings, work)
    if as_json:
        print_json({"tenant": tenant, "scope": scope, "serving": version or None})
    else:
        click.echo(
            f"Version {version} of {scope} answers again." if version else f"The teacher of {scope} answers again."
        )


@click.command("retire", short_help="Have no student of a scope any more.")
@config_option
@click.argument("scope")
@click.option("--tenant", default="default", show_default=True, help="Whose scope.")
@who_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def retire(config: Path | None, scope: str, tenant: str, who: str, as_json: bool) -> None:
    """Let nothing answer for SCOPE but its teacher, and train nothing for it.

    Gateways follow within seconds. `farthing distil train-students --scope SCOPE` takes it up again.
    """
    settings = load_settings(config, only={"store"})
    gone = with_store(settings, lambda store: Students(store).retire(tenant, scope, who))
    if not gone:
        raise click.ClickException(f"there is no student of {scope} in tenant {tenant}")
    if as_json:
        print_json({"tenant": tenant, "scope": scope, "versions": gone})
    else:
        click.echo(f"{scope} is retired: {gone} version(s) will not answer any more.")


@click.command("train-students", short_help="Train students now.")
@config_option
@click.option("--scope", default="", help="This one, whether it is worth it or not, even if it was retired.")
@click.option(
    "--estimate", is_flag=True, help="Say what would be trained, how long that takes and what its calls cost."
)
@click.option("--json", "as_json", is_flag=True, help="For machines; amounts as integer nano-dollars.")
def train_students(config: Path | None, scope: str, estimate: bool, as_json: bool) -> None:
    """Train students on the captured calls, as the gateway does by itself every [student] train_hours.

    New ones are tried beside their teachers by a gateway with [student] mode = "on". Some seconds a student. Each is kept
    when it is trained: a run that was ended goes on with the rest when the same command is given again.
    """
    settings = load_settings(config, only={"store", "student", "capture", "cache"})
    if estimate:
        _show_estimate(with_store(settings, lambda store: _estimate(settings, store, scope)), as_json)
        return
    trained = with_store(settings, lambda store: _train(settings, store, scope))
    if as_json:
        print_json({"trained": trained})
    else:
        click.echo(f"{trained} student(s) trained." if trained else "Nothing was worth training. --estimate says why.")


_NONE = "Nothing is captured, or too little is new since the last training: see `farthing capture status`."


async def _train(settings: Settings, store: Store, scope: str) -> int:
    async with AsyncExitStack() as stack:
        school = await _school(settings, store, stack)
        with progress() as told:
            trained: int = await school.train_all(scope, told)
        return trained


async def _estimate(settings: Settings, store: Store, scope: str) -> list[tuple[Foretold, Range | None]]:
    """Each scope that would be trained, and what its calls cost a month."""
    async with AsyncExitStack() as stack:
        school = await _school(settings, store, stack)
        found: list[Foretold] = await school.foretell(scope)
    days = await store.do(lambda connection: whole_days(connection, now_us(), DAYS, ""))
    return [(each, at_stake(days, each.tenant, each.scope)) for each in found]


async def _school(settings: Settings, store: Store, stack: AsyncExitStack) -> Any:
    try:
        encoder = await local_encoder(settings, stack) if settings.student.features == "vectors" else None
        return build_school(settings, store, encoder)
    except ImportError:
        raise click.ClickException("students need `pip install 'farthing[cache]'`") from None


def _show_estimate(found: list[tuple[Foretold, Range | None]], as_json: bool) -> None:
    if as_json:
        print_json({
            "students": [{**msgspec.to_builtins(each), "cost_a_month": msgspec.to_builtins(cost)} for each, cost in found]
        })  # fmt: skip
        return
    if not found:
        click.echo(f"Nothing is worth training. {_NONE}")
        return
    table = Table("tenant", "scope", "feature", box=None, pad_edge=False)
    for title in ("newest", "captured", "learned from", "CPU seconds", "its calls cost a month"):
        table.add_column(title, justify="right")
    table.add_column("why not")
    for each, cost in found:
        low, high = each.cpu_s
        table.add_row(
            each.tenant, each.scope, ", ".join(each.features) or "(none)", f"{each.version}" if each.version else "", f"{each.captured:,}",
            f"{each.pairs:,}", "" if each.why_not else f"{low:,.1f} - {high:,.1f}",
            "?" if cost is None else f"{show_dollars(cost.low)} - {show_dollars(cost.high)}", each.why_not,
        )  # fmt: skip
    print_table(table)
    low, high = (sum(each.cpu_s[end] for each, _ in found) for end in (0, 1))
    click.echo(f"{len(found)} scope(s), {low:,.1f} to {high:,.1f} CPU seconds in all. Nothing was done.")


async def _read(kept: Students, tenant: str, every: bool) -> tuple[list[_Shown], Nano]:
    booked = {place: saved for place, saved in (await kept.saved()).items() if not tenant or place[0] == tenant}
    versions = await kept.versions(tenant=tenant)
    with_template = {(each.tenant, each.scope) for each in versions if each.scope.startswith("template:")}
    found, seen = [], set[tuple[str, str]]()
    for version in versions:
        place = (version.tenant, version.scope)
        newest = place not in seen
        seen.add(place)
        if newest or every or version.state in ("shadow", "serving"):
            saved = _saved(version, booked, with_template) if newest else None
            found.append(_shown(version, await kept.looks(*place, version.version), saved))
    return found, -sum(saved for (_, template, _), saved in booked.items() if template == OVERHEAD and saved < 0)


def _saved(
    version: Version, booked: dict[tuple[str, str, str], Nano], with_template: set[tuple[str, str]]
) -> Nano:  # fmt: skip
    """Calls whose template has students of its own are those of the template, not those of their task."""
    kind, _, name = version.scope.partition(":")
    return sum(
        saved for (tenant, template, task), saved in booked.items()
        if tenant == version.tenant and saved > 0
        and (template == name if kind == "template" else task == name and (tenant, f"template:{template}") not in with_template)
    )  # fmt: skip


class _Known(msgspec.Struct):
    """What is shown of a student's facts."""

    pairs: int = 0
    answered: int = 0
    bound: float = 0.0
    models: list[str] = []


def _known(version: Version) -> _Known:
    """Nothing of facts that are damaged: the others must be shown all the same."""
    try:
        return msgspec.json.decode(version.facts, type=_Known)
    except msgspec.DecodeError:
        return _Known()


def _shown(version: Version, looks: list[Looks], saved: Nano | None) -> _Shown:
    facts = _known(version)
    pairs, answered = facts.pairs, facts.answered
    judged, sure = (sum(getattr(each, name) for each in looks if each.kind != "audit") for name in ("judged", "sure"))
    audits = sum(each.compared for each in looks if each.kind == "audit")
    kind = "audit" if audits else "shadow"
    compared, agreed = (
        sum(getattr(each, name) for each in looks if each.kind == kind) for name in ("compared", "agreed")
    )
    coverage = sure / judged if judged else answered / pairs if pairs else None
    return _Shown(
        version.tenant, version.scope, version.version, version.state, version.why, version.teacher, facts.models, version.changed_us, pairs,
        coverage, agreed / compared if compared else None,
        wilson(agreed, compared)[0] if compared else facts.bound or None, compared, audits, saved,
    )  # fmt: skip


def _table(found: list[_Shown]) -> Table:
    table = Table("tenant", "scope", box=None, pad_edge=False)
    table.add_column("version", justify="right")
    table.add_column("state")
    for title in ("answers", "agrees", "at least", "audits", "saved"):
        table.add_column(title, justify="right")
    for title in ("teacher", "asked as", "since", "why"):
        table.add_column(title)
    for each in found:
        shares = ("" if share is None else f"{share:.1%}" for share in (each.coverage, each.agreement, each.at_least))
        table.add_row(
            each.tenant, each.scope, f"{each.version}", each.state, *shares, f"{each.audits:,}",
            "" if each.saved is None else show_dollars(each.saved), each.teacher or "(unknown)", ", ".join(each.models) or "(unknown)", show_time(each.changed_us), each.why,
        )  # fmt: skip
    return table
