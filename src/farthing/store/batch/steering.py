"""What people do to jobs that wait: end one, have one done soon. Who did it is in the audit log, in the same transaction."""

from farthing.model.batch import JOB_ENDS, Job
from farthing.store import audit
from farthing.store.batch import jobs, moves
from farthing.store.batch.hurry import hurry
from farthing.store.engine import Connection

SOON_S = 90.0
"""Within which a job that is promoted is to be done."""


def cancel(connection: Connection, job_id: str, *, tenant: str, who: str, now_us: int) -> Job | None:
    """As `jobs.cancel`; a job that has ended, or is being cancelled, leaves no entry."""
    with connection.transaction():
        before = moves.lock_jobs(connection, [job_id]).get(job_id)
        done = jobs.cancel(connection, job_id, tenant=tenant, now_us=now_us)
        if done is not None and before is not None and before.state not in (*JOB_ENDS, "cancelling"):
            rest = max(0, before.total - before.ended)
            audit.note(connection, "job", job_id, "cancelled", tenant=before.tenant, who=who, open_lines=rest)
        return done


def promote(connection: Connection, job_id: str, *, tenant: str, who: str, now_us: int) -> int:
    """All lines that have not ended are due in `SOON_S` seconds, and so go as ordinary calls; how many had more time. None
    leaves no entry."""
    with connection.transaction():
        brought = hurry(connection, job_id, now_us + int(SOON_S * 1e6))
        if brought:
            audit.note(connection, "job", job_id, "promoted", tenant=tenant, who=who, lines=brought)
        return brought
