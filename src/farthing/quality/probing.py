"""The way back of a model that was demoted: it is looked at again now and then, in probes with ever longer waits between.

Waits are counted in drawn calls of the work that it is out of, so they follow the traffic and what is spent on looking.
A probe has a share of those calls, and goes on until the model was worse three times before it was not worse forty times
in a row; then the next wait is twice as long. Who gets to forty is tested anew, on what comes from then on, with a larger
share, until it comes back or falls again. So looking at a model that stays bad costs less and less, and one that was
mended is found. Belongs to one process; after a restart waits begin anew. Knows nothing of how answers compare.
"""

from collections.abc import Callable, Sequence

from farthing.model.routes import Table

FIRST_WAIT, LONGEST_WAIT = 100, 10_000
"""Drawn calls until the first probe, and the most between two."""
STRIKES = 3
"""Comparisons in which it was worse that end a probe."""
MENDED = 40
"""Comparisons in a row, none of them worse, after which a demoted model's bad days count no more: it is tested anew, on
what comes then. A model that is worse in one of ten has such a row once in 700."""
PROBED, TESTED = 0.25, 0.5
"""Shares of the drawn calls: of a probe, and of the test of one that seems mended."""
MOST_KEPT = 20_000

Key = tuple[str, str, str]


class _Out:
    """A model that is out of some work."""

    __slots__ = ("row", "seems_mended", "strikes", "wait", "waits")

    def __init__(self) -> None:
        self.wait = FIRST_WAIT
        """How long the latest wait was."""
        self.waits = FIRST_WAIT
        """Drawn calls until the next probe; 0 in a probe."""
        self.strikes = 0
        self.row = 0
        self.seems_mended = False

    def heard(self, difference: float) -> None:
        self.row = 0 if difference < 0 else self.row + 1
        if self.row >= MENDED:
            self.seems_mended, self.strikes, self.row = True, 0, 0
        self.strikes += difference < 0
        if self.strikes >= STRIKES:
            self.seems_mended, self.strikes = False, 0
            self.wait = self.waits = min(LONGEST_WAIT, 2 * self.wait)


class Probing:
    """See the module. `table` is the one that holds."""

    def __init__(self, table: Callable[[], Table]) -> None:
        self._table = table
        self._out: dict[Key, _Out] = {}

    def share(self, tenant: str, scopes: Sequence[str], model: str) -> float | None:
        """How likely the model is to be asked about a drawn call of this work; None if it is not demoted there. Each
        call counts as one that was drawn."""
        table = self._table()
        cell = table.cell(tenant, tuple(scopes), model)
        if cell is None or cell.state != "demoted":
            for scope in scopes:
                self._out.pop((tenant, scope, model), None)
            return None
        out = self._of((tenant, _scope(table, tenant, scopes, model), model))
        if out.waits > 0:
            out.waits -= 1
            return 0.0
        return TESTED if out.seems_mended else PROBED

    def heard(self, tenant: str, scopes: Sequence[str], model: str, difference: float) -> None:
        """The model was compared with the flagship on a call of this work."""
        for scope in scopes:
            out = self._out.get((tenant, scope, model))
            if out is not None and not out.waits:
                out.heard(difference)

    def _of(self, key: Key) -> _Out:
        out = self._out.get(key)
        if out is None:
            if len(self._out) >= MOST_KEPT:
                del self._out[next(iter(self._out))]
            out = self._out[key] = _Out()
        return out


def _scope(table: Table, tenant: str, scopes: Sequence[str], model: str) -> str:
    """The narrowest scope that it is demoted in."""
    for scope in scopes:
        cell = table.cells.get((tenant, scope), {}).get(model)
        if cell is not None and cell.state == "demoted":
            return scope
    return scopes[-1]
