"""The routing table and its proposals as people read them: each cell beside its floor, what a proposal brings in and takes
out, and what that does to the cost of calls like those of the last days. Pure; knows nothing of terminals and HTTP.

The effect is an expectation: both tables choose for each kind of work that was routed, at its mean size, as if each call
had asked for `auto` and every model could serve it; both choices are priced alike, by expected output.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from farthing.model.money import Nano
from farthing.model.routes import ANY, TASKS, TIERS, Table, Tier, scopes_of
from farthing.quality.proposals import Floors, Move, moves
from farthing.steps.route.choose import Candidate, choose
from farthing.steps.route.policy import Policies, Policy
from farthing.store.work import Work


class Shown(msgspec.Struct, frozen=True):
    """One cell, as a row."""

    tenant: str
    scope: str
    model: str
    tier: str
    quality: float
    """Share of the flagship's."""
    lower: float
    """What it is at least."""
    floor: float
    comparisons: float
    state: str
    may_serve: bool
    """Whether the model is chosen there if it is the cheapest that fits."""
    why: str


class Costs(Protocol):
    """What calls are expected to cost."""

    def expected(
        self, model: str, in_tokens: int, cached: int, tenant: str, scopes: tuple[str, ...], *, at_us: int
    ) -> Nano | None: ...


class Shift(msgspec.Struct, frozen=True):
    """Calls that would go to another model. Amounts are what all of them are expected to cost."""

    tenant: str
    task: str
    template: str
    feature: str
    calls: int
    model: str
    then: str
    before: Nano
    after: Nano


class Effect(msgspec.Struct, frozen=True):
    """What a proposal does to the cost of calls like those that were looked at."""

    routed: int
    """Calls that were routed."""
    unknown: int
    """Those of them of which nothing can be said: no tokens or no price is known."""
    before: Nano
    """What the others are expected to cost by the table that holds."""
    after: Nano
    shifts: list[Shift]


class Review(msgspec.Struct, frozen=True):
    """A proposal beside the table that holds."""

    comes_in: list[Move]
    goes_out: list[Move]
    other: int
    """Cells with other figures that cross no floor."""
    effect: Effect


def shown(table: Table, floors: Floors, tier_of: Callable[[str], str | None]) -> list[Shown]:
    """The table's cells, by tenant (all first), scope and tier."""
    rows = []
    for (tenant, scope), cells in table.cells.items():
        floor = floors(scope)[0]
        locked = any(cell.state == "locked" for cell in cells.values())
        for cell in cells.values():
            serves = cell.state == "locked" or (not locked and cell.state != "demoted" and cell.lower >= floor)
            rows.append(
                Shown(
                    tenant, scope, cell.model, tier_of(cell.model) or "", cell.quality, cell.lower, floor,
                    cell.observations, cell.state, serves, cell.why,
                )
            )  # fmt: skip
    return sorted(rows, key=_place)


def review(
    held: Table, proposed: Table, prior: Table, floors: Floors, works: Iterable[Work], tiers: Mapping[Tier, Sequence[str]],
    costs: Costs, policies: Policies, at_us: int,
) -> Review:  # fmt: skip
    """What changes, and what that does to calls like `works`."""
    old, new = held.over(prior), proposed.over(prior)
    found = moves(old, new, floors)
    crossing = {(each.tenant, each.scope, each.after.model) for each in found}
    changed = {
        (*place, model)
        for place, cells in proposed.cells.items()
        for model, cell in cells.items()
        if held.cells.get(place, {}).get(model) != cell
    }
    return Review(
        comes_in=[each for each in found if each.kind == "promote"],
        goes_out=[each for each in found if each.kind == "demote"],
        other=len(changed - crossing),
        effect=effect(old, new, works, tiers, costs, policies, at_us),
    )


def effect(
    old: Table, new: Table, works: Iterable[Work], tiers: Mapping[Tier, Sequence[str]], costs: Costs, policies: Policies,
    at_us: int,
) -> Effect:  # fmt: skip
    """See the module."""
    routed = unknown = before = after = 0
    shifts = []
    for each in works:
        if each.tier not in TIERS:
            continue
        routed += each.calls
        policy = policies.of_work(each.task, each.feature)
        scopes = scopes_of(each.template, each.task)
        candidates = _candidates(each, scopes, tiers, costs, policy, at_us)
        if not candidates:
            unknown += each.calls
            continue
        unknown += each.calls - each.counted
        here = _chosen(old, candidates, each, scopes, policy)
        there = _chosen(new, candidates, each, scopes, policy)
        before += here.cost * each.counted
        after += there.cost * each.counted
        if here.model != there.model:
            shifts.append(
                Shift(
                    each.tenant, each.task, each.template, each.feature, each.counted, here.model, there.model,
                    here.cost * each.counted, there.cost * each.counted,
                )
            )  # fmt: skip
    shifts.sort(key=lambda shift: shift.after - shift.before)
    return Effect(routed, unknown, before, after, shifts)


def _candidates(
    work: Work, scopes: tuple[str, ...], tiers: Mapping[Tier, Sequence[str]], costs: Costs, policy: Policy, at_us: int
) -> list[Candidate]:  # fmt: skip
    if not work.counted:
        return []
    size, cached = work.in_tokens // work.counted, work.cached_tokens // work.counted
    found = []
    for tier, models in tiers.items():
        for model in models:
            cost = costs.expected(model, size, min(cached, size), work.tenant, scopes, at_us=at_us)
            if cost is not None and not policy.forbids(model) and not 0 < policy.most_nano < cost:
                found.append(Candidate(model, tier, cost))
    return found


def _chosen(
    table: Table, candidates: Sequence[Candidate], work: Work, scopes: tuple[str, ...], policy: Policy
) -> Candidate:  # fmt: skip
    lock = policy.lock or table.lock(work.tenant, scopes)
    locked = [each for each in candidates if lock and lock in (each.model, each.tier)]
    if locked:
        return min(locked, key=lambda each: each.cost)
    choice = choose(
        table, candidates, work.tenant, scopes, policy.floor, task=work.task, textbook=policy.textbook
    )  # fmt: skip
    return next(each for each in candidates if each.model == choice.model)


def _place(row: Shown) -> tuple[object, ...]:
    task = row.scope.removeprefix("task:")
    kind = 2 if row.scope == ANY else 1 if row.scope.startswith("template:") else 0
    known = TASKS.index(task) if task in TASKS else len(TASKS)
    tier = TIERS.index(row.tier) if row.tier in TIERS else len(TIERS)
    return row.tenant != ANY, row.tenant, kind, known, row.scope, tier, row.model
