"""A decision in full: what was weighed, one line for each model, below the sentence that says what was chosen and why.

The ledger keeps it with the call; `farthing explain` shows it. Pure.
"""

from collections.abc import Mapping, Sequence

from farthing.model.money import exact_dollars
from farthing.model.routes import Cell, Table
from farthing.steps.route.choose import Candidate


def in_full(
    table: Table, candidates: Sequence[Candidate], removed: Mapping[str, str], tenant: str, scopes: tuple[str, ...],
    floor: float, runner_up: str,
) -> str:  # fmt: skip
    """The floor, each candidate with its price and bound, what removed the others, the runner-up."""
    lines = [f"floor: {floor:.1%} of the flagship's quality, by version {table.version} of the table"]
    for each in candidates:
        cell = table.cell(tenant, scopes, each.model)
        lines.append(f"{each.model}: {each.tier}, ${exact_dollars(each.cost)} expected, {_quality(cell, each, floor)}")
    lines += [f"removed: {model} ({why})" for model, why in removed.items()]
    if runner_up:
        lines.append(f"runner-up: {runner_up}")
    return "\n".join(lines)


def _quality(cell: Cell | None, candidate: Candidate, floor: float) -> str:
    if cell is None:
        return "needs no evidence" if candidate.tier == "flagship" else "quality not known"
    if cell.state in ("locked", "demoted"):
        return cell.state
    short = "" if cell.lower >= floor else ", below the floor"
    return f"at least {cell.lower:.1%} ({cell.state}){short}"
