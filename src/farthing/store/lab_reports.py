"""Reports of the prompt lab that somebody wanted kept, as JSON. They hold the prompt's words, so nobody keeps them unasked. What
is in one is known elsewhere (`lab.report`).
"""

import msgspec

from farthing.store.engine import Connection
from farthing.store.rows import LONGEST_NAME, mended_text
from farthing.store.store import Store

KEPT = 100
"""Of a tenant; older ones go."""


class LabReport(msgspec.Struct, frozen=True):
    """One report."""

    no: int
    at_us: int
    name: str
    """Of the prompt."""
    model: str
    body: str
    """JSON."""


class LabReports:
    """The reports of a store. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, tenant: str, at_us: int, name: str, model: str, body: str) -> int:
        """Its number."""
        row = tenant, at_us, mended_text(name, LONGEST_NAME), mended_text(model, LONGEST_NAME), body
        return await self._store.do(lambda connection: _keep(connection, row))


def newest(connection: Connection, *, tenant: str = "", limit: int = 10) -> list[LabReport]:
    """The newest first; an empty tenant is all of them."""
    where, values = ("WHERE tenant = ? ", (tenant,)) if tenant else ("", ())
    rows = connection.query(
        f"SELECT no, at_us, name, model, body FROM lab_reports {where}ORDER BY no DESC LIMIT ?", (*values, limit)
    )
    return [LabReport(int(no), int(at_us), name, model, body) for no, at_us, name, model, body in rows]


def _keep(connection: Connection, row: tuple[str, int, str, str, str]) -> int:
    with connection.transaction():
        connection.lock(("lab_reports",))
        no = int(connection.query("SELECT coalesce(max(no), 0) + 1 FROM lab_reports")[0][0])
        connection.insert("lab_reports", ("no", "tenant", "at_us", "name", "model", "body"), [(no, *row)])
        connection.execute(
            "DELETE FROM lab_reports WHERE tenant = ? AND no NOT IN "
            "(SELECT no FROM lab_reports WHERE tenant = ? ORDER BY no DESC LIMIT ?)",
            (row[0], row[0], KEPT),
        )
    return no
