"""What a job may cost at most, by its own cap: what is spent, what its lines that are under way can cost, and what the next one
can. A line that fits in only when others have come back cheaper waits for that; one that cannot fit any more has failed.
"""

from collections.abc import Iterable
from typing import NamedTuple

from farthing.batch.desk import Desk
from farthing.batch.settling import Outcome
from farthing.model.batch import Line
from farthing.model.errors import BudgetExceeded
from farthing.model.money import Nano, exact_dollars
from farthing.store.batch import jobs
from farthing.wire import FORMATS


class Capped(NamedTuple):
    """Lines of one job, by what is to become of them."""

    fit: list[Line]
    wait: list[Line]
    failed: list[Outcome]


async def within_cap(desk: Desk, job_id: str, wanted: Iterable[tuple[Line, Nano]]) -> Capped:
    """`wanted`: lines with what each can cost at worst. Another gateway may take the room that is found here: it is taken in the
    transaction that sends the lines. Raises StoreError."""
    job = await desk.store.do(lambda connection: jobs.get(connection, job_id))
    if job is None or not job.cap:
        return Capped([line for line, _ in wanted], [], [])
    out = job.held
    left = job.cap - job.cost - out
    found = Capped([], [], [])
    for line, worst in wanted:
        if worst <= left:
            left -= worst
            out += worst
            found.fit.append(line)
        elif out:
            found.wait.append(line)
        else:
            found.failed.append(_too_dear(desk, line, job.wire, job.cap))
    return found


def _too_dear(desk: Desk, line: Line, wire: str, cap: Nano) -> Outcome:
    error = BudgetExceeded(
        f"The job may cost ${exact_dollars(cap)} at most, and there is too little of it left for this line.",
        budget="job", payment_required=True,
    )  # fmt: skip
    return Outcome(line, "", "failed", error.status, FORMATS[wire].error(error, desk.new_id()))
