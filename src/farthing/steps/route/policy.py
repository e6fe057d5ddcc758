"""What settings say of the choice for one call: its task's rules, its feature's, then those of all."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from farthing.model.call import Call
from farthing.model.money import Nano, nano_from_dollars
from farthing.settings import RoutingSettings, TaskRoutingSettings


class Policy(msgspec.Struct, frozen=True):
    """The rules of one call."""

    floor: float
    """Least quality, as a share of the flagship's."""
    baseline: str = ""
    """The model that the feature used before; empty where nobody said."""
    allow: tuple[str, ...] = ()
    """Patterns of models; empty means all."""
    deny: tuple[str, ...] = ()
    lock: str = ""
    """A model or tier."""
    most_nano: Nano = 0
    """Most that the call may be expected to cost; 0 means no limit."""
    region: str = ""
    cascade: Literal["auto", "off", "always"] = "auto"
    textbook: bool = False
    by_prompt: bool = False
    """Whether the floor is kept over all calls, by what is foretold of each prompt."""

    def forbids(self, model: str) -> bool:
        return _matches(model, self.deny) or bool(self.allow and not _matches(model, self.allow))


class Policies:
    """Policies by task and feature. There are as many as settings name, so each is made once."""

    def __init__(self, settings: RoutingSettings) -> None:
        self._settings = settings
        self._made: dict[tuple[str, str], Policy] = {}

    def of(self, call: Call) -> Policy:
        """The policy of `call`."""
        return self.of_work(call.task, call.principal.feature)

    def of_work(self, task: str, feature: str) -> Policy:
        """The policy of all calls of a task and feature."""
        task = task if task in self._settings.tasks else ""
        feature = feature if feature in self._settings.features else ""
        policy = self._made.get((task, feature))
        if policy is None:
            policy = self._made[task, feature] = self._make(task, feature)
        return policy

    def _make(self, task: str, feature: str) -> Policy:
        settings = self._settings
        rules = settings.tasks.get(task) or TaskRoutingSettings()
        of_feature = settings.features.get(feature)
        floors = (rules.quality_floor, of_feature.quality_floor if of_feature is not None else None)
        return Policy(
            floor=max((floor for floor in floors if floor is not None), default=settings.quality_floor),
            baseline=of_feature.baseline if of_feature is not None else "",
            allow=tuple(rules.models), deny=(*settings.deny, *rules.deny), lock=rules.lock,
            most_nano=nano_from_dollars(rules.max_dollars), region=rules.region, cascade=rules.cascade,
            textbook=settings.table == "textbook", by_prompt=settings.table == "by-prompt",
        )  # fmt: skip


def _matches(model: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)
