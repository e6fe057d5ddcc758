"""The choice among models that can serve a call: the cheapest that is shown to be good enough, else the safe one.

Safe is the first candidate of the highest tier there is: what quality is compared with, when it may serve. Pure; knows
nothing of requests, policy or how the table came about.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from farthing.model.money import Nano
from farthing.model.routes import TIERS, Cell, Table, Tier

TEXTBOOK: dict[str, Tier] = {
    "classification": "small", "extraction": "small", "summarisation": "mid", "qa": "mid",
    "reasoning": "flagship", "creative": "flagship", "code": "flagship",
}  # fmt: skip
"""What is commonly advised. It is kept for comparison: on public outcomes it costs half as much again as the mid tier for
everything, and answers little better. Other work goes to the flagship."""


class Candidate(NamedTuple):
    model: str
    tier: Tier
    cost: Nano
    """What the call is expected to cost there, with this model's own length of answers."""


class Finer(NamedTuple):
    """What is foretold of one prompt, beyond its task's mean."""

    gaps: Mapping[str, float]
    """By model: score less the flagship's, on the safe side. A model that is not named is not chosen by it."""
    worth: float
    """What a nano-dollar is worth in score: set on calibration data so that quality over all calls keeps the floor."""


class Choice(NamedTuple):
    model: str
    cell: Cell | None
    """What is known of the model; None for the safe one."""
    runner_up: str
    """What would have been next; empty if there was one candidate."""
    why: str
    rejected: tuple[tuple[str, str], ...] = ()
    """Cheaper models, and what keeps each from serving."""


def choose(
    table: Table, candidates: Sequence[Candidate], tenant: str, scopes: tuple[str, ...], floor: float, *,
    task: str = "", textbook: bool = False, finer: Finer | None = None,
) -> Choice:  # fmt: skip
    """The model for a call; `scopes` from the narrowest, `floor` as a share of the flagship's quality.

    `finer` decides by the prompt where it was calibrated for this floor; where it is None the table decides.
    Raises ValueError without candidates.
    """
    if not candidates:
        raise ValueError("there is no candidate to choose from")
    safe = _safe(candidates)
    if len(candidates) == 1:
        return Choice(safe.model, None, "", f"{safe.model} is the only model that fits")
    if textbook:
        return _by_textbook(candidates, safe, task)
    if finer is not None:
        return _by_prompt(table, candidates, safe, tenant, scopes, floor, finer)
    return _by_table(table, candidates, safe, tenant, scopes, floor)


def _by_table(
    table: Table, candidates: Sequence[Candidate], safe: Candidate, tenant: str, scopes: tuple[str, ...], floor: float
) -> Choice:  # fmt: skip
    best: Candidate | None = None
    best_cell: Cell | None = None
    next_best = safe
    rejected: list[tuple[str, str]] = []
    for each in sorted(candidates, key=_cost):
        if each.cost >= safe.cost:
            break
        cell = table.cell(tenant, scopes, each.model)
        if cell is None or cell.state == "demoted" or (cell.lower < floor and cell.state != "locked"):
            rejected.append((each.model, _refusal(cell, floor)))
        elif best is None:
            best, best_cell = each, cell
        else:
            next_best = each
            break
    refused = tuple(rejected)
    if best is None or best_cell is None:
        said = f"; {rejected[0][0]}: {rejected[0][1]}" if rejected else ""
        return Choice(safe.model, None, _other(candidates, safe), f"{safe.model}: {_nothing(rejected)}{said}", refused)
    why = f"{best.model} is the cheapest that keeps {floor:.1%}: {_shown(best_cell)}"
    return Choice(best.model, best_cell, next_best.model, why, refused)


def _by_prompt(
    table: Table, candidates: Sequence[Candidate], safe: Candidate, tenant: str, scopes: tuple[str, ...],
    floor: float, finer: Finer,
) -> Choice:  # fmt: skip
    """The most score for the money, with money at the worth that keeps the floor over all calls."""
    ranked: list[tuple[float, Candidate, Cell | None]] = []
    rejected: list[tuple[str, str]] = []
    for each in candidates:
        if each.model == safe.model:
            ranked.append((-finer.worth * each.cost, each, None))
            continue
        gap = finer.gaps.get(each.model)
        cell = table.cell(tenant, scopes, each.model)
        if cell is not None and cell.state == "demoted":
            rejected.append((each.model, _refusal(cell, floor)))
        elif gap is not None:
            ranked.append((gap - finer.worth * each.cost, each, cell))
    ranked.sort(key=_rank)
    chosen, cell = ranked[0][1], ranked[0][2]
    gap = finer.gaps.get(chosen.model, 0.0) if chosen.model != safe.model else 0.0
    other = ranked[1][1].model if len(ranked) > 1 else ""
    why = f"{chosen.model} gives the most for its cost on such a prompt, {gap:+.1%} foretold; {floor:.1%} is kept over all calls"
    return Choice(chosen.model, cell, other, why, tuple(rejected))


def _by_textbook(candidates: Sequence[Candidate], safe: Candidate, task: str) -> Choice:
    wanted: Tier = TEXTBOOK.get(task, "flagship")
    at_least = TIERS.index(wanted)
    fitting = [each for each in candidates if TIERS.index(each.tier) >= at_least]
    best = min(fitting, key=lambda each: (TIERS.index(each.tier), each.cost), default=safe)
    return Choice(
        best.model, None, _other(candidates, best), f"{best.model}: the textbook has {wanted} for {task or 'such'} work"
    )


def _safe(candidates: Sequence[Candidate]) -> Candidate:
    best = candidates[0]
    for each in candidates:
        if each.tier != best.tier and (each.tier == "flagship" or best.tier == "small"):
            best = each
    return best


def _cost(candidate: Candidate) -> Nano:
    return candidate.cost


def _rank(ranked: tuple[float, Candidate, Cell | None]) -> tuple[float, Nano]:
    return (-ranked[0], ranked[1].cost)


def _other(candidates: Sequence[Candidate], chosen: Candidate) -> str:
    return next((each.model for each in candidates if each.model != chosen.model), "")


def _shown(cell: Cell) -> str:
    return f"{cell.quality:.1%} of the flagship's quality, at least {cell.lower:.1%} ({cell.state})"


def _refusal(cell: Cell | None, floor: float) -> str:
    if cell is None:
        return "its quality is not known"
    if cell.state == "demoted":
        return "demoted: it was found worse than its floor"
    return f"{cell.lower:.1%} is shown, {floor:.1%} is the floor"


def _nothing(rejected: Sequence[tuple[str, str]]) -> str:
    return "no cheaper model is shown to be good enough" if rejected else "no other model is cheaper"
