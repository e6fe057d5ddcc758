"""Who drives a jump: "91 % of the rise is feature agent on model x, user y". From sums over pairs, for today and usually.

Rises are counted among rises only: what falls elsewhere must not hide what grows. Knows nothing of rules.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from farthing.finops.alerts.finding import Finding, Scope
from farthing.finops.alerts.words import percent
from farthing.model.money import Nano

NOTABLE = 0.2
"""A smaller share of the rise is no driver."""
ALIKE = 2.0
"""A team's rise up to so many times a feature's, on the same model, is taken to be the same."""


class Change(NamedTuple):
    """What a pair spent today, and usually by this time of the day."""

    today: Nano
    usual: Nano

    @property
    def rise(self) -> Nano:
        return max(0, self.today - self.usual)


Pairs = Mapping[tuple[str, str], Change]


class Sums(NamedTuple):
    """The pairs that are kept."""

    feature_model: Pairs = {}
    user_feature: Pairs = {}
    team_model: Pairs = {}


class Driver(NamedTuple):
    kind: str
    name: str
    share: float
    """Of the rise."""


def explained(finding: Finding, sums: Sums) -> Finding:
    """The finding with its cause and driver, where the sums tell one."""
    drivers = _drivers(finding.scope, sums)
    if not drivers:
        return msgspec.structs.replace(finding, driver=(finding.scope.kind, finding.scope.name))
    feature = next((driver for driver in drivers if driver.kind == "feature"), None)
    root = (feature.kind, feature.name) if feature is not None else (finding.scope.kind, finding.scope.name)
    return msgspec.structs.replace(finding, cause=_said(finding.scope, drivers), driver=root)


def _drivers(scope: Scope, sums: Sums) -> list[Driver]:
    """From the widest to the narrowest, each within the one before; what the scope itself says is left out of the text."""
    if scope.kind == "total":
        feature = _largest("feature", ((a, change) for (a, _), change in sums.feature_model.items()))
        return [] if feature is None else [feature, *_within(feature.name, sums)]
    if scope.kind == "feature":
        return [Driver("feature", scope.name, 1.0), *_within(scope.name, sums)]
    if scope.kind == "model":
        rises = ((a, change) for (a, b), change in sums.feature_model.items() if b == scope.name)
        feature = _largest("feature", rises)
        return [] if feature is None else [feature, *_user(feature.name, sums)]
    if scope.kind == "user":
        feature = _largest("feature", ((b, change) for (a, b), change in sums.user_feature.items() if a == scope.name))
        return [] if feature is None else [feature, *_model(feature.name, sums)]
    if scope.kind == "team":
        return _of_team(scope.name, sums)
    return []


def _of_team(team: str, sums: Sums) -> list[Driver]:
    """No sums are kept of teams by feature: a feature that rose as much on the same model is taken for it."""
    model = _largest("model", ((b, change) for (a, b), change in sums.team_model.items() if a == team))
    if model is None:
        return []
    risen = sums.team_model[team, model.name].rise
    found = [
        (change.rise, a)
        for (a, b), change in sums.feature_model.items()
        if b == model.name and risen / ALIKE <= change.rise <= risen * ALIKE
    ]
    return [*([Driver("feature", max(found)[1], 0.0)] if found else []), model]


def _within(feature: str, sums: Sums) -> list[Driver]:
    return [*_model(feature, sums), *_user(feature, sums)]


def _model(feature: str, sums: Sums) -> list[Driver]:
    found = _largest("model", ((b, change) for (a, b), change in sums.feature_model.items() if a == feature))
    return [] if found is None else [found]


def _user(feature: str, sums: Sums) -> list[Driver]:
    found = _largest("user", ((a, change) for (a, b), change in sums.user_feature.items() if b == feature))
    return [] if found is None or not found.name else [found]


def _largest(kind: str, changes: Iterable[tuple[str, Change]]) -> Driver | None:
    """What rose most, if that is a notable part of all rises."""
    by_name: dict[str, Change] = {}
    for name, change in changes:
        so_far = by_name.get(name, Change(0, 0))
        by_name[name] = Change(so_far.today + change.today, so_far.usual + change.usual)
    rises = {name: change.rise for name, change in by_name.items() if change.rise > 0}
    if not rises:
        return None
    name = max(rises, key=lambda each: (rises[each], each))
    share = rises[name] / sum(rises.values())
    return Driver(kind, name, share) if share >= NOTABLE else None


def _said(scope: Scope, drivers: list[Driver]) -> str:
    parts = [driver for driver in drivers if driver.kind != scope.kind and driver.share > 0]
    if not parts:
        return ""
    first, *rest = parts
    tail = "".join(f", {percent(driver.share)} of that {_name(driver)}" for driver in rest)
    return f"{percent(first.share)} of the rise is {_name(first)}{tail}."


def _name(driver: Driver) -> str:
    return f"{driver.kind} {driver.name or '(none)'}"
