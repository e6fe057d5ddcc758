"""`farthing report proof`: what the hold-outs say of each lever: cost, dollars, quality, errors, and how sure that is."""

import math
from pathlib import Path

import click
import msgspec
from rich.table import Table

from farthing.cli.common import amounts, load_settings, print_json, print_table, with_store
from farthing.cli.report_span import percent, report_options
from farthing.model.money import show_dollars
from farthing.quality.holdout import Amount, Effect, Proof, prove
from farthing.store import ArmSums, Store


@click.command()
@report_options("90d")
def proof(config: Path | None, since: int | None, tenant: str, as_json: bool) -> None:
    """What each lever does to cost and quality, measured on sessions that go without it.

    Effects have 95 % intervals. A verdict looks at wider ones, which hold however often one looks: `proven` is cheaper
    with quality and errors not worse by more than a point, `harms` is dearer or worse.
    """

    async def read(store: Store) -> list[ArmSums]:
        return await store.arm_sums(since or 0, tenant=tenant)

    proofs = prove(with_store(load_settings(config, only={"store"}), read))
    if as_json:
        print_json({"levers": [_for_machines(each) for each in proofs]})
    elif not proofs:
        click.echo("No calls with a hold-out yet: routing.hold_out_percent says how many sessions go without a lever.")
    else:
        _print(proofs)


def _for_machines(each: Proof) -> dict[str, object]:
    shown = msgspec.structs.asdict(each)
    for name in ("treated", "held_out"):
        size = getattr(each, name)
        shown[name] = msgspec.structs.asdict(size) | {"cost": amounts(size.cost)}
    for name in ("cost", "quality", "errors"):
        shown[f"{name}_effect"] = _finite(shown.pop(name))
    saved = each.saved_a_month
    shown["saved_a_month"] = saved and {part: amounts(getattr(saved, part)) for part in ("value", "low", "high")}
    return shown


def _finite(effect: Effect | None) -> dict[str, float | None] | None:
    """An end that is not bounded is null."""
    if effect is None:
        return None
    ends: dict[str, float] = msgspec.structs.asdict(effect)
    return {name: end if math.isfinite(end) else None for name, end in ends.items()}


def _print(proofs: list[Proof]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("lever")
    for title in ("calls", "sessions", "cost a call", "saved a month", "quality", "errors", "days needed", "verdict"):
        table.add_column(title, justify="right")
    for each in proofs:
        table.add_row(
            each.lever, f"{each.treated.calls:,} / {each.held_out.calls:,}",
            f"{each.treated.groups:,} / {each.held_out.groups:,}", _effect(each.cost, "%"), _saved(each.saved_a_month),
            _effect(each.quality, "points"), _effect(each.errors, "points"), _days(each), each.verdict,
        )  # fmt: skip
    print_table(table)
    click.echo("Calls and sessions: with the lever / without it. Many sessions are counted in groups. 95 % intervals.")
    for each in proofs:
        click.echo(f"{each.lever}: {each.why}.")


def _effect(effect: Effect | None, unit: str) -> str:
    if effect is None:
        return "-"
    value = f"{effect.value * 100:+.1f} {unit}"
    if not math.isfinite(effect.high):
        return f"{value} [{percent(math.inf)}]"
    return f"{value} [{effect.low * 100:+.1f}, {effect.high * 100:+.1f}]"


def _saved(saved: Amount | None) -> str:
    if saved is None:
        return "-"
    return f"{show_dollars(saved.value)} [{show_dollars(saved.low)}, {show_dollars(saved.high)}]"


def _days(each: Proof) -> str:
    return "not known" if each.days_needed is None else f"{each.days_needed:,}"
