"""To end a job, and to have it done soon."""

from farthing.dashboard.forms import Form
from farthing.dashboard.view import View
from farthing.model.batch import JOB_ENDS, Job
from farthing.model.errors import BadRequest, NotFound
from farthing.store.batch import jobs, steering
from farthing.store.batch.steering import SOON_S


async def cancel(view: View, form: Form) -> str:
    """Lines that wait end now, those with a provider when they come back. Raises NotFound, BadRequest."""
    job = await _open_job(view, form)

    who, now_us = view.entered.who, view.now_us
    done = await view.read(lambda c: steering.cancel(c, job.id, tenant=view.tenant, who=who, now_us=now_us)) or job
    view.sources.nudge(job.id)
    left = _rest(done)
    return f"Job {job.id} is cancelled." if not left else f"Job {job.id} is being cancelled: {left:,} lines are with a provider, and end when they come back."  # fmt: skip


async def promote(view: View, form: Form) -> str:
    """All lines that have not ended are due soon, and so go as ordinary calls. Raises NotFound, BadRequest."""
    job = await _open_job(view, form)
    who, now_us = view.entered.who, view.now_us
    brought = await view.read(lambda c: steering.promote(c, job.id, tenant=view.tenant, who=who, now_us=now_us))
    view.sources.nudge(job.id)
    return f"{brought:,} line{'' if brought == 1 else 's'} of job {job.id} {'is' if brought == 1 else 'are'} due in {SOON_S:.0f} seconds, and so sent at once."  # fmt: skip


async def _open_job(view: View, form: Form) -> Job:
    job_id = form.get("id", "")[:64]
    job = await view.read(lambda connection: jobs.get(connection, job_id, tenant=view.tenant))
    if job is None:
        raise NotFound("There is no such job.")
    if job.state in JOB_ENDS:
        raise BadRequest(f"Job {job.id} has ended: it is {job.state}.", param="id")
    return job


def _rest(job: Job) -> int:
    return max(0, job.total - job.ended)
