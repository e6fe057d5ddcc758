"""How far work is that takes a while and that people may watch: said by whoever does it, read by any gateway of the store.
Knows nothing of what the work is."""

import msgspec

from farthing.store.engine import Connection

SILENT_US = 60_000_000
"""Work that said nothing for so long has been broken off."""


class Work(msgspec.Struct, frozen=True):
    """Work under way. Times in microseconds since 1970, by the clock of who does it."""

    name: str
    """Of its own in the store."""
    tenant: str
    label: str
    """For people."""
    done: int
    whole: int
    """Of which `done` is a part, in any unit."""
    begun_us: int
    at_us: int
    """When it said so."""


def say(connection: Connection, work: Work) -> None:
    """It is that far, from now on."""
    with connection.transaction():
        connection.execute("DELETE FROM progress WHERE name = ?", (work.name,))
        connection.insert("progress", Work.__struct_fields__, [msgspec.structs.astuple(work)])


def end(connection: Connection, name: str) -> None:
    """It is done, or given up."""
    connection.execute("DELETE FROM progress WHERE name = ?", (name,))


def under_way(connection: Connection, tenant: str, now_us: int) -> list[Work]:
    """What a tenant may see of it, the oldest first."""
    rows = connection.query(
        "SELECT name, tenant, label, done, whole, begun_us, at_us FROM progress WHERE tenant = ? AND at_us > ? "
        "ORDER BY begun_us, name",
        (tenant, now_us - SILENT_US),
    )
    return [Work(*row) for row in rows]
