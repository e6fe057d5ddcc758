"""Jobs made of files of requests that lie in the store: what whoever hands one in says of it, and the job itself.

One way for the gateway's page, the command line and schedules. The file is kept as long as the job's results, since rows are
in it. Knows nothing of who may.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from farthing.batch.expecting import expected
from farthing.model.batch import JOB_ENDS, File, Job, Origin
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.steps.defer.asked import LONGEST_S, seconds_of
from farthing.steps.defer.handing import card
from farthing.store.batch import files, jobs, lines
from farthing.store.engine import Connection

BATCH = "batch"
"""Purpose of the files."""
PREFIX = "job-"
PRIORITY = 100
"""From minus to plus."""
NAME_LIMIT = 128
LEAST_S = 60.0


class Order(msgspec.Struct, frozen=True):
    """How the requests of a file are to be worked."""

    wire: str
    deadline_s: float
    name: str = ""
    priority: int = 0
    cap: Nano = 0
    """Most that it may cost; 0: no limit of its own."""
    headers: Mapping[str, str] = {}
    """As a call's: whose it is and what for."""


def seconds_until(text: str) -> float:
    """A deadline such as `6h`, in seconds. Raises BadRequest."""
    seconds = seconds_of(text.strip())
    if seconds is None or not LEAST_S <= seconds <= LONGEST_S:
        raise BadRequest(f"A deadline is a time such as 30m, 6h or 2d, from a minute to {LONGEST_S / 86_400:.0f} days.")
    return seconds


def job_of(
    order: Order, job_id: str, origin: Origin, file_id: str, tenant: str, now_us: int, keep_s: float, key_id: str = ""
) -> Job:  # fmt: skip
    """The job, to be added. Raises BadRequest."""
    if abs(order.priority) > PRIORITY:
        raise BadRequest(f"priority is from -{PRIORITY} to {PRIORITY}.", param="priority")
    if len(order.name) > NAME_LIMIT or not order.name.isprintable():
        raise BadRequest(f"name has at most {NAME_LIMIT} characters, all of them printable.", param="name")
    deadline_us = now_us + int(order.deadline_s * 1e6)
    return Job(
        job_id, origin, order.wire, tenant, now_us, deadline_us, key_id, dict(order.headers), priority=order.priority, name=order.name,
        input_file=file_id, cap=order.cap, expires_us=deadline_us + int(keep_s * 1e6),
    )  # fmt: skip


def add(connection: Connection, job: Job) -> None:
    """Hand it in. Raises Duplicate where it is there, BadRequest where its file is not."""
    with connection.transaction():
        file = files.info(connection, job.input_file, tenant=job.tenant)
        if file is None or not file.ready or file.purpose != BATCH:
            raise BadRequest("The file of requests is not there.", param="input_file_id")
        jobs.add(connection, job)
        files.finish(connection, job.input_file, expires_us=job.expires_us)


def a_file(file_id: str, tenant: str, name: str, now_us: int, key_id: str = "") -> File:
    """A file that is to be written; what is left of one that is never finished goes after a day."""
    return File(file_id, tenant, BATCH, name, now_us, key_id, expires_us=now_us + 86_400_000_000)


def standing(connection: Connection, job: Job, now_us: int) -> dict[str, Any]:
    """The job's card as it stands now, with its place in the queue, when it is expected to have ended, and why it failed."""
    now = jobs.get(connection, job.id) or job
    return {**_card(connection, now, now_us), "errors": msgspec.to_builtins(now.errors), "dropped": now.dropped}


def _card(connection: Connection, now: Job, now_us: int) -> dict[str, Any]:
    if now.state in JOB_ENDS:
        return card(now, now_us)
    place, when = lines.position(connection, now.id), expected(connection, now, now_us)
    return card(
        now, now_us, position=place.before if place.waiting else None,
        expected_us=when.likely_us if when is not None else None,
        expected_by_us=when.sure_us if when is not None else None,
    )  # fmt: skip


def delivered(connection: Connection, job: Job) -> None:
    """Its results were fetched, and are to be kept no longer: what lines say and were answered is dropped, and its file."""
    with connection.transaction():
        lines.forget_texts(connection, job.id, ("done", "failed", "expired", "cancelled"))
        files.delete(connection, job.input_file, tenant=job.tenant)
