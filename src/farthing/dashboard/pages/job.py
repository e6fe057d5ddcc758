"""One job: how its lines stand, what went wrong, which calls they were, where its batches are; to cancel and to promote."""

from typing import NamedTuple

from farthing.batch.expecting import Expected, expected
from farthing.dashboard.batch import away, handed, lines, steer
from farthing.dashboard.formats import count, duration, money, percent
from farthing.dashboard.page import Action, Page, Values
from farthing.dashboard.table import Column, Row, Table
from farthing.dashboard.view import View
from farthing.gateway.guard import EDITOR, VIEWER
from farthing.model.batch import JOB_ENDS, Job, Line, Shard
from farthing.model.errors import NotFound
from farthing.store.batch import jobs, standing
from farthing.store.batch import lines as stored
from farthing.store.batch.standing import Part
from farthing.store.engine import Connection
from farthing.store.sealing import Wrapping, wrapping

MOST_SHARDS = 20
PROBLEM_COLUMNS = (
    Column("code", "Code"),
    Column("line", "Line", "exact", "Empty: the whole."),
    Column("param", "Field"),
)


class Found(NamedTuple):
    """Read from the store in one go."""

    job: Job
    parts: list[Part]
    failed: list[Line]
    answered: list[Line]
    shards: list[Shard]
    expected: Expected | None


async def read(view: View) -> Values:
    """Raises NotFound."""
    wrapped = wrapping(view.sources.settings.batch.encryption_key.reveal())
    found = await view.read(lambda connection: _read(connection, view, wrapped))
    if found is None:
        raise NotFound("There is no such job.\nIt may be another tenant's, or was deleted by its client.")
    job = found.job
    return {
        "job": job, "origin": handed.ORIGINS.get(job.origin, job.origin), "may": handed.buttons(job), "share": handed.share(job),
        "tiles": _tiles(view, found), "state": _state(view, job), "back": view.href("/batch"),
        "facts_": _facts(view, job),
        "parts": lines.parts(found.parts), "errors": lines.errors(found.failed, found.parts),
        "failed": lines.listed(view, "failed", "The first lines that failed", found.failed, "No line failed.", "Each leads to its call in the ledger."),
        "answered": lines.listed(view, "answered", "The first lines that were answered", found.answered, "No line has an answer yet."),
        "shards": away.shards("shards", "Its batches at providers", found.shards, view.now_us, "None of its lines went in a batch."),
        "problems": Table("problems", "Why it was refused", PROBLEM_COLUMNS, [Row((each.code, each.line or None, each.param or None), mark="bad") for each in job.errors]),
    }  # fmt: skip


def _read(connection: Connection, view: View, wrapped: Wrapping) -> Found | None:
    job = jobs.get(connection, view.params["job_id"][:64], tenant=view.tenant)
    if job is None or job.expires_us == jobs.DELETED_US:
        return None
    whole = "table" in view.params
    failed = (
        stored.results(connection, job.id, -1, lines.IN_FILE if whole else lines.FAILED, ("failed", "expired"), wrapping=wrapped, lenient=True) if job.failed + job.expired else []
    )  # fmt: skip
    answered = (
        stored.results(
            connection,
            job.id,
            -1,
            lines.IN_FILE if whole else lines.ANSWERED,
            ("done",),
            wrapping=wrapped,
            lenient=True,
        )
        if job.done
        else []
    )
    return Found(
        job, standing.parts_of(connection, job.id), failed, answered, standing.shards_of(connection, job.id, MOST_SHARDS),
        expected(connection, job, view.now_us),
    )  # fmt: skip


def _tiles(view: View, found: Found) -> list[dict[str, str]]:
    job, over = found.job, found.job.state in JOB_ENDS
    left = job.deadline_us - view.now_us
    held = (
        f"at most {money(job.held)} more is held for lines that are with providers" if job.held else "nothing is held"
    )
    cap = f"; its cap is {money(job.cap)}" if job.cap else ""
    saved = job.baseline - job.cost
    if over:
        ended = {"title": "Ended", "value": handed.clock(job.ended_us, view.now_us) if job.ended_us else "?", "note": f"{duration(job.ended_us - job.created_us)} after it was handed in"}  # fmt: skip
    else:
        sure = f"nine in ten such jobs by {handed.clock(found.expected.sure_us, view.now_us)} UTC" if found.expected else "nothing can be told yet"  # fmt: skip
        ended = {"title": "Expected to end", "value": handed.clock(found.expected.likely_us, view.now_us) if found.expected else "?", "note": sure}  # fmt: skip
    return [
        {"title": "Lines ended", "value": f"{count(job.ended)} of {count(job.total)}", "note": f"{count(job.done)} answered, {count(job.failed)} failed, {count(job.expired)} expired, {count(job.cancelled)} cancelled", "state": "warn" if job.failed + job.expired else ""},
        {"title": "Cost so far", "value": money(job.cost), "note": f"{held}{cap}"},
        {"title": "Saved so far", "value": money(saved), "note": f"of {money(job.baseline)} as it was sent, {percent(saved / job.baseline)}" if job.baseline else "by all levers", "state": "good" if saved > 0 else ""},
        _deadline(job, left, over=over, now_us=view.now_us),
        ended,
    ]  # fmt: skip


def _deadline(job: Job, left: int, *, over: bool, now_us: int) -> dict[str, str]:
    tile = {"title": "Deadline", "value": handed.clock(job.deadline_us, now_us)}
    if over:
        met = job.ended_us <= job.deadline_us and not job.expired
        note = "met" if met else "missed" if job.state != "cancelled" else "cancelled before"
        return {**tile, "note": note, "state": "good" if met and job.state == "finished" else "bad" if note == "missed" else ""}  # fmt: skip
    return {**tile, "note": f"in {duration(left)}" if left > 0 else f"{duration(-left)} ago: it is late", "state": "" if left > 0 else "bad"}  # fmt: skip


def _state(view: View, job: Job) -> str:
    late = job.state not in JOB_ENDS and view.now_us > job.deadline_us
    return "bad" if late or job.state in ("failed", "expired") else "good" if job.state == "finished" else "warn" if job.state == "cancelling" else ""  # fmt: skip


def _facts(view: View, job: Job) -> list[tuple[str, str, str]]:
    """Name, value, where it leads."""
    said = [
        ("Name", job.name, ""), ("Format", job.wire, ""), ("Key", job.key_id, view.calls(key=job.key_id) if job.key_id else ""),
        ("Priority", str(job.priority) if job.priority else "", ""), ("Input file", job.input_file, ""), ("Posted to", job.webhook, ""),
        *((name, value, "") for name, value in sorted(job.metadata.items())),
    ]  # fmt: skip
    return [fact for fact in said if fact[1]]


PAGE = Page(
    "job", f"{handed.PATH}/{{job_id}}", "Job", VIEWER, read, filters=(), live=True,
    actions={"cancel": Action(EDITOR, steer.cancel), "promote": Action(EDITOR, steer.promote)},
)  # fmt: skip
