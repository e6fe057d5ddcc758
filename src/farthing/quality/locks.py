"""An operator's word in the table: one model for a scope, whatever evidence says; and taking it back. Pure.

A lock is a cell in the state `locked`. It keeps the figures that were known, which show what the lock costs.
"""

import msgspec

from farthing.model.routes import Cell, Table


def with_lock(held: Table, known: Table, tenant: str, scope: str, model: str, why: str) -> Table:
    """`held` with `model` locked there. `known` says what is known of it; another lock of that scope ends."""
    former = _locked(held, tenant, scope)
    if former:
        held = without_lock(held, tenant, scope, former)
    before = known.cell(tenant, (scope,), model) or Cell(model, 0.0, 0.0)
    return _with(held, tenant, scope, model, msgspec.structs.replace(before, state="locked", why=why))


def without_lock(held: Table, tenant: str, scope: str, model: str, former: Cell | None = None) -> Table:
    """`held` without that lock; `former` is the cell that holds again. Raises ValueError if there is no such lock."""
    if _locked(held, tenant, scope) != model:
        raise ValueError(f"{model} is not locked for {scope}")
    return _with(held, tenant, scope, model, former)


def _locked(table: Table, tenant: str, scope: str) -> str:
    cells = table.cells.get((tenant, scope), {})
    return next((cell.model for cell in cells.values() if cell.state == "locked"), "")


def _with(table: Table, tenant: str, scope: str, model: str, cell: Cell | None) -> Table:
    cells = {place: dict(found) for place, found in table.cells.items()}
    here = cells.setdefault((tenant, scope), {})
    here.pop(model, None)
    if cell is not None:
        here[model] = cell
    if not here:
        del cells[tenant, scope]
    return Table(cells=cells)
