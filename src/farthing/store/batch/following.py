"""Lines that ask the same as one that is with a provider wait for its answer."""

from collections.abc import Sequence

from farthing.model.batch import Line
from farthing.store.batch import moves
from farthing.store.batch.rows import HELD, LINES, Key, line_of, marks, parts
from farthing.store.engine import Connection


def leaders(connection: Connection, tenant: str, digests: Sequence[bytes]) -> dict[bytes, Line]:
    """Lines of the tenant with these digests that are with a provider."""
    found: dict[bytes, Line] = {}
    for some in parts(sorted({each.hex() for each in digests if each})):
        rows = connection.query(
            f"SELECT {LINES} FROM batch_lines WHERE state = 'sent' AND digest <> '' AND tenant = ? AND digest IN ({marks(len(some), '?')})",
            (tenant, *some),
        )
        for row in rows:
            line, _ = line_of(row)
            found.setdefault(line.digest, line)
    return found


def follow(connection: Connection, lines: Sequence[tuple[Line, Key]], until_us: int) -> list[Line]:
    """Lines that were taken wait for the answer of another one, which is with a provider, but no longer than `until_us`. When
    it has one they are taken again, and name it (`leader`). Those whose leader is not with a provider any more, which are
    returned, stay with their holder, as do those of which the holder has lost hold."""
    with connection.transaction():
        moves.lock_jobs(connection, [*(line.job for line, _ in lines), *(job for _, (job, _) in lines)])
        stored = moves.lock_lines(connection, [*((line.job, line.no) for line, _ in lines), *(key for _, key in lines)])
        left = []
        for line, leader in lines:
            mine, other = stored.get((line.job, line.no)), stored.get(leader)
            if (
                mine is None or other is None or other.line.state != "sent" or other.line.tenant != line.tenant
                or mine.line.state != "waiting" or not moves.is_as(mine.line, line)
            ):  # fmt: skip
                left.append(line)
                continue
            connection.execute(
                f"UPDATE batch_lines SET queue = {HELD}, holder = '', ready_us = ?, leader = ?, leader_no = ? "
                "WHERE job = ? AND no = ?",
                (until_us, *leader, line.job, line.no),
            )
        return left
