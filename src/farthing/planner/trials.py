"""The replays that a plan is made of, each done once: nothing switched on, each lever alone, all together, all but each.

Knows nothing of what is made of them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from farthing.model.arms import MODEL_SELECTION
from farthing.model.past import PastCall
from farthing.planner.levers import Lever, switched
from farthing.planner.replay.alike import Judged
from farthing.planner.replay.readers import Kept, Reading
from farthing.planner.replay.run import Came, replay_with
from farthing.planner.replay.several import Trial, at_once, processes_for
from farthing.planner.replay.world import settings_for
from farthing.planner.unproved import without_floors
from farthing.settings import Settings

Hear = Callable[[str, int, int], None]
"""Hears what is tried, and how many of how many calls were asked."""


class Try(NamedTuple):
    """What is switched on."""

    levers: tuple[Lever, ...] = ()
    budgets: bool = False
    """Those of the settings hold."""
    floors: bool = True
    """Whether models must be good enough."""

    @property
    def key(self) -> tuple[object, ...]:
        return (*(each.name for each in self.levers), self.budgets, self.floors)


class Tries(NamedTuple):
    """Those of a lever."""

    under: Try
    """What it is put on top of."""
    alone: Try
    without: Try
    """All but it, and those that need it."""


def tries_of(lever: Lever, levers: Sequence[Lever]) -> Tries:
    below = tuple(each for each in levers if each.name == lever.on_top_of)
    others = tuple(each for each in levers if each is not lever and each.on_top_of != lever.name)
    return Tries(Try(below), Try((*below, lever)), Try(others))


def all_tries(levers: Sequence[Lever], *, budgets: bool) -> list[Try]:
    """Of a whole plan, those first that take longest."""
    every = tuple(levers)
    found = [Try(every)]
    if any(each.name == MODEL_SELECTION for each in levers):
        found.append(Try(every, floors=False))
    by_lever = [tries_of(each, levers) for each in levers]
    found += [each.without for each in by_lever]
    found += [one for each in by_lever for one in (each.alone, each.under)]
    found.append(Try())
    if budgets:
        found += [Try(every, budgets=True), Try(budgets=True)]
    return list({each.key: each for each in found}.values())


class Trials:
    """See the module. `base` changes the settings before any lever."""

    def __init__(
        self, calls: Sequence[PastCall], own: Settings | None, base: Callable[[Settings], Settings], encoder: Kept | None,
        hear: Hear,
    ) -> None:  # fmt: skip
        self._calls = calls
        self._own = own
        self._base = base
        self._encoder = encoder
        self._hear = hear
        self._reading = Reading(encoder, Judged(calls) if encoder is not None else None)
        self._known: dict[tuple[object, ...], list[Came | None]] = {}

    async def of(self, what: str, wanted: Try) -> list[Came | None]:
        """What each call comes to; `what` is told to people. Raises StoreError, SettingsError, TimeoutError."""
        if wanted.key not in self._known:
            trial = self._trial(wanted)
            self._known[wanted.key] = await replay_with(
                self._calls, trial.settings, lambda done: self._hear(what, done, len(self._calls)), self._reading,
                budgets=trial.budgets,
            )  # fmt: skip
        return self._known[wanted.key]

    async def ahead(self, tries: Sequence[Try], most: int) -> None:
        """Do these before they are asked for, in at most so many processes; where one alone would be no slower, do nothing."""
        processes = min(most, processes_for(self._calls, len(tries)))
        if processes < 2:
            return
        total = len(self._calls) * len(tries)
        what = f"asking {len(tries)} times, {processes} at once"
        came = await at_once(
            self._calls, [self._trial(each) for each in tries], processes, self._encoder,
            lambda done: self._hear(what, done, total),
        )  # fmt: skip
        self._known.update({one.key: found for one, found in zip(tries, came, strict=True) if found is not None})

    def _trial(self, wanted: Try) -> Trial:
        settings = self._base(settings_for(self._calls, self._own, budgets=wanted.budgets))
        return Trial(switched(settings if wanted.floors else without_floors(settings), wanted.levers), wanted.budgets)
