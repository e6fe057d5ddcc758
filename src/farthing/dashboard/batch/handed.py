"""Jobs as people see them: how far they are, what they cost so far, when they are expected to have ended."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from farthing.batch.expecting import Expected, expected
from farthing.dashboard.formats import count
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.model.batch import JOB_ENDS, Job
from farthing.store.batch import jobs, standing
from farthing.store.engine import Connection
from farthing.store.rollups import DAY_US

SHOWN, IN_FILE = 30, 1_000
FORETOLD = 10
"""Open jobs of a list whose end is foretold: it looks through their lines."""
LONGEST_NAME = 48
PATH = "/batch/jobs"
ORIGINS = {
    "openai": "batch API", "anthropic": "message batch", "call": "single call", "file": "command line", "schedule": "schedule",
}  # fmt: skip
COLUMNS = (
    Column("job", "Job"), Column("name", "Name", "prose"), Column("state", "State"), Column("progress", "Ended", "progress"),
    Column("lines", "Lines", "count"), Column("failed", "Failed", "count", "Those that expired too."), Column("cost", "Cost so far", "money"),
    Column("saved", "Saved so far", "money", "By all levers, against the lines as they were sent."), Column("deadline", "Deadline (UTC)", "moment"),
    Column("expected", "Expected (UTC)", "prose", "When it has ended: half of such jobs by the first moment, nine in ten by the second."),
)  # fmt: skip


class Jobs(NamedTuple):
    jobs: list[Job]
    expected: dict[str, Expected]
    single: bool
    """These are calls that wait, each a job of its own."""


def read(connection: Connection, view: View) -> Jobs:
    """Batches and files; single calls where these are asked for, or there is nothing else."""
    most = IN_FILE if "table" in view.params else SHOWN
    single = view.query.get("jobs") == "calls"
    found = [] if single else standing.handed_in(connection, view.tenant, most)
    if not found:
        of_calls = jobs.page(connection, tenant=view.tenant, origins=("call",), limit=most)
        found, single = of_calls, single or bool(of_calls)
    return Jobs(found, _foretold(connection, found, view.now_us), single)


def _foretold(connection: Connection, found: Sequence[Job], now_us: int) -> dict[str, Expected]:
    open_ = [job for job in found if job.state not in JOB_ENDS][:FORETOLD]
    known = ((job.id, expected(connection, job, now_us)) for job in open_)
    return {job_id: when for job_id, when in known if when is not None}


def table(view: View, found: Jobs) -> Table:
    rows = [row(view, job, found.expected) for job in found.jobs]
    title = "Calls that wait, or waited" if found.single else "Batches and files"
    note = f"The newest {SHOWN}; the file has up to {IN_FILE:,}." if len(rows) >= SHOWN else ""
    return Table("jobs", title, COLUMNS, rows, empty="None of this tenant.", note=note)


def row(view: View, job: Job, foretold: Mapping[str, Expected]) -> Row:
    over = job.state in JOB_ENDS
    late = not over and view.now_us > job.deadline_us
    values = (
        job.id, _short(job.name), "late" if late else job.state, share(job), job.total,
        job.failed + job.expired, job.cost, job.baseline - job.cost, job.deadline_us,
        f"ended {clock(job.ended_us, view.now_us)}" if over else when(foretold.get(job.id), view.now_us),
    )  # fmt: skip
    bad = late or job.state in ("failed", "expired")
    return Row(values, href=address(view, job.id), mark="bad" if bad else "quiet" if over else "")


def address(view: View, job_id: str) -> str:
    return view.href(f"{PATH}/{quote(job_id, safe='')}")


def share(job: Job) -> float | None:
    """Of its lines that have ended; None before it is known how many there are."""
    return min(1.0, job.ended / job.total) if job.total else None


def when(found: Expected | None, now_us: int) -> str | None:
    if found is None:
        return None
    likely, sure = clock(found.likely_us, now_us), clock(found.sure_us, now_us)
    same = found.likely_us // DAY_US == found.sure_us // DAY_US
    return likely if likely == sure else f"{likely} to {sure[-5:] if same else sure}"


def _short(name: str) -> str | None:
    return (name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…") or None


def clock(at_us: int, now_us: int) -> str:
    """Hours and minutes, with the day where it is another one."""
    at, now = (datetime.fromtimestamp(us / 1e6, UTC) for us in (at_us, now_us))
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%d %b %H:%M}"


def buttons(job: Job) -> dict[str, Any]:
    """What may be done with it, and with how many lines."""
    rest = max(0, job.total - job.ended)
    may_end = job.state in ("validating", "running")
    return {"id": job.id, "cancel": may_end, "promote": job.state == "running" and rest > 0, "rest": count(rest)}
