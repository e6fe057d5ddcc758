"""Lines that a gateway took and has lost sight of, since something failed between: they are free to be taken again."""

from collections.abc import Sequence

from farthing.store.batch.rows import HELD, Key, flat, marks, parts
from farthing.store.engine import Connection


def held_by(connection: Connection, holder: str) -> list[Key]:
    """All that it took or sends alone, as the store has it."""
    rows = connection.query(
        f"SELECT job, no FROM batch_lines WHERE queue > 1 AND queue = {HELD} AND holder = ?", (holder,)
    )
    return [(row[0], int(row[1])) for row in rows]


def let_go(connection: Connection, holder: str, keys: Sequence[Key], now_us: int) -> int:
    """They are the holder's no longer. How many."""
    count = 0
    for some in parts(sorted(keys)):
        count += connection.execute(
            f"UPDATE batch_lines SET ready_us = ? WHERE queue > 1 AND queue = {HELD} AND holder = ? "
            f"AND (job, no) IN (VALUES {marks(len(some))})",
            (now_us, holder, *flat(some)),
        )
    return count
