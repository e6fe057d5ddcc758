"""Several alerts of one cause are one incident, told once: the total, its feature, team and model jump together.

Findings about daily spending belong together if the same thing drives them (`cause`). Told is the one nearest to the
cause; the others are named in it, and keep states of their own.
"""

from collections.abc import Sequence

import msgspec

from farthing.finops.alerts.finding import SEVERITY, Finding
from farthing.store.alerts import Standing

SPENDING = ("day_spend", "unusual_spend", "young_spend")
NEAREST = ("feature", "model", "team", "user", "key", "total", "budget")
"""Kinds of scopes, the one that says most first."""


def incident_of(tenant: str, finding: Finding) -> str:
    """What findings of one cause have in common."""
    if finding.rule not in SPENDING:
        return ""
    kind, name = finding.driver if finding.driver != ("", "") else (finding.scope.kind, finding.scope.name)
    return "\0".join((tenant, finding.period, kind, name))


def first_of(standings: Sequence[Standing]) -> Standing:
    """The one that is told of an incident, with the others named in it."""
    best = min(standings, key=_rank)
    others = {scope_of(each) for each in standings} - {scope_of(best)}
    return msgspec.structs.replace(best, also=tuple(sorted(others)))


def _rank(standing: Standing) -> tuple[int, int, int, int, str]:
    """An alert that is over counts as what people were told of it."""
    state = standing.state if standing.state != "ok" else standing.told_state
    kind = NEAREST.index(standing.scope_kind) if standing.scope_kind in NEAREST else len(NEAREST)
    rule = SPENDING.index(standing.rule) if standing.rule in SPENDING else len(SPENDING)
    return -SEVERITY[state], kind, rule, -standing.at_stake, standing.id


def covers(known: Standing, news: Standing) -> bool:
    """Whether people who were told of `known` know enough to not be told of `news`, of the same incident."""
    return (
        known.told_us >= known.since_us > 0
        and known.state != "ok"
        and SEVERITY[known.told_state] >= SEVERITY[news.state]
        and news.at_stake < 2 * max(known.told_at_stake, 1)
    )


def scope_of(standing: Standing) -> str:
    """As people write it: feature agent."""
    return "total" if standing.scope_kind == "total" else f"{standing.scope_kind} {standing.scope or '(none)'}"
