"""One setting at several values, with every lever on: what all calls would come to, as a curve. Knows no setting by name."""

from collections.abc import Callable, Sequence
from functools import partial

from farthing.finops.plans.document import Point, Sweep
from farthing.model.past import PastCall
from farthing.model.record import CACHE_HITS
from farthing.planner.levers import Lever, switched
from farthing.planner.making import DAY_US, DAYS_A_MONTH
from farthing.planner.replay.readers import Reading
from farthing.planner.replay.run import Came, replay
from farthing.planner.replay.world import can_ask
from farthing.planner.uncertainty import amount, groups
from farthing.planner.whatif import changed
from farthing.settings import Settings

Hear = Callable[[str, int, int], None]


async def sweep(
    calls: Sequence[PastCall], own: Settings | None, levers: Sequence[Lever], setting: str, values: Sequence[str], hear: Hear
) -> Sweep:  # fmt: skip
    """`calls` in the order of their times. Raises BadRequest for a value that the setting cannot have, StoreError,
    SettingsError."""
    asked = [past for past in calls if can_ask(past)]
    span = max(calls[-1].at_us - calls[0].at_us, DAY_US) / DAY_US
    times, group, reading = DAYS_A_MONTH / span, groups(asked), Reading()

    async def run(what: str, switch: Callable[[Settings], Settings]) -> list[Came | None]:
        return await replay(asked, own, switch, lambda done: hear(what, done, len(asked)), reading)

    base = await run("as it was", lambda settings: settings)
    points = []
    for value in values:
        came = await run(f"{setting} = {value}", partial(_set, levers=levers, setting=setting, value=value))
        saved = [_saved(one, other) for one, other in zip(base, came, strict=True)]
        done = [each for each in came if each is not None]
        points.append(
            Point(
                value, round(times * sum(each.cost for each in done)), amount(saved, group, times),
                sum(each.cache in CACHE_HITS for each in done) / max(1, len(done)),
                sum(_moved(one, other) for one, other in zip(base, came, strict=True)) / max(1, len(done)),
            )
        )  # fmt: skip
    return Sweep(setting, points)


def _set(settings: Settings, levers: Sequence[Lever], setting: str, value: str) -> Settings:
    """The value holds whatever a lever says."""
    return changed(switched(settings, levers), {setting: value})


def _saved(before: Came | None, after: Came | None) -> int:
    """A call of which one side is not known saves nothing."""
    if before is None or after is None or not (before.known and after.known and after.status < 400):
        return 0
    return before.cost - after.cost


def _moved(before: Came | None, after: Came | None) -> bool:
    return before is not None and after is not None and before.model != after.model and after.cache not in CACHE_HITS
