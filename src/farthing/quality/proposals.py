"""What new evidence changes in the table: which models come in where, which go out, and a table with some of that done.

A cell matters where it crosses a floor. Cells that cross upwards are promotions: they wait for a person, or are applied a
few at a time. Cells that cross downwards, or are found demoted, are demotions and never wait. What was once shown by
comparisons stays so while its bound only sways about the floor: bounds hold at any time, so the best one of them does, for
as long as the model is the one that was compared. Whether it is, the alarm watches. What a floor does not notice rides
along with the next promotion. Locked cells stay. Pure; knows nothing of the store.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from farthing.model.routes import ANY, Cell, Table

Floors = Callable[[str], Sequence[float]]
"""The floors that calls of a scope are held to, as shares of the flagship's quality."""


SWAY = 0.5
"""How far a bound may fall below a floor that it had cleared, as a share of the margin that the floor leaves. An alarm
for models that become worse does not wait for it."""


class Move(msgspec.Struct, frozen=True):
    """One cell that crosses a floor."""

    kind: Literal["promote", "demote"]
    tenant: str
    scope: str
    before: Cell | None
    after: Cell
    floor: float

    def __str__(self) -> str:
        """As one reads it in a review: `+ small-1 for task:qa (99.4 % >= 99 %): 412 comparisons`."""
        sign, compared = ("+", ">=") if self.kind == "promote" else ("-", "<")
        cell, whose = self.after, "" if self.tenant == ANY else f" of {self.tenant}"
        bound = f"at least {100 * cell.lower:.1f} %, {compared} {100 * self.floor:g} %"
        found = f", was {100 * self.before.lower:.1f} %" if self.before is not None else ""
        why = f": {cell.why}" if cell.why else ""
        return f"{sign} {cell.model} for {self.scope}{whose} ({bound}{found}; {cell.observations:.0f} comparisons){why}"


def moves(old: Table, new: Table, floors: Floors) -> list[Move]:
    """All that crosses a floor on the way from `old` to `new`: demotions first, then by how much evidence there is."""
    found = []
    for (tenant, scope), cells in new.cells.items():
        for after in cells.values():
            before = old.cells.get((tenant, scope), {}).get(after.model)
            if before is None:
                before = old.cell(tenant, (scope, *_wider(scope)), after.model)
            move = _move(tenant, scope, before, after, floors(scope))
            if move is not None:
                found.append(move)
    found += _gone(old, new, floors)
    return sorted(found, key=lambda each: (each.kind == "promote", -each.after.observations, each.scope))


def with_moves(old: Table, some: Iterable[Move]) -> Table:
    """`old` with these moves made, and all else as it was."""
    cells = {place: dict(found) for place, found in old.cells.items()}
    for move in some:
        cells.setdefault((move.tenant, move.scope), {})[move.after.model] = move.after
    return Table(cells=cells)


def refreshed(old: Table, new: Table, all_moves: Iterable[Move]) -> Table:
    """`old` with the new figures of cells that cross no floor."""
    crossing = {(each.tenant, each.scope, each.after.model) for each in all_moves}
    cells = {place: dict(found) for place, found in old.cells.items()}
    for (tenant, scope), found in new.cells.items():
        for model, cell in found.items():
            now = cells.get((tenant, scope), {}).get(model)
            stays = now is not None and now.state in ("locked", "demoted")
            if (tenant, scope, model) not in crossing and not stays:
                if now is not None and now.state == cell.state == "measured" and now.lower > cell.lower:
                    cell = msgspec.structs.replace(cell, lower=now.lower)
                cells.setdefault((tenant, scope), {})[model] = cell
    return Table(cells=cells)


def reason(some: Sequence[Move]) -> str:
    """The moves as a diff, one a line."""
    return "\n".join(map(str, some))


def _move(tenant: str, scope: str, before: Cell | None, after: Cell, floors: Sequence[float]) -> Move | None:
    if before is not None and before.state == "locked":
        return None
    was, now = _clears(before, floors), _clears(after, floors)
    if now > was and after.state == "measured":
        return Move("promote", tenant, scope, before, after, max(floor for floor in floors if after.lower >= floor))
    if now < was and before is not None and _sways(before, after, floors):
        return None
    newly_demoted = after.state == "demoted" and (before is None or before.state != "demoted")
    if now < was or newly_demoted:
        missed = [floor for floor in floors if after.lower < floor or after.state == "demoted"]
        return Move("demote", tenant, scope, before, after, min(missed, default=min(floors, default=0.0)))
    return None


def _clears(cell: Cell | None, floors: Sequence[float]) -> int:
    """How many floors it clears."""
    if cell is None or cell.state == "demoted":
        return 0
    return sum(cell.lower >= floor for floor in floors)


def _sways(before: Cell, after: Cell, floors: Sequence[float]) -> bool:
    """Whether nothing more happened to a measured cell than that its bound moved a little."""
    if before.state != "measured" or after.state != "measured":
        return False
    return all(after.lower >= floor - SWAY * (1 - floor) for floor in floors if before.lower >= floor)


def _gone(old: Table, new: Table, floors: Floors) -> list[Move]:
    """Measured cells that there is no evidence for any more, as when another version of the model runs."""
    found = []
    for (tenant, scope), cells in old.cells.items():
        for before in cells.values():
            if before.state != "measured" or before.model in new.cells.get((tenant, scope), {}):
                continue
            after = new.cell(tenant, (scope, *_wider(scope)), before.model) or Cell(before.model, before.quality, 0.0)
            after = msgspec.structs.replace(after, why="the evidence does not count any more")
            if _clears(after, floors(scope)) < _clears(before, floors(scope)):
                missed = [floor for floor in floors(scope) if after.lower < floor]
                found.append(Move("demote", tenant, scope, before, after, min(missed)))
    return found


def _wider(scope: str) -> tuple[str, ...]:
    return (ANY,) if scope != ANY else ()
