"""Posts to be made when jobs have ended: durable, made by one gateway at a time, tried again later where they fail."""

import msgspec

from farthing.store.engine import Connection

ERROR_LENGTH = 200


class Post(msgspec.Struct, frozen=True):
    """One that is due."""

    job: str
    tenant: str
    url: str
    tries: int
    """So far."""


def add(connection: Connection, job: str, tenant: str, url: str) -> None:
    """Inside the transaction that adds the job."""
    connection.insert(
        "batch_webhooks", ("job", "tenant", "url", "tries", "next_us", "holder", "held_until_us", "error"),
        [(job, tenant, url, 0, 0, "", 0, "")],
    )  # fmt: skip


def due(connection: Connection, now_us: int, holder: str, until_us: int, limit: int) -> list[Post]:
    """Takes posts of jobs that have ended, until `until_us`; nobody else makes these meanwhile."""
    rows = connection.query(
        "SELECT w.job, w.tenant, w.url, w.tries FROM batch_webhooks w JOIN batch_jobs j ON j.id = w.job "
        "WHERE w.next_us <= ? AND w.held_until_us <= ? AND j.ended_us > 0 ORDER BY w.next_us, w.job LIMIT ?",
        (now_us, now_us, limit),
    )
    taken = []
    for job, tenant, url, tries in rows:
        changed = connection.execute(
            "UPDATE batch_webhooks SET holder = ?, held_until_us = ? WHERE job = ? AND held_until_us <= ?",
            (holder, until_us, job, now_us),
        )
        if changed:
            taken.append(Post(str(job), str(tenant), str(url), int(tries)))
    return taken


def done(connection: Connection, job: str) -> None:
    """It was received, or is given up."""
    connection.execute("DELETE FROM batch_webhooks WHERE job = ?", (job,))


def later(connection: Connection, job: str, next_us: int, error: str) -> None:
    """It was not received; try again then."""
    connection.execute(
        "UPDATE batch_webhooks SET tries = tries + 1, next_us = ?, held_until_us = 0, error = ? WHERE job = ?",
        (next_us, error[:ERROR_LENGTH], job),
    )


def waiting(connection: Connection) -> int:
    """How many are still to be made."""
    return int(connection.query("SELECT count(*) FROM batch_webhooks")[0][0])
