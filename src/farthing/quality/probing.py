"""The way back of a model that went out, or that comparisons speak against: it is looked at again now and then, in probes
with ever longer waits between.

Waits are counted in drawn calls of the work that it is out of, so they follow the traffic and what is spent on looking.
A probe has a share of those calls, and goes on until enough speaks against the model; then the next wait is twice as long.
Who was not worse forty times in a row is tested anew, on what comes from then on, with a larger share and more patience,
until it comes back or falls again. So looking at a model that stays bad costs less and less, and one that was mended is
found.

What speaks against it is how often it was worse, less how often better, less one for twenty comparisons, and never below
nothing (a CUSUM): one that is worse in one of ten is out of its test after 90 comparisons, one that is worse in one of
fifty by a judge's errors stays in it. Belongs to one process; after a restart waits begin anew. Knows nothing of how answers compare.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from farthing.model.routes import Table

FIRST_WAIT, LONGEST_WAIT = 100, 10_000
"""Drawn calls until the first probe, and the most between two."""
STRIKES, MORE_STRIKES = 2.5, 4.5
"""What must speak against it to end a probe, and the test of one that seems mended."""
FORGIVEN = 0.05
"""How much less speaks against it after each comparison."""
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
        self.strikes = 0.0
        self.row = 0
        self.seems_mended = False

    def heard(self, difference: float) -> None:
        self.row = 0 if difference < 0 else self.row + 1
        self.seems_mended = self.seems_mended or self.row >= MENDED
        self.strikes = max(0.0, self.strikes - difference - FORGIVEN)
        if self.strikes >= (MORE_STRIKES if self.seems_mended else STRIKES):
            self.fell()

    def fell(self) -> None:
        self.seems_mended, self.strikes, self.row = False, 0.0, 0
        self.wait = self.waits = min(LONGEST_WAIT, 2 * self.wait)


class Probing:
    """See the module. `table` is the one that holds."""

    def __init__(self, table: Callable[[], Table]) -> None:
        self._table = table
        self._out: dict[Key, _Out] = {}

    def share(
        self, tenant: str, scopes: Sequence[str], model: str, floor: float, *, hopeless: bool = False
    ) -> float | None:  # fmt: skip
        """How likely the model is to be asked about a drawn call of this work; None if it is neither demoted there nor
        `hopeless`, nor went out, since it was in. Each call counts as one that was drawn."""
        table = self._table()
        cell = table.cell(tenant, tuple(scopes), model)
        demoted = cell is not None and cell.state == "demoted"
        if cell is not None and not demoted and cell.lower >= floor:
            for scope in scopes:
                self._out.pop((tenant, scope, model), None)
            return None
        key = tenant, _scope(table, tenant, scopes, model), model
        if not demoted and not hopeless and key not in self._out:
            return None
        out = self._of(key)
        if out.waits > 0:
            out.waits -= 1
            return 0.0
        return TESTED if out.seems_mended else PROBED

    def state(self, tenant: str, scope: str, model: str) -> Literal["", "waits", "probed", "tested"]:
        """How this process looks at a model that is out there; empty if it does not."""
        out = self._out.get((tenant, scope, model))
        if out is None:
            return ""
        return "waits" if out.waits > 0 else "tested" if out.seems_mended else "probed"

    def heard(self, tenant: str, scopes: Sequence[str], model: str, difference: float) -> None:
        """The model was compared with the flagship on a call of this work."""
        for scope in scopes:
            out = self._out.get((tenant, scope, model))
            if out is not None and not out.waits:
                out.heard(difference)

    def went_out(self, tenant: str, scope: str, model: str) -> None:
        """The model served there until now, and its bound does not clear the floor any more."""
        self._of((tenant, scope, model))

    def fell(self, tenant: str, scope: str, model: str) -> None:
        """The alarm found it worse there."""
        out = self._out.get((tenant, scope, model))
        if out is not None and not out.waits:
            out.fell()

    def _of(self, key: Key) -> _Out:
        out = self._out.get(key)
        if out is None:
            if len(self._out) >= MOST_KEPT:
                del self._out[next(iter(self._out))]
            out = self._out[key] = _Out()
        return out


def _scope(table: Table, tenant: str, scopes: Sequence[str], model: str) -> str:
    """The narrowest scope that it is demoted in; else the task."""
    for scope in scopes:
        cell = table.cells.get((tenant, scope), {}).get(model)
        if cell is not None and cell.state == "demoted":
            return scope
    return next((scope for scope in scopes if scope.startswith("task:")), scopes[-1])
