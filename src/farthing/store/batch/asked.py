"""Which job an ordinary call became, so that the same call, sent again, waits for that job instead of becoming another.

A client's call is the same by the name that it gives it (`Idempotency-Key`), or by what it asks. By what it asks alone it is
only taken for the same while nobody is known to wait for the job and its answer was given to nobody: two clients that ask
the same at the same time are two calls. All of it within one key of one tenant.
"""

from collections.abc import Sequence

import msgspec

from farthing.store.engine import Connection, Row

_COLUMNS = ("job", "tenant", "key_id", "digest", "content", "named", "holder", "held_until_us", "open_until_us")
_OVER = ("cancelling", "cancelled", "expired", "failed")
"""Jobs that nobody joins any more."""


class Asked(msgspec.Struct, frozen=True):
    """How a call is known again."""

    job: str
    tenant: str
    key_id: str
    digest: bytes
    """Of the name that its client gave it, or of what it asks."""
    content: bytes
    """Digest of what it asks."""
    named: bool
    """Whether its client gave it a name."""
    holder: str
    """Who holds a connection for it."""
    held_until_us: int
    """Until when somebody is taken to wait for it; whoever does renews that."""
    open_until_us: int
    """Until when it can be joined."""


def add(connection: Connection, asked: Asked) -> None:
    """Inside the caller's transaction. Raises Duplicate where its client has used the name already."""
    if asked.named:
        connection.execute(
            "DELETE FROM batch_asked WHERE tenant = ? AND key_id = ? AND digest = ? AND job IN "
            f"(SELECT id FROM batch_jobs WHERE state IN ({', '.join('?' * len(_OVER))}))",
            (asked.tenant, asked.key_id, asked.digest, *_OVER),
        )
    connection.insert("batch_asked", _COLUMNS, [_row(asked)])


def find(connection: Connection, tenant: str, key_id: str, digest: bytes, now_us: int) -> list[Asked]:
    """The jobs that may be joined, the oldest first."""
    rows = connection.query(
        f"SELECT {', '.join(f'a.{name}' for name in _COLUMNS)} FROM batch_asked a JOIN batch_jobs j ON j.id = a.job "
        "WHERE a.tenant = ? AND a.key_id = ? AND a.digest = ? AND a.open_until_us > ? "
        f"AND j.state NOT IN ({', '.join('?' * len(_OVER))}) ORDER BY j.created_us, a.job",
        (tenant, key_id, digest, now_us, *_OVER),
    )
    return [_asked(row) for row in rows]


def claim(connection: Connection, job: str, holder: str, now_us: int, until_us: int, *, again: bool) -> bool:
    """Wait for it from now on; False where somebody else does. `again`: it is known that it is the same client."""
    return connection.execute(
        "UPDATE batch_asked SET holder = ?, held_until_us = ? WHERE job = ? AND open_until_us > ? "
        "AND (held_until_us <= ? OR ? = 1)",
        (holder, until_us, job, now_us, now_us, int(again)),
    ) > 0  # fmt: skip


def renew(connection: Connection, holder: str, jobs: Sequence[str], until_us: int) -> None:
    """Their clients still wait."""
    for at in range(0, len(jobs), 500):
        some = jobs[at : at + 500]
        connection.execute(
            f"UPDATE batch_asked SET held_until_us = ? WHERE holder = ? AND job IN ({', '.join('?' * len(some))})",
            (until_us, holder, *some),
        )


def let_go(connection: Connection, job: str, holder: str) -> None:
    """Nobody waits for it any more."""
    connection.execute("UPDATE batch_asked SET held_until_us = 0 WHERE job = ? AND holder = ?", (job, holder))


def close(connection: Connection, jobs: Sequence[str], until_us: int) -> None:
    """Their answers were given: until then only the same client can have them again. Those with a name of their own stay
    as long as their answers are kept."""
    for job in jobs:
        connection.execute(
            "UPDATE batch_asked SET held_until_us = ?, open_until_us = CASE WHEN named = 1 THEN open_until_us ELSE ? END "
            "WHERE job = ?",
            (until_us, until_us, job),
        )


def drop_after(connection: Connection, job: str, at_us: int) -> None:
    """What it says and was answered is kept no longer than that."""
    connection.execute("UPDATE batch_jobs SET expires_us = ? WHERE id = ? AND expires_us > ?", (at_us, job, at_us))


def ended(connection: Connection, jobs: Sequence[str]) -> list[str]:
    """Those of the jobs that have ended."""
    found: list[str] = []
    for at in range(0, len(jobs), 500):
        some = jobs[at : at + 500]
        rows = connection.query(
            f"SELECT id FROM batch_jobs WHERE id IN ({', '.join('?' * len(some))}) AND ended_us > 0", some
        )
        found += [str(row[0]) for row in rows]
    return found


def prune(connection: Connection, now_us: int) -> int:
    """Forget what nobody can join any more."""
    return connection.execute("DELETE FROM batch_asked WHERE open_until_us <= ?", (now_us,))


def _row(asked: Asked) -> tuple[object, ...]:
    values = msgspec.structs.astuple(asked)
    return tuple(int(value) if isinstance(value, bool) else value for value in values)


def _asked(row: Row) -> Asked:
    job, tenant, key_id, digest, content, named, holder, held_until_us, open_until_us = row
    return Asked(job, tenant, key_id, bytes(digest), bytes(content), bool(named), holder, held_until_us, open_until_us)
