"""`farthing prompts controls`: how the controls stand that are on trial, and what is shown of each."""

from pathlib import Path
from typing import Any

import click

from farthing.app.trials import margins
from farthing.cli.common import config_option, load_settings, print_json, printable, with_store
from farthing.quality.holdout import Effect
from farthing.quality.trial import Shown
from farthing.quality.trials import DAY_US, REMEMBERED_DAYS, Place, judged
from farthing.settings import Settings
from farthing.steps.shape.control import Stand
from farthing.store import Store
from farthing.store.controls import Controls
from farthing.store.store import now_us

HINT = "No control has been on trial yet: set one in [prompts] or [prompts.features.NAME], and name it in `trial`."


@click.command("controls")
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--again", metavar="CONTROL", help="Start the trial of this control anew: `shorter`, or all of its name as shown."
)
@click.option("--scope", metavar="SCOPE", default="", help="With --again: only there, such as `feature:triage`.")
def controls(config: Path | None, as_json: bool, again: str | None, scope: str) -> None:
    """How the controls stand that are on trial: for each kind of calls whether it is on, off or open, and why.

    Intervals hold at every look, so look as often as you like. A control that was switched off stays off until it is set
    otherwise in the settings, or until --again.
    """
    settings = load_settings(config, only={"store", "prompts", "routing"})
    if again:
        count = with_store(settings, lambda store: Controls(store).forget(again, scope=scope))
        if not count:
            where = f" in {scope}" if scope else ""
            raise click.ClickException(
                printable(f"{again} is on no trial{where}; without options the command lists them")
            )
        click.echo(f"{printable(again)}: the trial begins anew; {count} of its states are gone.")
        return

    async def found(store: Store) -> dict[Place, tuple[Stand, Shown]]:
        return await read(store, settings)

    rows = with_store(settings, found)
    if as_json:
        print_json([_plain(place, *row) for place, row in rows.items()])
    elif not rows:
        click.echo(HINT)
    else:
        for place, row in rows.items():
            _print(place, *row)


async def read(store: Store, settings: Settings) -> dict[Place, tuple[Stand, Shown]]:
    """Each control as it stands, and what its sums show now. Raises StoreError."""
    kept = Controls(store)
    stands = {
        (each.tenant, each.scope, each.control): Stand(each.state, phase=each.phase, why=each.why)
        for each in await kept.states()
    }
    sums = await kept.sums(now_us() - REMEMBERED_DAYS * DAY_US)
    shown = judged(sums, stands, margins(settings.routing))
    return {place: (stands.get(place, Stand()), shown[place]) for place in sorted(shown)}


def _print(place: Place, stand: Stand, shown: Shown) -> None:
    tenant, scope, control = map(printable, place)
    whose = f"{scope} of {tenant}" if tenant else scope
    click.echo(f"{control}, {whose}: {'open' if stand.state == 'trial' else stand.state}")
    click.echo(f"   {printable(stand.why if stand.state != 'trial' else shown.why)}")
    click.echo(f"   {shown.treated:,} calls with it, {shown.untreated:,} without")
    for name, effect in (("output tokens", shown.tokens), ("cost", shown.cost)):
        if effect is not None:
            click.echo(f"   {name}: {effect.value:+.1%} ({effect.always_low:+.1%} to {effect.always_high:+.1%})")
    for name, effect in shown.bad.items():
        click.echo(
            f"   bad by {name}: {_points(effect.value)} ({_points(effect.always_low)} to {_points(effect.always_high)})"
        )
    click.echo("")


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"


def _plain(place: Place, stand: Stand, shown: Shown) -> dict[str, Any]:
    tenant, scope, control = place
    return {
        "tenant": tenant, "scope": scope, "control": control, "state": stand.state,
        "why": stand.why if stand.state != "trial" else shown.why, "calls_with": shown.treated,
        "calls_without": shown.untreated, "calls_needed": shown.needed, "output_tokens": _effect(shown.tokens),
        "cost": _effect(shown.cost), "bad": {name: _effect(effect) for name, effect in shown.bad.items()},
    }  # fmt: skip


def _effect(effect: Effect | None) -> dict[str, float] | None:
    if effect is None:
        return None
    return {"value": effect.value, "low": effect.always_low, "high": effect.always_high}
